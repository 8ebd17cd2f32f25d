/** `copyFrom: "conversation"`, `substringOf` and `uniqueSubstringOf` from a schema to the reply, on both surfaces. */
import type { CallMove, JsonSchema, Moves } from "@orrery/chat";
import fc from "fast-check";
import { extended, JSON_CASES } from "../prompt/json-formats.test.support.ts";
import { GEMMA4_FORMAT } from "../prompt/format.ts";
import { createRandom } from "../sampling/random.ts";
import { createConstraintEngine } from "./engine.ts";
import type { ConstraintState } from "./grammar.ts";
import { compile } from "./library.ts";
import { compileMoves } from "./moves.ts";
import { accepts, smallTokenizer } from "./vocabulary.test.support.ts";

const tokenizer = smallTokenizer();
const QUOTE = '<|"|>';

const movesOf = (v: JsonSchema): Moves => ({
  answer: false,
  calls: [{ name: "f", input: { type: "object", properties: { v }, required: ["v"] } }],
  parallel: 1,
});
const callOf = (spelling: string) => `<|tool_call>call:f{v:${spelling}}<tool_call|><|tool_response>`;

/** Is `call:f{v:spelling}` legal after this conversation? */
function takes(schema: JsonSchema, spelling: string, conversation?: readonly string[]): boolean {
  return accepts(compileMoves(movesOf(schema), tokenizer, GEMMA4_FORMAT, { conversation }).start(), tokenizer, callOf(spelling));
}

const SAID = ['Call Dr. Duncan, "asap"', "back\\slash\n42,5", "pay 1,234.50"];
const COPY: JsonSchema = { type: "string", copyFrom: "conversation" };

test("in a call: what was said, word for word", () => {
  for (const one of ["Dr. Duncan", 'Duncan, "asap"', "back\\slash\n42", "pay"])
    expect([one, takes(COPY, QUOTE + one + QUOTE, SAID)]).toEqual([one, true]);
  for (const one of ["Dr. Dunc", "Duncan, asap", "", " ", "asap back", "4", "ack"])
    expect([one, takes(COPY, QUOTE + one + QUOTE, SAID)]).toEqual([one, false]);
});

test("in a call: the numbers that were said", () => {
  for (const one of ["42.5", "1234.5", "42"])
    expect([one, takes({ type: "number", copyFrom: "conversation" }, one, SAID)]).toEqual([one, true]);
  for (const one of ["43", "2", "-42"]) expect([one, takes({ type: "number", copyFrom: "conversation" }, one, SAID)]).toEqual([one, false]);
  expect(takes({ type: "integer", copyFrom: "conversation" }, "1234.5", SAID)).toBe(false);
});

test("other keywords beside it narrow, and it stands wherever a schema may", () => {
  const short: JsonSchema = { ...COPY, maxLength: 10, pattern: "^[A-Z]" };
  expect(takes(short, `${QUOTE}Dr. Duncan${QUOTE}`, SAID)).toBe(true);
  for (const one of ["Call Dr. Duncan", "Dr. Duncan,", "pay"]) expect(takes(short, QUOTE + one + QUOTE, SAID)).toBe(false);
  const list: JsonSchema = { type: "array", items: { anyOf: [COPY, { type: "null" }] }, uniqueItems: true };
  expect(takes(list, `[${QUOTE}Dr${QUOTE},null,${QUOTE}Call${QUOTE}]`, SAID)).toBe(true);
  expect(takes(list, `[${QUOTE}Dr${QUOTE},${QUOTE}Dr${QUOTE}]`, SAID)).toBe(false);
  expect(takes({ type: "string", not: COPY }, `${QUOTE}Dr${QUOTE}`, SAID)).toBe(false);
  expect(takes({ type: "string", not: COPY }, `${QUOTE}D${QUOTE}`, SAID)).toBe(true);
  expect(takes(COPY, "true", SAID)).toBe(false);
  expect(takes({ copyFrom: "conversation" }, "true", SAID)).toBe(true);
});

test.each<[JsonSchema, readonly string[] | undefined, string]>([
  [COPY, [" "], "constraint/nothing-to-copy"],
  [{ type: "number", copyFrom: "conversation" }, ["none"], "constraint/nothing-to-copy"],
  [{ type: "string", substringOf: "" }, undefined, "constraint/nothing-to-copy"],
  [{ type: "string", uniqueSubstringOf: "aaaa", maxLength: 3 }, [], "constraint/nothing-to-copy"],
  [COPY, undefined, "constraint/unsupported"],
])("%j after %j: %s", (schema, conversation, code) => {
  const error = expect.objectContaining({ code, hint: expect.stringContaining("copyFrom") as string }) as unknown;
  expect(() => compileMoves(movesOf(schema), tokenizer, GEMMA4_FORMAT, { conversation })).toThrow(error as Error);
});

describe.each([
  ["native calls", GEMMA4_FORMAT, tokenizer],
  ...JSON_CASES.map(([name, { format, controls }]) => [`JSON calls: ${name}`, format, extended(tokenizer, controls)] as const),
] as const)("a move that must copy, where there is nothing to copy, is left out: %s", (_, format, words) => {
  const other: CallMove = { name: "other", input: { type: "object" } };
  const copying = (input: JsonSchema): CallMove => ({
    name: "copying",
    input: { type: "object", properties: { v: input }, required: ["v"] },
  });
  const masked = (moves: Partial<Moves>, conversation: readonly string[] = []) =>
    compileMoves({ answer: false, calls: [], parallel: 2, ...moves }, words, format, { conversation }).start();
  /** The masks of a reply that takes the first legal token again and again. */
  const way = (start: ConstraintState) => {
    const masks: (readonly number[])[] = [];
    for (let state = start; !state.done && masks.length < 60; state = state.advance(masks.at(-1)![0]!))
      masks.push(Array.from({ length: words.size }, (_, id) => id).filter((id) => state.mask().has(id)));
    return masks;
  };

  test.each([COPY, { type: "string", substringOf: "" }] as JsonSchema[])("%j", (schema) => {
    const calls = [copying(schema), other];
    expect(way(masked({ calls }))).toEqual(way(masked({ calls: [other] })));
    if (schema === COPY) expect(way(masked({ calls }, ["Dr. Duncan"]))).not.toEqual(way(masked({ calls: [other] })));
    expect(() => masked({ calls: [copying(schema)], answer: true })).not.toThrow();
    expect(way(masked({ calls: [other], answer: { schema } }))).toEqual(way(masked({ calls: [other] })));
    for (const nothing of [{ calls: [copying(schema)] }, { calls: [copying(schema)], answer: { schema } }, { answer: { schema } }])
      expect(() => masked(nothing)).toThrow(expect.objectContaining({ code: "constraint/nothing-to-copy" }) as Error);
  });

  test("a schema that has no value whatever is said is an error", () => {
    expect(() => masked({ calls: [copying({ type: "string", minLength: 2, maxLength: 1 }), other] })).toThrow(
      expect.objectContaining({ code: "constraint/unsatisfiable" }) as Error,
    );
  });
});

/** Writes tokens that chance picks. */
function write(start: ConstraintState, seed: number): string {
  const random = createRandom(seed);
  let state = start;
  const ids: number[] = [];
  while (!state.done) {
    const legal = Array.from({ length: tokenizer.size }, (_, id) => id).filter((id) => state.mask().has(id));
    if (legal.length === 0) throw new Error(`a dead end after ${tokenizer.decode(ids)}`);
    const id = legal[Math.floor(random() * legal.length)]!;
    ids.push(id);
    state = state.advance(id);
  }
  return tokenizer.decode(ids);
}

const unit = fc.constantFrom("a", "b", " ", "é", '"', "\\", "\n", "\u{1f600}", "京", "7", "-");
const said = fc.array(fc.string({ unit, minLength: 1, maxLength: 10 }), { minLength: 1, maxLength: 3 });

function cut(before: string, after: string): boolean {
  return /[\p{L}\p{N}_]$/u.test(before) && /^[\p{L}\p{N}_]/u.test(after) && !before.endsWith("京") && !after.startsWith("京");
}

test("what is written is a copy that cuts no word; and every such copy can be written", () => {
  fc.assert(
    fc.property(said, fc.integer(), fc.nat(), fc.nat(), (texts, seed, from, size) => {
      fc.pre(texts.some((text) => text.trim() !== ""));
      const copy = JSON.parse(write(compile(COPY, tokenizer, { conversation: texts }).start(), seed)) as string;
      const found = texts.some((text) =>
        [...text].some((_, i, points) => {
          const before = points.slice(0, i).join("");
          const rest = text.slice(before.length);
          return rest.startsWith(copy) && !cut(before, rest) && !cut(copy, rest.slice(copy.length));
        }),
      );
      expect([texts, copy, found && copy.trim() !== ""]).toEqual([texts, copy, true]);

      const points = [...texts[0]!];
      const begin = from % points.length;
      const end = begin + 1 + (size % (points.length - begin));
      const [before, one, after] = [points.slice(0, begin), points.slice(begin, end), points.slice(end)].map((part) => part.join(""));
      if (one!.trim() === "" || cut(before!, one! + after!) || cut(before! + one!, after!)) return;
      expect([one, takes(COPY, QUOTE + one! + QUOTE, texts)]).toEqual([one, true]);
      expect(accepts(compile(COPY, tokenizer, { conversation: texts }).start(), tokenizer, JSON.stringify(one))).toBe(true);
    }),
    { numRuns: 60 },
  );
});

test("grammars are shared between conversations, but for schemas that copy", () => {
  const engine = createConstraintEngine(tokenizer, GEMMA4_FORMAT);
  const first = () => ["one"];
  const second = () => ["two"];
  const plain = movesOf({ type: "string" });
  expect(engine.compile(plain, "none", first)).toBe(engine.compile(plain, "none", second));
  const copying = movesOf(COPY);
  expect(engine.compile(copying, "none", first)).toBe(engine.compile(copying, "none", () => ["one"]));
  expect(engine.compile(copying, "none", first)).not.toBe(engine.compile(copying, "none", second));
  expect(accepts(engine.compile(copying, "none", second).start(), tokenizer, callOf(`${QUOTE}two${QUOTE}`))).toBe(true);
  expect(accepts(engine.compile(copying, "none", second).start(), tokenizer, callOf(`${QUOTE}one${QUOTE}`))).toBe(false);
});

describe("substringOf and uniqueSubstringOf", () => {
  const text = 'a "q" \\ a\n\u{1f600} é <|"|> \ud800 end';
  const unique = (one: string) => text.indexOf(one) === text.lastIndexOf(one);
  const members = ['"q"', "\\ a\n", "\u{1f600} é", "a", "end", "d"];
  const others = ["aa", "q\\", "", "\u{1f600}é", "an", "END"];

  test.each(["substringOf", "uniqueSubstringOf"])("%s in calls and in JSON", (keyword) => {
    const schema: JsonSchema = { type: "string", [keyword]: text };
    const legal = (one: string) => members.includes(one) && (keyword === "substringOf" || unique(one));
    const grammar = compile(schema, tokenizer);
    for (const one of [...members, ...others]) {
      expect([one, takes(schema, QUOTE + one + QUOTE)]).toEqual([one, legal(one)]);
      expect([one, accepts(grammar.start(), tokenizer, JSON.stringify(one))]).toEqual([one, legal(one)]);
    }
  });

  test("control tokens in a text are no part of what can be quoted in a call", () => {
    expect(takes({ type: "string", substringOf: text }, `${QUOTE}é ${QUOTE} ${QUOTE}`)).toBe(false);
  });
});

test("enums of fifty thousand values", () => {
  const grammar = compile({ enum: Array.from({ length: 50_000 }, (_, i) => (i % 2 === 0 ? `item ${i} é` : i)) }, tokenizer);
  for (const one of ['"item 49998 é"', "49999"]) expect([one, accepts(grammar.start(), tokenizer, one)]).toEqual([one, true]);
  for (const one of ['"item 49999 é"', '"item 4999"', "49998"])
    expect([one, accepts(grammar.start(), tokenizer, one)]).toEqual([one, false]);
});
