/**
 * Conversations in Gemma 4's chat format (Google's templates of 2026-07-09, and Orrery Mini's). In: messages and tools. Out: pieces,
 * those that the program writes and those that the model wrote. Law: piece by piece, what was sent to the model plus what it sampled
 * is the beginning of the next rendering, as long as messages are only appended and no thought has to be dropped.
 */
import { isJsonObject, type AssistantMessage, type Message, type ToolCall, type ToolMessage, type ToolSpec } from "@orrery/chat";
import { checkConversation } from "./conversation.ts";
import { checkToolName, writeDeclaration } from "./declaration.ts";
import { GEMMA4_FORMAT, type ChatFormat } from "./format.ts";
import { PieceWriter, type Piece } from "./pieces.ts";
import { lastReplyKey, type PromptFormat, type PromptOptions } from "./prompt-format.ts";
import type { Segment, SegmentWriter } from "./segments.ts";
import { writeObject, writeValue } from "./value.ts";

/** `small`: E2B, E4B, Orrery Mini. `large`: 12B, 26B-A4B, 31B, which are given an empty thought when thinking is off. */
export type Gemma4Variant = "small" | "large";

export interface RenderOptions extends PromptOptions {
  /** Default `small`. */
  readonly variant?: Gemma4Variant;
}

const F = GEMMA4_FORMAT;

/** The format of Gemma 4, for either kind of its models. */
export function gemma4(variant: Gemma4Variant): PromptFormat {
  return {
    format: F,
    version: variant === "small" ? `${F.name} 1` : `${F.name} ${variant} 1`,
    render: (messages, tools, options) => renderConversation(messages, tools, { ...options, variant }),
    replyKey: (messages, reply, tools, options) => replyKey(messages, reply, tools, { ...options, variant }),
  };
}

/**
 * A conversation as segments.
 * @throws PromptError `prompt/…` for messages that no conversation has (a result without a call, …), see {@link checkConversation}
 */
export function renderGemma4(messages: readonly Message[], tools: readonly ToolSpec[] = [], options: RenderOptions = {}): Segment[] {
  return renderConversation(messages, tools, options).flatMap((piece) => piece.segments);
}

/** A conversation as pieces in order. @throws PromptError as {@link renderGemma4} */
export function renderConversation(messages: readonly Message[], tools: readonly ToolSpec[] = [], options: RenderOptions = {}): Piece[] {
  checkConversation(messages);
  const { variant = "small", thinking = false, addGenerationPrompt = true } = options;
  const out = new PieceWriter();
  out.control(F.begin);

  const [first] = messages;
  const system = first?.role === "system" ? first.content.trim() : undefined;
  if (thinking || tools.length > 0 || system !== undefined) {
    out.control(F.turnOpen).text("system\n");
    if (thinking) out.control(F.think).text("\n");
    out.text(system ?? "");
    for (const tool of tools) writeDeclaration(out, tool);
    out.control(F.turnClose).text("\n");
  }

  const lastUser = messages.findLastIndex((message) => message.role === "user");
  let open = false; // is a model turn open? It stays so from a call to the text that answers
  messages.forEach((message, at) => {
    if (at === 0 && message.role === "system") return;
    if (message.role === "tool") return; // written with the calls it answers
    if (message.role !== "assistant") {
      out.control(F.turnOpen).text(`${message.role}\n${message.content.trim()}`).control(F.turnClose).text("\n");
      return;
    }
    const results = messages.slice(at + 1, endOfResults(messages, at));
    const next = messages[at + 1 + results.length];
    if (!open) out.control(F.turnOpen).text("model\n");
    const prefilled = open && thinking && messages[at - 1]?.role === "tool";
    const thought = at > lastUser ? message.reasoning : undefined;
    open = writeModelTurn(out, { message, results: results.filter((result) => result.role === "tool"), next, thought, prefilled });
  });

  if (!addGenerationPrompt) return out.finish();
  const last = messages.at(-1);
  if (last?.role === "tool") {
    if (thinking) out.control(F.channelOpen).text(`${F.thoughtChannel}\n`);
  } else if (!open) {
    out.control(F.turnOpen).text("model\n");
    if (variant === "large" && !thinking) out.control(F.channelOpen).text(`${F.thoughtChannel}\n`).control(F.channelClose);
  }
  return out.finish();
}

/**
 * The key under which the ids of `reply`, sampled after `messages`, are to be remembered: that of its piece in every later rendering.
 * Undefined for a reply with both text and calls, because the format moves such text behind the results.
 * @throws PromptError as {@link renderGemma4}
 */
export function replyKey(
  messages: readonly Message[],
  reply: AssistantMessage,
  tools: readonly ToolSpec[] = [],
  options: RenderOptions = {},
): string | undefined {
  if (reply.calls?.length && withoutThoughts(reply.content ?? "") !== "") return undefined;
  const pieces = renderConversation([...messages, reply], tools, { ...options, addGenerationPrompt: false });
  return lastReplyKey(pieces);
}

interface ModelTurn {
  readonly message: AssistantMessage;
  readonly results: readonly ToolMessage[];
  readonly next: Message | undefined;
  /** Its thought, when it is still to be shown to the model. */
  readonly thought: string | undefined;
  /** The program has opened the thought for the model (after results, with thinking on). */
  readonly prefilled: boolean;
}

/** Writes what the model said, with the results of its calls. True when the turn stays open. */
function writeModelTurn(out: PieceWriter, { message, results, next, thought, prefilled }: ModelTurn): boolean {
  const calls = message.calls ?? [];
  const text = withoutThoughts(message.content ?? "");
  const continued = next?.role === "assistant";
  if (thought && prefilled) out.control(F.channelOpen).text(`${F.thoughtChannel}\n`);
  // What the model wrote is a reply of its own, unless the format moves or joins it: text before a call, text continued by more text.
  const ownWords = calls.length > 0 ? text === "" : !continued;
  if (ownWords) out.beginReply();
  if (thought) {
    if (!prefilled) out.control(F.channelOpen).text(`${F.thoughtChannel}\n`);
    out.text(`${thought}\n`).control(F.channelClose);
  }
  for (const call of calls) writeCall(out, call);
  if (calls.length > 0) {
    out.control(F.responseOpen);
    if (ownWords) out.endReply();
    if (results.length === 0) return true;
    results.forEach((result, at) => {
      if (at > 0) out.control(F.responseOpen);
      writeResult(out, result);
    });
    if (text === "" && (next === undefined || continued)) return true;
  }
  out.text(text);
  if (continued) return true;
  out.control(F.turnClose);
  if (ownWords && calls.length === 0) out.endReply();
  out.text("\n");
  return false;
}

/** `<|tool_call>call:NAME{…}<tool_call|>` @throws PromptError `prompt/bad-tool-name`, and as {@link writeObject} */
export function writeCall(out: SegmentWriter, call: Pick<ToolCall, "name" | "input">, format: ChatFormat = F): void {
  checkToolName(call.name, "a call names the tool");
  out.control(format.callOpen).text(`call:${call.name}`);
  writeObject(out, call.input, format.quote);
  out.control(format.callClose);
}

/** `response:NAME{…}<tool_response|>`: an object as it is, anything else as `{value:…}`. */
export function writeResult(out: SegmentWriter, { name, output }: ToolMessage, format: ChatFormat = F): void {
  out.text(`response:${name}`);
  if (isJsonObject(output)) writeObject(out, output, format.quote);
  else {
    out.text("{value:");
    writeValue(out, output, format.quote);
    out.text("}");
  }
  out.control(format.responseClose);
}

/** Text of the model without the thoughts spelt in it: from each `<|channel>` to the next `<channel|>`. Trimmed. */
function withoutThoughts(text: string): string {
  return text
    .split(F.channelClose)
    .map((part) => part.split(F.channelOpen)[0])
    .join("")
    .trim();
}

/** Where the results of the calls of `messages[at]` end. */
export function endOfResults(messages: readonly Message[], at: number): number {
  const next = messages.findIndex((message, i) => i > at && message.role !== "tool");
  return next < 0 ? messages.length : next;
}
