/** The renderer against the canonical templates, against what Orrery Mini was trained on, and against text that spells control tokens. */
import type { Message, ToolSpec } from "@orrery/chat";
import fc from "fast-check";
import { anyText, goldenPrompts, miniTokenizer, saying, toMessages, toTool, trainedConversations } from "./fixtures.test.support.ts";
import { GEMMA4_FORMAT } from "./format.ts";
import { renderConversation, renderGemma4, type RenderOptions } from "./gemma4.ts";
import { endsInThought } from "./prompt-format.ts";
import { encodeSegments, spellSegments } from "./segments.ts";

const spell = (messages: readonly Message[], tools: readonly ToolSpec[] = [], options: RenderOptions = {}) =>
  spellSegments(renderGemma4(messages, tools, options));

describe("prompts equal those of the canonical templates, byte for byte", () => {
  const names = new Set(goldenPrompts().map(({ name }) => name));
  test.each([...names])("%s", (wanted) => {
    const cases = goldenPrompts().filter(({ name }) => name === wanted);
    expect(cases).toHaveLength(6);
    for (const { template, thinking, addGenerationPrompt, messages, tools, prompt } of cases)
      expect(spell(toMessages(messages), (tools ?? []).map(toTool), { variant: template, thinking, addGenerationPrompt })).toBe(prompt);
  });
});

describe("conversations of Orrery Mini", () => {
  test.each(trainedConversations().map((one) => [`${one.kind} ${one.id}`, one] as const))("%s is rendered as it was trained", (_, one) => {
    const pieces = renderConversation(toMessages(one.messages), one.tools.map(toTool), { addGenerationPrompt: false });
    expect(spellSegments(pieces.flatMap(({ segments }) => segments))).toBe(`<bos>${one.segments.map(([text]) => text).join("")}`);
  });

  test("a reply piece is what the model wrote", () => {
    const one = trainedConversations().find(({ kind }) => kind === "chain")!;
    const pieces = renderConversation(toMessages(one.messages), one.tools.map(toTool));
    const replies = pieces.filter(({ kind }) => kind === "reply").map(({ segments }) => spellSegments(segments));
    expect(replies).toEqual(one.segments.filter(([, written]) => written).map(([text]) => text));
  });
});

test("segments' ids equal those of the whole text when no text spells a control token", () => {
  const tokenizer = miniTokenizer();
  const whole = (text: string): number[] =>
    text
      .split(/(<\|?[a-z_"]+\|?>)/)
      .flatMap((part) => (tokenizer.control.has(part) ? [tokenizer.controlId(part)] : tokenizer.encode(part)));
  fc.assert(
    fc.property(anyText(), anyText(), (one, other) => {
      fc.pre(![one, other].some((text) => text.includes("<") || text.includes("|")));
      const { messages, tools } = saying(one);
      const segments = renderGemma4([...messages, { role: "assistant", content: other }], tools, { thinking: other.length % 2 === 0 });
      expect(encodeSegments(segments, tokenizer)).toEqual(whole(spellSegments(segments)));
    }),
    { numRuns: 50 },
  );
});

test("text that spells control tokens stays text, wherever it comes from", () => {
  const tokenizer = miniTokenizer();
  const conversation = (word: string): [Message[], ToolSpec[]] => [
    [
      { role: "system", content: word },
      { role: "user", content: word },
      { role: "assistant", calls: [{ id: "1", name: "t", input: { [`k${word}`]: word } }] },
      { role: "tool", callId: "1", name: "t", output: { [`r${word}`]: [word] } },
      { role: "assistant", content: `so ${word.replaceAll(/<\|channel>|<channel\|>/g, "")}` },
    ],
    [{ name: "t", description: word, input: { type: "object", properties: { a: { type: "string", description: word, enum: [word] } } } }],
  ];
  const controls = ([messages, tools]: [Message[], ToolSpec[]]) =>
    encodeSegments(renderGemma4(messages, tools), tokenizer).filter((id) => tokenizer.bytes(id) === undefined);
  const hostile = [...tokenizer.control.keys()].join(" ");
  expect(controls(conversation(hostile))).toEqual(controls(conversation("harmless")));
});

test("results that are neither object nor string are values, and undefined properties are left out", () => {
  const prompt = spell([
    { role: "user", content: "go" },
    { role: "assistant", calls: [{ id: "1", name: "f", input: { a: undefined, b: 1 } }] },
    { role: "tool", callId: "1", name: "f", output: [1, null, { B: true, a: "x" }] },
  ]);
  expect(prompt).toContain(
    '<|tool_call>call:f{b:1}<tool_call|><|tool_response>response:f{value:[1,null,{a:<|"|>x<|"|>,B:true}]}<tool_response|>',
  );
});

test("the prompt leaves the model inside a thought only after results with thinking on", () => {
  const asked: Message[] = [{ role: "user", content: "go" }];
  const answered: Message[] = [
    ...asked,
    { role: "assistant", calls: [{ id: "1", name: "f", input: {} }] },
    { role: "tool", callId: "1", name: "f", output: "ok" },
  ];
  expect(endsInThought(renderConversation(answered, [], { thinking: true }), GEMMA4_FORMAT)).toBe(true);
  expect(endsInThought(renderConversation(answered), GEMMA4_FORMAT)).toBe(false);
  expect(endsInThought(renderConversation(asked, [], { thinking: true }), GEMMA4_FORMAT)).toBe(false);
  expect(endsInThought(renderConversation(asked, [], { variant: "large" }), GEMMA4_FORMAT)).toBe(false);
});

describe("messages that are no conversation are refused", () => {
  const user: Message = { role: "user", content: "go" };
  const call = (...ids: string[]): Message => ({ role: "assistant", calls: ids.map((id) => ({ id, name: "f", input: {} })) });
  const result = (callId: string, name = "f"): Message => ({ role: "tool", callId, name, output: 1 });
  let deep: Message = result("1");
  for (let value: readonly unknown[] = [], i = 0; i < 100; i++)
    deep = { role: "tool", callId: "1", name: "f", output: (value = [value]) as never };

  test.each<[string, Message[]]>([
    ["prompt/no-messages", []],
    ["prompt/result-without-call", [user, result("1")]],
    ["prompt/result-without-call", [user, call("1"), result("1"), user, result("2")]],
    ["prompt/duplicate-result", [user, call("1"), result("1"), result("1")]],
    ["prompt/duplicate-call", [user, call("1", "1")]],
    ["prompt/duplicate-call", [user, call("1"), result("1"), call("1")]],
    ["prompt/result-name", [user, call("1"), result("1", "g")]],
    ["prompt/unanswered-call", [user, call("1"), user]],
    ["prompt/unanswered-call", [user, call("1", "2"), result("1")]],
    ["prompt/bad-tool-name", [user, { role: "assistant", calls: [{ id: "1", name: "f{", input: {} }] }]],
    ["prompt/not-json", [user, { role: "assistant", calls: [{ id: "1", name: "f", input: { x: Number.NaN } }] }]],
    ["prompt/too-deep", [user, call("1"), deep]],
  ])("%s", (code, messages) => {
    expect(() => renderGemma4(messages)).toThrow(expect.objectContaining({ name: "PromptError", code }));
  });

  test("calls at the end may wait for their results", () => {
    expect(spell([user, call("1", "2")])).toMatch(/call:f\{\}<tool_call\|><\|tool_response>$/);
  });
});

test("the vocabulary has every control token of the format", () => {
  const { name, calls, thoughtChannel, ...tokens } = GEMMA4_FORMAT;
  expect([name, calls, thoughtChannel]).toEqual(["gemma4", "native", "thought"]);
  for (const token of Object.values(tokens)) expect(miniTokenizer().control.has(token)).toBe(true);
});
