/** The text parser: calls are found, and only they, however the text is cut. Its cases are in packages/evals/fixtures/parse-cases.jsonl. */
import { isJsonObject, type Json, type JsonObject } from "@orrery/chat";
import fc from "fast-check";
import { writeCall } from "../gemma4.ts";
import type { ReplyPart } from "../reply.ts";
import { SegmentWriter, spellSegments } from "../segments.ts";
import { MAX_VALUE_DEPTH } from "../value.ts";
import { CLOSERS, OPENERS, RAW_QUOTES, STOPS, TEXT_FORMATS, THOUGHTS, type TextFormat } from "./format.ts";
import { createTextReplyParser, parseReply } from "./text-reply.ts";

const formats = fc.constantFrom<TextFormat>(...TEXT_FORMATS);

/** Neighbouring deltas of one kind joined. */
function joined(parts: readonly ReplyPart[]): ReplyPart[] {
  const result: ReplyPart[] = [];
  for (const part of parts) {
    const last = result.at(-1);
    if ("text" in part && last && "text" in last && last.type === part.type)
      result[result.length - 1] = { ...last, text: last.text + part.text };
    else result.push(part);
  }
  return result;
}

function inPieces(text: string, format: TextFormat, sizes: readonly number[]): ReplyPart[] {
  const parser = createTextReplyParser(format);
  const parts: ReplyPart[] = [];
  for (let at = 0, i = 0; at < text.length; i++) {
    const size = sizes[i % sizes.length]!;
    parts.push(...parser.push(text.slice(at, at + size)));
    at += size;
  }
  return joined([...parts, ...parser.end()]);
}

const calls = (parts: readonly ReplyPart[]): { name: string; input: JsonObject }[] =>
  parts.flatMap((part) => (part.type === "tool-call" ? [{ name: part.name, input: part.input }] : []));

describe("parts", () => {
  test("come in the order of the reply, and arguments as JSON", () => {
    const reply = '<|channel>thought\nhm\n<channel|>Well.<|tool_call>call:f{a:<|"|>x"\n<|"|>,b:True}<tool_call|> So.<turn|>\n';
    expect(joined(parseReply(reply, "gemma4"))).toEqual([
      { type: "reasoning-delta", text: "hm" },
      { type: "text-delta", text: "Well." },
      { type: "tool-call-delta", index: 0, name: "f", text: '{"a":"x\\"\\n","b":true}' },
      { type: "tool-call", index: 0, name: "f", input: { a: 'x"\n', b: true } },
      { type: "text-delta", text: " So." },
      { type: "stop", reason: "turn" },
    ]);
  });

  test("of a string come while it is written, without markers", () => {
    const parser = createTextReplyParser("gemma4");
    expect(parser.push('<|tool_call>call:f{a:<|"|>one')).toEqual([{ type: "tool-call-delta", index: 0, name: "f", text: '{"a":"one' }]);
    expect(parser.push(" two <|")).toEqual([{ type: "tool-call-delta", index: 0, name: "f", text: " two" }]);
    expect(parser.push('"|>')).toEqual([]);
    expect(joined(parser.push("}\nDone"))).toEqual([
      { type: "tool-call-delta", index: 0, name: "f", text: ' "}' },
      { type: "tool-call", index: 0, name: "f", input: { a: "one two " } },
      { type: "text-delta", text: "\nDone" },
    ]);
  });

  test("nothing comes after the end", () => {
    const parser = createTextReplyParser("gemma4");
    expect([parser.push("a"), parser.end(), parser.push("b"), parser.end()].flat()).toEqual([{ type: "text-delta", text: "a" }]);
  });

  test("a prompt that ends inside a thought starts there", () => {
    expect(joined(parseReply("hm<channel|>Hi", "gemma4", { inThought: true }))).toEqual([
      { type: "reasoning-delta", text: "hm" },
      { type: "text-delta", text: "Hi" },
    ]);
  });

  test("a stop in the middle of a text is text", () => {
    expect(joined(parseReply("a <turn|> b", "gemma4"))).toEqual([{ type: "text-delta", text: "a <turn|> b" }]);
  });

  test("text that is only spoken of stays as it is", () => {
    const text = 'Write `<|tool_call>call:f{a:1}<tool_call|>` or\n```\n<tool_call>{"name":"f","arguments":{}}</tool_call>\n```\n.';
    for (const format of TEXT_FORMATS) expect(joined(parseReply(text, format))).toEqual([{ type: "text-delta", text }]);
  });
});

describe("a call that is none is said to be none", () => {
  test.each<[string, TextFormat, string, object]>([
    ["cut in a string", "gemma4", '<|tool_call>call:f{a:<|"|>x', { type: "unclosed", name: "f", raw: 'call:f{a:<|"|>x' }],
    ["cut behind a value", "gemma4", "<|tool_call>call:f{a:[1]", { type: "unclosed", name: "f", raw: "call:f{a:[1]" }],
    ["cut in the name", "gemma4", "<|tool_call>call:f", { type: "unclosed", name: "", raw: "call:f" }],
    ["cut in JSON", "json", '<tool_call>{"name":"f","arguments":{"a":1', { type: "unclosed", name: "f" }],
    ["cut in bare JSON", "json", '{"name":"f","arguments":{"a":1', { type: "unclosed", name: "f" }],
    ["a key without a value", "gemma4", "<|tool_call>call:f{args}<tool_call|>", { type: "malformed", raw: "call:f{args}" }],
    ["no tool's name", "json", '<tool_call>{"a":1}</tool_call>', { type: "malformed", raw: '{"a":1}' }],
    ["arguments that are no object", "json", '<tool_call>{"name":"f","arguments":[1]}</tool_call>', { type: "malformed" }],
    ["another call inside it", "gemma4", "<|tool_call>call:f{<|tool_call>call:g{a:", { type: "unclosed", name: "g" }],
  ])("%s", (_, format, text, part) => {
    const parts = parseReply(text, format);
    expect(calls(parts)).toEqual([]);
    expect(parts.at(-1)).toMatchObject(part);
  });

  test("arguments in a string that nest too deep", () => {
    const nested = `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
    const parts = parseReply(`<tool_call>${JSON.stringify({ name: "f", arguments: nested })}</tool_call>`, "json");
    expect(parts.map(({ type }) => type)).toEqual(["malformed"]);
  });

  test.each(["gemma4", "json"] as const)("more levels than %s may have", (format) => {
    for (const depth of [MAX_VALUE_DEPTH + 1, 100_000]) {
      const nested = `${"[".repeat(depth)}${"]".repeat(depth)}`;
      const text =
        format === "gemma4"
          ? `<|tool_call>call:f{a:${nested}}<tool_call|><|tool_call>call:g{}<tool_call|>`
          : `<tool_call>{"name":"f","arguments":{"a":${nested}}}</tool_call><tool_call>{"name":"g","arguments":{}}</tool_call>`;
      const parts = parseReply(text, format);
      expect(parts[0]).toMatchObject(format === "gemma4" ? { type: "tool-call-delta" } : { type: "malformed" });
      expect(parts.some(({ type }) => type === "malformed")).toBe(true);
      expect(calls(parts)).toEqual([{ name: "g", input: {} }]);
    }
  });
});

test("the key __proto__ touches no prototype", () => {
  const [call] = calls(parseReply("<|tool_call>call:f{__proto__:{polluted:true}}<tool_call|>", "gemma4"));
  expect(Object.keys(call!.input)).toEqual(["__proto__"]);
  expect("polluted" in {}).toBe(false);
});

describe("what is spelled right reads as what it says", () => {
  const number = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true })).map((n) => n + 0 || 0);
  /** Text that looks like structure, and every marker but the quote, which only a reader of ids tells from the end of a string. */
  const parts = [
    ..."{}[]:,='`\\\n <|é🚀",
    ...OPENERS,
    ...CLOSERS,
    ...STOPS,
    '"',
    "```",
    "call:f{",
    "a:",
    ", b:",
    "}<tool_call|>",
    "<|tool_call>call:g{x:1}<tool_call|>",
    "<|channel>thought\n",
    "</think>",
  ];
  const text = fc.oneof(
    fc.string(),
    fc.array(fc.constantFrom(...parts), { maxLength: 8 }).map((list) => list.join("")),
  );
  const objectOf = (key: fc.Arbitrary<string>, string: fc.Arbitrary<string>): fc.Arbitrary<JsonObject> =>
    fc.letrec<{ value: Json; object: JsonObject }>((tie) => ({
      value: fc.oneof({ depthSize: "small" }, string, number, fc.boolean(), fc.constant(null), fc.array(tie("value")), tie("object")),
      object: fc.dictionary(key, tie("value"), { noNullPrototype: true }),
    })).object;

  /** A key that the native spelling can carry without its quotes, and that no mended mistake looks like. */
  const plainKey = fc.oneof(
    fc.array(fc.constantFrom(..."abZ9_$.- é日"), { maxLength: 8 }).map((letters) => `k${letters.join("")}`.trimEnd()),
    fc.constantFrom("__proto__", "constructor", "true", "null", "call"),
  );

  test("native calls, as the renderer spells them", () => {
    fc.assert(
      fc.property(
        fc.array(objectOf(plainKey, text), { minLength: 1, maxLength: 3 }),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        (inputs, sizes) => {
          const out = new SegmentWriter();
          for (const input of inputs) writeCall(out, { name: "f", input });
          const reply = spellSegments(out.take());
          const whole = joined(parseReply(reply, "gemma4"));
          expect(calls(whole)).toEqual(inputs.map((input) => ({ name: "f", input })));
          expect(inPieces(reply, "gemma4", sizes)).toEqual(whole);
        },
      ),
      { numRuns: 80 },
    );
  });

  test.each<[string, (json: string) => string, TextFormat]>([
    ["between tags", (json) => `<tool_call>${json}</tool_call>`, "json"],
    ["in a fence", (json) => `Now:\n\`\`\`json\n${json}\n\`\`\`\n`, "gemma3"],
    ["in Granite's list", (json) => `<|tool_call|>[${json}]`, "granite"],
    ["bare", (json) => json, "json"],
  ])("JSON, %s", (_, spell, format) => {
    const key = fc.oneof(text, fc.constant("__proto__"));
    fc.assert(
      fc.property(objectOf(key, text), fc.constantFrom(undefined, 2), (input, indent) => {
        const reply = spell(JSON.stringify({ name: "f", arguments: input }, null, indent));
        expect(calls(parseReply(reply, format))).toEqual([{ name: "f", input: JSON.parse(JSON.stringify(input)) as JsonObject }]);
      }),
      { numRuns: 60 },
    );
  });
});

describe("any text at all", () => {
  const words = [
    ...OPENERS,
    ...CLOSERS,
    ...RAW_QUOTES,
    ...STOPS,
    ...THOUGHTS.flatMap(({ open, close }) => [open, close]),
    "call:",
    "f",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    ":",
    ",",
    "=",
    '"',
    "'",
    "`",
    "```",
    "~~~",
    "\n",
    " ",
    "\\",
    "<",
    "a:",
    "1",
    "true",
    '{"name":"f","arguments":{',
    '"arguments"',
    "json\n",
    "thought\n",
    "call:f{a:",
    "🚀",
    "\ud83d",
    "\u0000",
  ];
  const garbage = fc.oneof(
    fc.array(fc.constantFrom(...words), { maxLength: 60 }).map((list) => list.join("")),
    fc.string({ unit: "binary" }),
  );

  test("gives the same parts however it is cut, and calls whose deltas are their input", () => {
    fc.assert(
      fc.property(garbage, formats, fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 }), (text, format, sizes) => {
        const whole = joined(parseReply(text, format));
        expect(inPieces(text, format, sizes)).toEqual(whole);
        for (const part of whole) {
          if (part.type !== "tool-call") continue;
          const json = whole.flatMap((one) => (one.type === "tool-call-delta" && one.index === part.index ? [one.text] : [])).join("");
          expect(JSON.parse(json)).toEqual(part.input);
          expect(isJsonObject(part.input)).toBe(true);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test("that is nothing but text is that text", () => {
    const unlike = [...THOUGHTS.map(({ open }) => open), "[", "<turn|>"]; // a thought or a list may be empty, a stop may end it
    fc.assert(
      fc.property(garbage, formats, (text, format) => {
        fc.pre(!unlike.some((word) => text.includes(word)));
        const whole = joined(parseReply(text, format));
        fc.pre(whole.every(({ type }) => type === "text-delta"));
        expect(whole).toEqual(text === "" ? [] : [{ type: "text-delta", text }]);
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    '```json\n{"city": "Paris"}\n```\nis data.',
    '```json\n{"name": "f", "arguments": {}}, too\n```',
    '[{"a": 1}]\n',
    '{"answer": {"name": "f"}}',
    'I mean\n{"name": "f", "arguments": {}}\nas an example.',
    "```json\n{\n```",
  ])("%j is text", (text) => {
    for (const format of TEXT_FORMATS) expect(joined(parseReply(text, format))).toEqual([{ type: "text-delta", text }]);
  });

  test("without a marker, a fence or JSON is text, every character of it", () => {
    const plain = fc.string({ unit: fc.constantFrom(..."abc .,:;!?()\n\r\t'\"|>/é🚀") });
    fc.assert(
      fc.property(plain, formats, (text, format) => {
        expect(joined(parseReply(text, format))).toEqual(text === "" ? [] : [{ type: "text-delta", text }]);
      }),
    );
  });
});

describe("long texts are read once", () => {
  const size = 460_000;
  test("a long string, in small pieces", () => {
    const value = 'line "one", {two}: <b>\n'.repeat(size / 23);
    const parts = inPieces(`<|tool_call>call:f{a:<|"|>${value}<|"|>}<tool_call|>`, "gemma4", [64]);
    expect(calls(parts)).toEqual([{ name: "f", input: { a: value } }]);
  });

  test.each<[string, string]>([
    ["openers", "<|tool_call>"],
    ["heads", "<|tool_call>call:f{a:"],
    ["open strings", '<|tool_call>call:f{a:<|"|>'],
    ["strings that never end", '<|tool_call>call:f{a:<|"|>x}<tool_call|>'],
    ["fences", "```\n<|tool_call>call:f{"],
    ["backticks", "`<|tool_call>call:f{a:"],
    ["JSON that never ends", '\n{"name":"f","arguments":{"a":"'],
    ["fenced JSON that never ends", '\n```json\n{"name":"'],
    ["quotes", '<|"|>,'],
    ["brackets", "{["],
    ["thoughts", "<|channel>thought\n<|tool_call>call:f{a:"],
    ["stops", "<turn|>\n"],
    ["commas in a word", "<|tool_call>call:f{a:b,"],
    ["white space", " \n"],
    ["spaces in a string", '<|tool_call>call:f{a:<|"|>}   '],
  ])("%s, over and over", (_, piece) => {
    const text = piece.repeat(20_000 / piece.length);
    for (const format of ["gemma4", "json"] as const) expect(inPieces(text, format, [1_000]).length).toBeGreaterThan(0);
  });
});
