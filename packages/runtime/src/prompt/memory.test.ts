/** The law of append-only turns: what was sent and sampled is the beginning of what is sent next. */
import type { AssistantMessage, Json, Message, ToolSpec } from "@orrery/chat";
import fc from "fast-check";
import { miniTokenizer, toMessages, toTool, trainedConversations } from "./fixtures.test.support.ts";
import { GEMMA4_FORMAT } from "./format.ts";
import { renderConversation, renderGemma4, replyKey, type RenderOptions } from "./gemma4.ts";
import { encodeConversation, ReplyMemory } from "./memory.ts";
import { createReplyParser } from "./reply.ts";
import { encodeSegments, type Segment } from "./segments.ts";

const tokenizer = miniTokenizer();
const control = (text: string): Segment => ({ control: text });

test("without a memory the ids are those of the whole conversation", () => {
  for (const { messages, tools } of trainedConversations()) {
    const [ours, specs] = [toMessages(messages), tools.map(toTool)];
    expect(encodeConversation(renderConversation(ours, specs), tokenizer)).toEqual(encodeSegments(renderGemma4(ours, specs), tokenizer));
  }
});

/** A reply as a careless model might write it: every character by itself, arguments in no order, white space around. */
function carelessIds(message: AssistantMessage): number[] {
  const letters = (text: string) => [...text].flatMap((letter) => tokenizer.encode(letter));
  const value = (of: Json | undefined): number[] => {
    const quote = tokenizer.controlId(GEMMA4_FORMAT.quote);
    if (typeof of === "string") return [quote, ...letters(of), quote];
    if (typeof of !== "object" || of === null) return letters(` ${JSON.stringify(of)}`);
    if (Array.isArray(of))
      return [...letters("["), ...of.flatMap((item: Json, i) => [...letters(i ? ", " : ""), ...value(item)]), ...letters(" ]")];
    const pairs = Object.entries(of).toReversed();
    return [...letters("{"), ...pairs.flatMap(([key, item], i) => [...letters(`${i ? "," : ""}${key}:`), ...value(item)]), ...letters("}")];
  };
  if (!message.calls?.length) return [...letters(`${message.content} \n`), tokenizer.controlId(GEMMA4_FORMAT.turnClose)];
  const open = encodeSegments([control(GEMMA4_FORMAT.callOpen)], tokenizer);
  const calls = message.calls.flatMap(({ name, input }) => [
    ...open,
    ...letters(`call:${name}`),
    ...value(input),
    tokenizer.controlId(GEMMA4_FORMAT.callClose),
  ]);
  return [...calls, tokenizer.controlId(GEMMA4_FORMAT.responseOpen)];
}

/** Plays a conversation turn by turn; at every turn of the model checks the law. Returns how many replies were checked. */
function play(messages: readonly Message[], tools: readonly ToolSpec[], options: RenderOptions, memory: ReplyMemory): number {
  let before: readonly number[] = [];
  let replies = 0;
  messages.forEach((message, at) => {
    if (message.role !== "assistant") return;
    const history = messages.slice(0, at);
    const ids = encodeConversation(renderConversation(history, tools, options), tokenizer, memory);
    expect(ids.slice(0, before.length)).toEqual(before);
    const sampled = carelessIds(message);
    const key = replyKey(history, message, tools, options);
    expect(key).toBeDefined();
    memory.remember(key!, sampled);
    before = [...ids, ...sampled];
    replies++;
  });
  return replies;
}

test("what was sent and sampled is the beginning of the next turn, however carelessly the model wrote", () => {
  const memory = new ReplyMemory();
  const checked = trainedConversations().map(({ messages, tools }) => play(toMessages(messages), tools.map(toTool), {}, memory));
  expect(checked.reduce((a, b) => a + b)).toBeGreaterThan(40);
});

test("the same reply at two places is remembered twice", () => {
  const ask = (content: string): Message => ({ role: "user", content });
  const reply: AssistantMessage = { role: "assistant", content: "Yes." };
  const memory = new ReplyMemory();
  const later = [ask("a"), reply, ask("b")];
  memory.remember(replyKey([ask("a")], reply)!, [1, 2]);
  memory.remember(replyKey(later, reply)!, [3, 4, 5]);
  const pieces = renderConversation([...later, reply, ask("c")]);
  const replies = pieces.filter(({ kind }) => kind === "reply");
  expect(replies.map(({ key }) => memory.recall(key))).toEqual([
    [1, 2],
    [3, 4, 5],
  ]);
});

test("a piece is encoded once", () => {
  const memory = new ReplyMemory();
  const pieces = renderConversation([{ role: "user", content: "Hi" }]);
  const ids = encodeConversation(pieces, tokenizer, memory);
  expect(encodeConversation(pieces, { ...tokenizer, encode: () => [] }, memory)).toEqual(ids);
});

test("text before calls has no key, because the format moves it", () => {
  const reply: AssistantMessage = { role: "assistant", content: "wait", calls: [{ id: "1", name: "f", input: {} }] };
  expect(replyKey([{ role: "user", content: "go" }], reply)).toBeUndefined();
});

test("with thinking on, a tool loop keeps its thoughts and its prefix", () => {
  const options = { thinking: true };
  const history: Message[] = [{ role: "user", content: "go" }];
  const memory = new ReplyMemory();
  let before: readonly number[] = [];
  for (const step of ["1", "2", "3"]) {
    const ids = encodeConversation(renderConversation(history, [], options), tokenizer, memory);
    expect(ids.slice(0, before.length)).toEqual(before);
    const opening = step === "1" ? [control(GEMMA4_FORMAT.channelOpen), { text: "thought\n" }] : [];
    const sampled = encodeSegments(
      [
        ...opening,
        { text: `step ${step}\n` },
        control(GEMMA4_FORMAT.channelClose),
        control(GEMMA4_FORMAT.callOpen),
        { text: "call:f{}" },
        control(GEMMA4_FORMAT.callClose),
        control(GEMMA4_FORMAT.responseOpen),
      ],
      tokenizer,
    );
    const parser = createReplyParser(tokenizer, GEMMA4_FORMAT, { inThought: step !== "1" });
    const reasoning = sampled
      .flatMap((id) => parser.push(id))
      .reduce((text, part) => (part.type === "reasoning-delta" ? text + part.text : text), "");
    const reply: AssistantMessage = { role: "assistant", reasoning, calls: [{ id: step, name: "f", input: {} }] };
    memory.remember(replyKey(history, reply, [], options)!, sampled);
    before = [...ids, ...sampled];
    history.push(reply, { role: "tool", callId: step, name: "f", output: "ok" });
  }
});

test("a memory never holds more ids than it may, and drops what was used longest ago", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom("a", "b", "c", "d"), fc.nat(12))), (replies) => {
      const memory = new ReplyMemory(20);
      for (const [key, length] of replies) {
        memory.remember(
          key,
          Array.from({ length }, (_, i) => i),
        );
        expect(memory.size).toBeLessThanOrEqual(20);
        expect(memory.recall(key)).toHaveLength(length);
      }
    }),
  );
  const memory = new ReplyMemory(4);
  memory.remember("a", [1, 2]);
  memory.remember("b", [3, 4]);
  memory.recall("a");
  memory.remember("c", [5]);
  expect([memory.recall("a"), memory.recall("b"), memory.recall("c")]).toEqual([[1, 2], undefined, [5]]);
});
