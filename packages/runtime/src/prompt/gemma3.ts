/**
 * Conversations in Gemma 3's chat format. In: messages and tools. Out: pieces. Law: as in {@link PromptFormat}.
 *
 * The format has two roles that take turns, and neither system text nor tools. So, as Google's template does, a system text stands before
 * the first user's text. Tools are told in words, calls are a JSON list, as Google's guide to function calling with Gemma 3 shows
 * (ai.google.dev/gemma/docs/capabilities/function-calling); results are told by the user, as its examples do. What is said by the same
 * role in a row is one turn.
 */
import type { Message, ToolSpec } from "@orrery/chat";
import { checkConversation } from "./conversation.ts";
import { checkToolName } from "./declaration.ts";
import { SPACED, TURNS_ONLY, type JsonCalls, type JsonFormat } from "./format.ts";
import { resultText, writeJsonCalls } from "./json-calls.ts";
import { jsonText } from "./python-json.ts";
import { PieceWriter, type Piece } from "./pieces.ts";
import { lastReplyKey, type PromptFormat, type PromptOptions } from "./prompt-format.ts";

const CALLS: JsonCalls = {
  before: [{ text: '[{"name": "' }],
  beforeInput: [{ text: '", "parameters": ' }],
  between: [{ text: '}, {"name": "' }],
  after: [{ text: "}]" }],
  spacing: SPACED,
};

export const GEMMA3_FORMAT: JsonFormat = {
  ...TURNS_ONLY,
  name: "gemma3",
  calls: "json",
  json: CALLS,
  begin: "<bos>",
  end: "<eos>",
  turnOpen: "<start_of_turn>",
  turnClose: "<end_of_turn>",
};
const F = GEMMA3_FORMAT;

export const GEMMA3: PromptFormat = {
  format: F,
  version: `${F.name} 1`,
  render,
  replyKey(messages, reply, tools) {
    if (reply.calls?.length && reply.content?.trim()) return undefined; // text beside calls is nothing that the format lets a model write
    return lastReplyKey(render([...messages, reply], tools, { addGenerationPrompt: false }));
  },
};

const HOW_TO_CALL = `You have access to functions. If you decide to invoke any of the function(s), you MUST put it in the format of
[{"name": function name, "parameters": dictionary of argument name and its value}]
You SHOULD NOT include any other text in the response if you call a function
`;

function render(
  messages: readonly Message[],
  tools: readonly ToolSpec[] = [],
  { addGenerationPrompt = true }: PromptOptions = {},
): Piece[] {
  checkConversation(messages);
  const out = new PieceWriter();
  out.control(F.begin);
  const [first, ...rest] = messages;
  const system = first?.role === "system" ? [first.content] : [];
  let said = [...system, ...(tools.length > 0 ? [declarations(tools)] : [])]; // by the user, since the model spoke
  for (const message of system.length > 0 ? rest : messages) {
    if (message.role === "tool") said.push(`\`\`\`tool_output\n${resultText(message.output)}\n\`\`\``);
    else if (message.role !== "assistant") said.push(message.content.trim());
    else {
      writeUserTurn(out, said);
      said = [];
      const text = message.content?.trim() ?? "";
      const calls = message.calls ?? [];
      out.control(F.turnOpen).text("model\n");
      out.beginReply();
      out.text(text);
      if (text !== "" && calls.length > 0) out.text("\n");
      if (calls.length > 0) writeJsonCalls(out, calls, CALLS);
      out.control(F.turnClose);
      out.endReply();
      out.text("\n");
    }
  }
  writeUserTurn(out, said);
  if (addGenerationPrompt) out.control(F.turnOpen).text("model\n");
  return out.finish();
}

function writeUserTurn(out: PieceWriter, said: readonly string[]): void {
  if (said.length > 0)
    out
      .control(F.turnOpen)
      .text(`user\n${said.join("\n\n")}`)
      .control(F.turnClose)
      .text("\n");
}

function declarations(tools: readonly ToolSpec[]): string {
  for (const { name } of tools) checkToolName(name, "a tool is named");
  const list = tools.map(({ name, description, input }) => ({ name, description, parameters: input }));
  return `${HOW_TO_CALL}${jsonText(list, 2)}`;
}
