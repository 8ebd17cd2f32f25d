/**
 * Conversations in FunctionGemma's chat format (Google's template of functiongemma-270m-it). In: messages and tools. Out: pieces. Law:
 * what was sent to the model plus what it sampled is the beginning of the next rendering, as long as messages are only appended.
 *
 * Where the template would write a user's text into the model's open turn (directly behind results), the turn is closed first.
 */
import type { AssistantMessage, Message, ToolMessage, ToolSpec } from "@orrery/chat";
import { checkConversation } from "./conversation.ts";
import { writeDeclaration, type DeclarationSyntax } from "./declaration.ts";
import { FUNCTION_GEMMA_FORMAT } from "./format.ts";
import { endOfResults, writeCall, writeResult } from "./gemma4.ts";
import { PieceWriter, type Piece } from "./pieces.ts";
import { lastReplyKey, type PromptFormat, type PromptOptions } from "./prompt-format.ts";

const F = FUNCTION_GEMMA_FORMAT;
const SYNTAX: DeclarationSyntax = { format: F, fields: "fixed" };

/** What the template says where tools are declared and nobody else speaks to the model first. */
const FUNCTIONS = "You are a model that can do function calling with the following functions";

export const FUNCTION_GEMMA: PromptFormat = {
  format: F,
  version: `${F.name} 1`,
  render,
  replyKey: (messages, reply, tools) => lastReplyKey(render([...messages, reply], tools, { addGenerationPrompt: false })),
};

function render(
  messages: readonly Message[],
  tools: readonly ToolSpec[] = [],
  { addGenerationPrompt = true }: PromptOptions = {},
): Piece[] {
  checkConversation(messages);
  const out = new PieceWriter();
  out.control(F.begin);
  const [first] = messages;
  const system = first?.role === "system" ? first.content.trim() : undefined;
  if (system !== undefined || tools.length > 0) {
    out.control(F.turnOpen).text(`developer\n${system ?? FUNCTIONS}`);
    for (const tool of tools) writeDeclaration(out, tool, SYNTAX);
    out.control(F.turnClose).text("\n");
  }

  let open = false; // is the model's turn open? It stays so from a call to the text that answers
  messages.forEach((message, at) => {
    if (message.role === "tool" || (at === 0 && message.role === "system")) return; // results are written with the calls they answer
    if (message.role === "assistant") {
      if (!open) out.control(F.turnOpen).text("model\n");
      const results = messages.slice(at + 1, endOfResults(messages, at)).filter((result) => result.role === "tool");
      open = writeModelTurn(out, message, results);
      return;
    }
    if (open) out.control(F.turnClose).text("\n");
    open = false;
    out.control(F.turnOpen).text(`${message.role}\n${message.content.trim()}`).control(F.turnClose).text("\n");
  });
  if (addGenerationPrompt && !open) out.control(F.turnOpen).text("model\n");
  return out.finish();
}

/** Text, then calls with their results. True when the turn stays open. */
function writeModelTurn(out: PieceWriter, { content = "", calls = [] }: AssistantMessage, results: readonly ToolMessage[]): boolean {
  out.beginReply();
  out.text(content.trim());
  for (const call of calls) writeCall(out, call, F);
  out.control(calls.length > 0 ? F.responseOpen : F.turnClose);
  out.endReply();
  if (calls.length === 0) out.text("\n");
  results.forEach((result, at) => {
    if (at > 0) out.control(F.responseOpen);
    writeResult(out, result, F);
  });
  return calls.length > 0;
}
