/** FunctionGemma's renderer against Google's template, against text that spells control tokens, and against the reply parser. */
import type { Message, ToolSpec } from "@orrery/chat";
import { byteTokenizer, goldenPrompts, saying, templatePrompt, templateSource, toMessages, toTool } from "./fixtures.test.support.ts";
import { FUNCTION_GEMMA_FORMAT } from "./format.ts";
import { FUNCTION_GEMMA } from "./functiongemma.ts";
import { encodeConversation, ReplyMemory } from "./memory.ts";
import { createReplyParser } from "./reply.ts";
import { encodeSegments, spellSegments } from "./segments.ts";

const TEMPLATE = templateSource("functiongemma");
const { name: _name, calls: _calls, ...tokens } = FUNCTION_GEMMA_FORMAT;
const tokenizer = byteTokenizer(Object.values(tokens).filter((token) => token !== ""));

const spell = (messages: readonly Message[], tools: readonly ToolSpec[] = [], addGenerationPrompt = true) =>
  spellSegments(FUNCTION_GEMMA.render(messages, tools, { addGenerationPrompt }).flatMap(({ segments }) => segments));

const weather: ToolSpec = {
  name: "get_weather",
  description: "Weather of a city.",
  input: {
    type: "object",
    properties: {
      unit: { type: "string", enum: ["C", "F"], description: "Unit" },
      City: { type: "string", description: "Where" },
      days: { type: "array", description: "When", items: { type: "integer", description: "Day" } },
      place: { type: "object", description: "Exactly", properties: { lat: { type: "number", description: "N" } }, required: ["lat"] },
    },
    required: ["City"],
  },
};
const asked: Message = { role: "user", content: " What is the weather in Paris? " };
const called: Message = {
  role: "assistant",
  calls: [{ id: "1", name: "get_weather", input: { unit: "C", City: "Paris", days: [1, true] } }],
};
const answer: Message = { role: "tool", callId: "1", name: "get_weather", output: { temp: 18.5, sky: { "is clear": true } } };

test.each<[string, Message[], ToolSpec[]]>([
  ["a question", [asked], []],
  ["tools", [asked], [weather]],
  ["tools and a system text", [{ role: "system", content: " Be brief. " }, asked], [weather]],
  ["a call and its result", [asked, called, answer], [weather]],
  ["a whole turn", [asked, called, answer, { role: "assistant", content: "18.5 degrees." }], [weather]],
  ["the next question", [asked, called, answer, { role: "assistant", content: "18.5" }, asked], [weather]],
  ["a result that is text", [asked, called, { role: "tool", callId: "1", name: "get_weather", output: "fine" }], [weather]],
  ["text before a call", [asked, { ...called, content: "Let me see." }, answer], [weather]],
])("%s is rendered as the template does, byte for byte", (_, messages, tools) => {
  expect(spell(messages, tools)).toBe(templatePrompt(TEMPLATE, messages, tools));
});

test("so are the conversations of Gemma 4's goldens, where the template has a right order for them", () => {
  let compared = 0;
  const seen = new Set<string>();
  for (const golden of goldenPrompts()) {
    const [messages, tools] = [toMessages(golden.messages), (golden.tools ?? []).map(toTool)];
    const last = messages.at(-1);
    const waits = last?.role === "assistant" && last.calls?.length; // the template opens a turn for who has just called
    const interrupted = messages.some(({ role }, at) => role !== "assistant" && role !== "tool" && messages[at - 1]?.role === "tool");
    if (seen.has(golden.name) || waits || interrupted) continue;
    seen.add(golden.name);
    let theirs: string;
    try {
      theirs = templatePrompt(TEMPLATE, messages, tools);
    } catch {
      continue; // a schema or a value that the template cannot write
    }
    if (/nullable|properties:\{\},type|None|undefined/.test(theirs) || /"nullable"|"anyOf"|\["/.test(JSON.stringify(tools))) continue;
    expect(spell(messages, tools)).toBe(theirs);
    compared++;
  }
  expect(compared).toBeGreaterThan(10);
});

test("a user who speaks directly behind results gets a turn", () => {
  expect(spell([asked, called, answer, asked])).toMatch(/<end_function_response><end_of_turn>\n<start_of_turn>user\n/);
});

test("text that spells control tokens stays text, wherever it comes from", () => {
  const controls = (word: string) => {
    const { messages, tools } = saying(word);
    const ids = encodeSegments(
      FUNCTION_GEMMA.render(messages, tools).flatMap(({ segments }) => segments),
      tokenizer,
    );
    return ids.filter((id) => id > 255);
  };
  expect(controls([...tokenizer.control.keys()].join(" "))).toEqual(controls("harmless"));
});

test("what was sampled is the beginning of the next turn, and reads back", () => {
  const history: Message[] = [asked];
  const memory = new ReplyMemory();
  const before = encodeConversation(FUNCTION_GEMMA.render(history, [weather]), tokenizer, memory);
  const sampled = encodeSegments(
    [
      { control: "<start_function_call>" },
      { text: "call:get_weather{unit:" },
      { control: "<escape>" },
      { text: "C" },
      { control: "<escape>" },
      { text: "}" },
      { control: "<end_function_call>" },
      { control: "<start_function_response>" },
    ],
    tokenizer,
  );
  const parser = createReplyParser(tokenizer, FUNCTION_GEMMA_FORMAT);
  const parts = sampled.flatMap((id) => parser.push(id)).filter(({ type }) => type !== "tool-call-delta");
  expect(parts).toEqual([
    { type: "tool-call", index: 0, name: "get_weather", input: { unit: "C" } },
    { type: "stop", reason: "calls" },
  ]);
  const reply: Message = { role: "assistant", calls: [{ id: "1", name: "get_weather", input: { unit: "C" } }] };
  memory.remember(FUNCTION_GEMMA.replyKey(history, reply, [weather])!, sampled);
  const next = encodeConversation(FUNCTION_GEMMA.render([...history, reply, answer], [weather]), tokenizer, memory);
  expect(next.slice(0, before.length + sampled.length)).toEqual([...before, ...sampled]);
});
