/** The reply parser: what is rendered reads back, and what is no call is said to be none. */
import type { JsonObject } from "@orrery/chat";
import fc from "fast-check";
import { anyText, miniTokenizer } from "./fixtures.test.support.ts";
import { GEMMA4_FORMAT } from "./format.ts";
import { writeCall } from "./gemma4.ts";
import { createReplyParser, type ReplyPart, type ReplyParserOptions } from "./reply.ts";
import { encodeSegments, SegmentWriter, type Segment } from "./segments.ts";

const tokenizer = miniTokenizer();

/** What may be a control token in a test's text. */
const CONTROLS = /(<\|?[a-z_"]+\|?>)/;

function parseIds(ids: readonly number[], options?: ReplyParserOptions): ReplyPart[] {
  const parser = createReplyParser(tokenizer, GEMMA4_FORMAT, options);
  return [...ids.flatMap((id) => parser.push(id)), ...parser.end()];
}

/** Text in which control tokens are meant as such. */
function parse(text: string, options?: ReplyParserOptions): ReplyPart[] {
  const segments = text.split(CONTROLS).map((part): Segment => (tokenizer.control.has(part) ? { control: part } : { text: part }));
  return merged(parseIds(encodeSegments(segments, tokenizer), options));
}

/** Neighbouring deltas of one kind joined. */
function merged(parts: readonly ReplyPart[]): ReplyPart[] {
  const result: ReplyPart[] = [];
  for (const part of parts) {
    const last = result.at(-1);
    if ("text" in part && last && "text" in last && last.type === part.type)
      result[result.length - 1] = { ...last, text: last.text + part.text };
    else result.push(part);
  }
  return result;
}

/** A call's parts, joined. */
const call = (index: number, name: string, input: JsonObject, json = JSON.stringify(input)): ReplyPart[] => [
  { type: "tool-call-delta", index, name, text: json },
  { type: "tool-call", index, name, input },
];

describe("what the renderer writes, the parser reads back", () => {
  const word = fc.constantFrom(
    ...tokenizer.control.keys(),
    "{",
    "}",
    ":",
    ",",
    '"',
    "\\",
    "\n",
    " ",
    "[",
    "]",
    "__proto__",
    "é",
    "日本",
    "🚀",
  );
  const text = fc.oneof(
    fc.string(),
    anyText(),
    fc.array(word, { maxLength: 5 }).map((words) => words.join("")),
  );
  const number = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true })).map((n) => n + 0 || 0);
  const { object } = fc.letrec<{ value: unknown; object: JsonObject }>((tie) => ({
    value: fc.oneof({ depthSize: "small" }, text, number, fc.boolean(), fc.constant(null), fc.array(tie("value")), tie("object")),
    object: fc.dictionary(text, tie("value"), { noNullPrototype: true }) as fc.Arbitrary<JsonObject>,
  }));

  test("any JSON object as arguments", () => {
    fc.assert(
      fc.property(object, (input) => {
        const out = new SegmentWriter();
        writeCall(out, { name: "f", input });
        const parts = merged(parseIds(encodeSegments(out.take(), tokenizer)));
        expect(parts.at(-1)).toEqual({ type: "tool-call", index: 0, name: "f", input });
        const [delta] = parts;
        expect(delta?.type === "tool-call-delta" && JSON.parse(delta.text)).toEqual(input);
      }),
      { numRuns: 200 },
    );
  });

  test("the key __proto__ touches no prototype", () => {
    const [, read] = parse("<|tool_call>call:f{__proto__:{polluted:true}}<tool_call|>");
    expect(read?.type === "tool-call" && Object.keys(read.input)).toEqual(["__proto__"]);
    expect("polluted" in {}).toBe(false);
  });
});

/** The ids of a text's characters, each encoded alone: the longest way to spell it. */
const letterIds = (text: string): number[] => [...text].flatMap((letter) => tokenizer.encode(letter));

/** Ids of a reply whose texts are encoded by `encode`. */
function spelledBy(encode: (text: string) => readonly number[], reply: string): number[] {
  return reply.split(CONTROLS).flatMap((part) => (tokenizer.control.has(part) ? [tokenizer.controlId(part)] : [...encode(part)]));
}

describe("parts do not depend on which tokens spell the text", () => {
  test.each([
    '<|channel>thought\nhm\n\nso 🚀\n<channel|>Well.\n<|tool_call>call:a{x:-1.5e3,"y":true}<tool_call|><|tool_response>',
    '<|tool_call>call:b.c-d{text:<|"|>日本\n"é" 🚀 \\ </x><|"|>,list:[1,null,{k:<|"|><|"|>}]}<tool_call|><|tool_call>call:e{}<tool_call|> done<turn|>',
    '<|tool_call>call:f{a:<|"|>cut',
    "<|channel>thought<channel|>thought\n<|tool_call>call:f{a:nothing}<tool_call|>",
  ])("%s", (reply) => {
    const whole = merged(parseIds(spelledBy((text) => tokenizer.encode(text), reply)));
    expect(merged(parseIds(spelledBy(letterIds, reply)))).toEqual(whole);
    expect(whole.length).toBeGreaterThan(0);
  });
});

test("argument deltas are JSON from the first to the last, whatever the length of a string", () => {
  const text = 'line "one"\n'.repeat(5_000);
  const ids = spelledBy((part) => tokenizer.encode(part), `<|tool_call>call:f{a:<|"|>${text}<|"|>}<tool_call|>`);
  const parts = parseIds(ids);
  const deltas = parts.flatMap((part) => (part.type === "tool-call-delta" ? [part.text] : []));
  expect(deltas.length).toBeGreaterThan(5_000);
  expect(JSON.parse(deltas.join(""))).toEqual({ a: text });
  expect(parts.at(-1)).toEqual({ type: "tool-call", index: 0, name: "f", input: { a: text } });
});

test("any ids at all give parts and no exception", () => {
  const ids = fc.array(fc.oneof(fc.integer({ min: 0, max: 40 }), fc.nat(tokenizer.size + 5)), { maxLength: 200 });
  fc.assert(fc.property(ids, fc.boolean(), (list, inThought) => void parseIds(list, { inThought })));
});

describe("the order of text, thought and calls is the model's", () => {
  test.each<[string, string, ReplyPart[]]>([
    [
      "an answer",
      "It is 7 °C.<turn|>",
      [
        { type: "text-delta", text: "It is 7 °C." },
        { type: "stop", reason: "turn" },
      ],
    ],
    [
      "two calls",
      '<|tool_call>call:a{x:1}<tool_call|><|tool_call>call:b.c-d{y:[<|"|>z<|"|>, -0.5e3,true]}<tool_call|><|tool_response>',
      [
        ...call(0, "a", { x: 1 }),
        ...call(1, "b.c-d", { y: ["z", -500, true] }, '{"y":["z",-0.5e3,true]}'),
        { type: "stop", reason: "calls" },
      ],
    ],
    [
      "a thought, text, a call",
      "<|channel>thought\nhm\n\nso\n<channel|>Well.<|tool_call>call:f{}<tool_call|><|tool_response>",
      [
        { type: "reasoning-delta", text: "hm\n\nso" },
        { type: "text-delta", text: "Well." },
        ...call(0, "f", {}),
        { type: "stop", reason: "calls" },
      ],
    ],
    [
      "an empty thought",
      "<|channel>thought\n<channel|>Hi<eos>",
      [
        { type: "text-delta", text: "Hi" },
        { type: "stop", reason: "end" },
      ],
    ],
    ["a thought without its name", "<|channel>thin<channel|>", [{ type: "reasoning-delta", text: "thin" }]],
    [
      "white space and quoted keys",
      '<|tool_call>call:f{ <|"|>a:}b<|"|> : 1 ,\n c : [ ] }<tool_call|>',
      call(0, "f", { "a:}b": 1, "c ": [] }, '{"a:}b":1,"c ":[]}'),
    ],
    [
      "nothing after a stop",
      "a<turn|>b<|tool_call>",
      [
        { type: "text-delta", text: "a" },
        { type: "stop", reason: "turn" },
      ],
    ],
  ])("%s", (_, reply, parts) => {
    expect(parse(reply)).toEqual(parts);
  });

  test("a prompt that ends inside a thought starts there", () => {
    expect(parse("thought\n<channel|>Hi<turn|>", { inThought: true })).toEqual([
      { type: "reasoning-delta", text: "thought" },
      { type: "text-delta", text: "Hi" },
      { type: "stop", reason: "turn" },
    ]);
  });

  test("markers spelt in plain tokens are text", () => {
    const text = '<|tool_call>call:f{}<tool_call|><turn|><|"|>';
    expect(merged(parseIds(tokenizer.encode(text)))).toEqual([{ type: "text-delta", text }]);
  });
});

describe("a call that is none", () => {
  const nested = `{a:${"[".repeat(64)}${"]".repeat(64)}}`;
  test.each([
    ["comes twice", "call:f{a:1,a:2}"],
    ["no value", "call:f{a:01}"],
    ["no value", "call:f{a:None}"],
    ["no value", "call:f{a:1e999}"],
    ["a key is missing", "call:f{a:1,}"],
    ["a value is missing", "call:f{a:[1,]}"],
    ["a key without a value", "call:f{a}"],
    ["neither a comma", "call:f{a:[1}}"],
    ["behind the arguments", "call:f{}x"],
    ["does not begin", "f{}"],
    ["does not begin", `call:${"f".repeat(65)}{}`],
    ["before its arguments", "call:f{a:1"],
    ["none may stand", 'call:f{a:1<|"|>}'],
    ["no colon", 'call:f{<|"|>a<|"|>1}'],
    ["<|tool> inside", 'call:f{a:<|"|><|tool><|"|>}'],
    ["more than 64 levels", `call:f${nested}`],
  ])("%s: %s", (wrong, raw) => {
    expect(parse(`<|tool_call>${raw}<tool_call|>`).at(-1)).toEqual({
      type: "malformed",
      index: 0,
      raw,
      wrong: expect.stringContaining(wrong) as string,
    });
  });

  test("is unclosed when the reply ends inside it", () => {
    expect(parse('<|tool_call>call:f{a:<|"|>x').at(-1)).toEqual({ type: "unclosed", index: 0, name: "f", raw: 'call:f{a:<|"|>x' });
    expect(parse("<|tool_call>ca<turn|>")).toEqual([
      { type: "unclosed", index: 0, name: "", raw: "ca" },
      { type: "stop", reason: "turn" },
    ]);
  });

  test("does not spoil the next", () => {
    const parts = parse("<|tool_call>call:f{<|tool_call>call:g{}<tool_call|>");
    expect(parts.filter(({ type }) => !type.endsWith("delta")).map(({ type }) => type)).toEqual(["malformed", "tool-call"]);
  });
});
