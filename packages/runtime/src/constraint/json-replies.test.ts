/** Calls that are JSON: what the grammar lets a model write is what the parser reads, whatever the format. */
import { isJsonObject, type Json, type JsonObject, type JsonSchema, type Moves, type ToolCall } from "@orrery/chat";
import fc from "fast-check";
import { byteTokenizer, miniTokenizer } from "../prompt/fixtures.test.support.ts";
import type { JsonFormat, JsonSpacing } from "../prompt/format.ts";
import { extended, JSON_CASES } from "../prompt/json-formats.test.support.ts";
import { createJsonReplyParser } from "../prompt/json-reply.ts";
import type { ReplyPart } from "../prompt/reply.ts";
import { encodeSegments, type Segment } from "../prompt/segments.ts";
import { createTextReplyParser } from "../prompt/text-reply.ts";
import { createRandom } from "../sampling/random.ts";
import type { Tokenizer } from "../tokenizer/vocabulary.ts";
import { createConstraintEngine } from "./engine.ts";
import { compileMoves } from "./moves.ts";
import { complaint, sampled, uniform, validators, write } from "./replies.test.support.ts";
import { moves as anyMoves } from "./schemas.test.support.ts";
import { after, smallTokenizer } from "./vocabulary.test.support.ts";

/** Tokens that go over the ends of a format's words, and those that stop within them. */
const WORDS = [
  '[{"',
  '"name',
  '": "',
  '", "',
  "parameters",
  "arguments",
  '": ',
  '{"',
  '":"',
  '"}',
  "}}",
  "}]",
  "}, ",
  "<tool",
  "_call>\n",
  "get_",
  "12",
  " the",
  "é",
];

/** As `JSON.stringify`, with these between its tokens. */
function spelt(value: Json, spacing: JsonSpacing): string {
  const inner = (one: Json) => spelt(one, spacing);
  if (Array.isArray(value)) return `[${value.map(inner).join(spacing.comma)}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([name, one]) => `${JSON.stringify(name)}${spacing.colon}${inner(one!)}`)
    .join(spacing.comma)}}`;
}

function parse(tokenizer: Tokenizer, format: JsonFormat, ids: readonly number[], calling = true): ReplyPart[] {
  const parser = calling ? createJsonReplyParser(tokenizer, format) : createTextReplyParser(tokenizer, format);
  return [...ids.flatMap((id) => parser.push(id)), ...parser.end()];
}

const ANY: JsonSchema = {
  type: "object",
  properties: { city: { type: "string" }, days: { type: "array", items: { type: "integer" } } },
};
const moves = (more: Partial<Moves> = {}): Moves => ({
  answer: true,
  calls: ["f", "f.x", "get_weather"].map((name) => ({ name, input: ANY })),
  parallel: 3,
  ...more,
});

describe.each(JSON_CASES)("%s", (_, { format, prompt, controls }) => {
  const tokenizer = extended(smallTokenizer(WORDS), controls);

  test.each([
    ["a small vocabulary", 20, () => tokenizer],
    ["Orrery Mini's vocabulary", 5, () => extended(miniTokenizer(), controls)],
  ])(
    "replies sampled from random logits end, parse, satisfy ajv and are among the moves: %s",
    (_, runs, make) => {
      const tokenizer = make();
      const engine = createConstraintEngine(tokenizer, format);
      const counts = { replies: 0, calls: 0, several: 0 };
      fc.assert(
        fc.property(anyMoves, fc.integer(), fc.boolean(), (any, seed, mustCall) => {
          // Of a thousand legal tokens few begin a call.
          const legal = mustCall && any.calls.length > 0 ? { ...any, answer: false } : any;
          const random = createRandom(seed);
          const valid = validators();
          for (let i = 0; i < 3; i++) {
            const draw = counts.replies % 100 === 0 ? sampled(tokenizer, random) : uniform(random);
            const ids = write(engine.compile(legal).start(), { tokenizer, format, random, draw });
            const parts = parse(tokenizer, format, ids, legal.calls.length > 0);
            expect(complaint(parts, legal, valid)).toBeUndefined();
            const calls = parts.filter((part) => part.type === "tool-call");
            for (const call of calls) expect(deltasOf(parts, call.index)).toEqual(call.input);
            counts.replies++;
            counts.calls += calls.length;
            if (calls.length > 1) counts.several++;
          }
        }),
        { numRuns: runs, endOnFailure: true },
      );
      expect(counts.calls).toBeGreaterThan(runs / 4);
      if (runs > 5) expect(counts.several > 0).toBe(format.json.between !== null);
    },
    60_000,
  );

  test("a text is legal exactly when it can be seen and does not begin like a call, and it is read as that text", () => {
    const tokenizer = byteTokenizer(controls);
    const start = compileMoves(moves(), tokenizer, format).start();
    const [first] = format.json.before;
    const lead = first && "text" in first ? first.text : undefined;
    const rest = fc.string({ unit: fc.constantFrom(...' \n[{"name:}<tool_cal>é😀x'), maxLength: 12 });
    const text = fc.tuple(fc.nat(20), rest).map(([count, more]) => (lead ?? "[").slice(0, count) + more);
    fc.assert(
      fc.property(text, (said) => {
        const ids = [...tokenizer.encode(said), tokenizer.controlId(format.turnClose)];
        const isLegal = /[^\0-\x20\x7f]/.test(said) && (lead === undefined || !said.startsWith(lead));
        expect(after(start, ids)?.done ?? false).toBe(isLegal);
        if (!isLegal) return;
        const parts = parse(tokenizer, format, ids);
        expect(parts.map((part) => (part.type === "text-delta" ? part.text : "")).join("")).toBe(said);
        expect(parts.filter(({ type }) => type !== "text-delta")).toEqual([{ type: "stop", reason: "turn" }]);
      }),
      { numRuns: 500 },
    );
  });

  test("calls as the format has them are legal and read; cut anywhere, the last one is unclosed", () => {
    const start = compileMoves(moves(), tokenizer, format).start();
    const inputs = [{ city: 'Paris "75" } </tool_call>', days: [1, -2] }, {}, { city: '}, {"name": "f' }];
    const names = ["f.x", "get_weather", "f"];
    const count = format.json.between === null ? 1 : 3;
    const calls = inputs.slice(0, count).map((input, at) => ({ name: names[at]!, input }));
    const { before, beforeInput, between, after: behind } = format.json;
    const segments = calls.flatMap(({ name, input }, at): Segment[] => [
      ...(at > 0 ? between! : before),
      { text: name },
      ...beforeInput,
      { text: spelt(input, format.json.spacing) },
    ]);
    const ids = encodeSegments([...segments, ...behind, { control: format.turnClose }], tokenizer);
    expect(after(start, ids)?.done).toBe(true);
    const read = parse(tokenizer, format, ids);
    expect(read.filter(({ type }) => type !== "tool-call-delta")).toEqual([
      ...calls.map((call, index) => ({ type: "tool-call", index, ...call })),
      { type: "stop", reason: "calls" },
    ]);
    for (let length = 0; length < ids.length; length++) {
      const parts = parse(tokenizer, format, ids.slice(0, length));
      const types = new Set(parts.map(({ type }) => type));
      expect(types).not.toContain("malformed");
      const whole = parts.filter((part) => part.type === "tool-call");
      expect(whole.map(({ name, input }) => ({ name, input }))).toEqual(calls.slice(0, whole.length));
      const begun = Math.max(-1, ...parts.map((part) => (part.type === "tool-call-delta" ? part.index : -1)));
      const last = parts.at(-1);
      if (begun >= whole.length) expect(last).toMatchObject({ type: "unclosed", index: begun, name: calls[begun]!.name });
      else expect(whole).toHaveLength(begun + 1);
    }
  });

  test("the only way to write a call is the one that the prompt shows", () => {
    const deep: JsonSchema = { type: "object", properties: { p: { type: "boolean" }, q: { type: "array", items: { type: "array" } } } };
    const schema: JsonSchema = { type: "object", properties: { ...(ANY.properties as JsonObject), deep } };
    const input = { city: "a: b, {}", days: [1, -2, 3], deep: { p: true, q: [[], [1, null]] } };
    const start = compileMoves(moves({ calls: [{ name: "f", input: schema }] }), tokenizer, format).start();
    const pieces = prompt.render(
      [
        { role: "user", content: "Go." },
        { role: "assistant", calls: [{ id: "1", name: "f", input }] },
        { role: "tool", callId: "1", name: "f", output: 1 },
      ],
      [],
      { addGenerationPrompt: false },
    );
    const shown = pieces.find(({ kind }) => kind === "reply")!;
    expect(after(start, encodeSegments(shown.segments, tokenizer))?.done).toBe(true);
    const { before, beforeInput, after: behind, spacing } = format.json;
    const legal = (text: string) => {
      const segments = [...before, { text: "f" }, ...beforeInput, { text }, ...behind, { control: format.turnClose }];
      return after(start, encodeSegments(segments, tokenizer))?.done ?? false;
    };
    for (const comma of [",", ", "])
      for (const colon of [":", ": "])
        expect(legal(spelt(input, { comma, colon }))).toBe(comma === spacing.comma && colon === spacing.colon);
  });

  test("calls as the prompt shows them are read as those calls", () => {
    const calls: ToolCall[] = [
      { id: "1", name: "get_weather", input: { city: 'a "b" \\ {', days: [1, 2], deep: { null: null, é: [true, "😀"] } } },
      { id: "2", name: "f", input: {} },
    ];
    const told = calls.slice(0, format.json.between === null ? 1 : 2);
    const pieces = prompt.render(
      [
        { role: "user", content: "Go." },
        { role: "assistant", calls: told },
        ...told.map(({ id, name }) => ({ role: "tool" as const, callId: id, name, output: 1 })),
      ],
      [],
      { addGenerationPrompt: false },
    );
    const reply = pieces.find(({ kind }) => kind === "reply")!;
    expect(parse(tokenizer, format, encodeSegments(reply.segments, tokenizer)).filter(({ type }) => type !== "tool-call-delta")).toEqual([
      ...told.map(({ name, input }, index) => ({ type: "tool-call", index, name, input })),
      { type: "stop", reason: "calls" },
    ]);
  });

  test("one call at most where one is legal, and none where none is", () => {
    const tokenizer = byteTokenizer(controls);
    const { before, beforeInput, after: behind } = format.json;
    const ids = encodeSegments(
      [...before, { text: "f" }, ...beforeInput, { text: "{}" }, ...behind, { control: format.turnClose }],
      tokenizer,
    );
    const legal = (of: Partial<Moves>) => after(compileMoves(moves(of), tokenizer, format).start(), ids)?.done ?? false;
    expect(legal({ parallel: 1 })).toBe(true);
    expect(legal({ calls: [{ name: "g", input: ANY }] })).toBe(false);
    const isText = before.every((segment) => "text" in segment) && [...beforeInput, ...behind].every((segment) => "text" in segment);
    expect(legal({ calls: [] })).toBe(isText); // a text like any other
  });
});

function deltasOf(parts: readonly ReplyPart[], index: number): unknown {
  return JSON.parse(parts.map((part) => (part.type === "tool-call-delta" && part.index === index ? part.text : "")).join(""));
}

test("an answer under a schema that could begin like a call is refused beside calls, and only there", () => {
  const [, { format, controls }] = JSON_CASES[1]!;
  const tokenizer = byteTokenizer(controls);
  const closing: JsonFormat = { ...format, json: { ...format.json, before: [{ text: '{"name":"' }] } };
  const answer = (schema: JsonSchema) => ({ answer: { schema } });
  const named: JsonSchema = { type: "object", properties: { name: { type: "string" } } };
  expect(() => compileMoves(moves(answer(named)), tokenizer, closing)).toThrow(
    expect.objectContaining({ code: "constraint/unsupported", message: expect.stringContaining('{\\"name\\":\\"') }),
  );
  for (const [of, spelt] of [
    [answer({ type: "object", properties: { title: { type: "string" } } }), closing],
    [{ ...answer(named), calls: [] }, closing],
    [answer(named), format],
  ] as const)
    expect(() => compileMoves(moves(of), tokenizer, spelt)).not.toThrow();
});
