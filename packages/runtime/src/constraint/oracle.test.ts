/**
 * Masks against a slow oracle, which tries every token of a small vocabulary byte by byte at every state of random walks, and liveness:
 * whatever is allowed can be gone on with. `PROPERTY_SCHEMAS` schemas in all (npm run nightly: 1,000).
 */
import fc from "fast-check";
import { ConstraintError } from "../errors.ts";
import { GEMMA4_FORMAT, SPACED } from "../prompt/format.ts";
import { createRandom, type Random } from "../sampling/random.ts";
import type { ConstraintState, Grammar } from "./grammar.ts";
import { createGrammar } from "./grammar.ts";
import { JSON_SURFACE, jsonSurface } from "./json.ts";
import { compile } from "./library.ts";
import { begin, read, type Ways } from "./naive-automaton.test.support.ts";
import { nativeSurface } from "./native.ts";
import { CONTROL, type Part, type Symbol } from "./part.ts";
import { valuePart, type ValueOptions } from "./value.ts";
import { smallTokenizer } from "./vocabulary.test.support.ts";
import { wildSchema } from "./wild-schemas.test.support.ts";

/** Tokens that end one thing and begin another, or stop within a character. */
const WORDS = [
  '":',
  'b":"",',
  '":"","',
  '": ',
  '": "',
  '", "',
  ", ",
  '",',
  '","',
  '":"',
  '{"',
  '[{"',
  "]}",
  '"}',
  '"]',
  "}]",
  "},",
  "],[",
  '":{"',
  '":[',
  ":{",
  ",b:",
  "a:",
  "},{",
];
const MORE_WORDS = ["a", "aa", "ab", "b", 'b"', "x1", "12", "0.", ".5", "e+", "-1", "00", "tru", "true", "null,", "false", " é", "é", "😀"];
const UNICODE = ["\\u00", "\\ud83d", "\\n", '\\"', "2024-", ":0", "::", "@", "://", "call"];
const HALVES = [Uint8Array.of(0x20, 0xc3), Uint8Array.of(0xa9, 0x22), Uint8Array.of(0xf0, 0x9f), Uint8Array.of(0x9f, 0x98, 0x80, 0x2c)];
const tokenizer = withHalves(smallTokenizer([...WORDS, ...MORE_WORDS, ...UNICODE]));

/** The tokenizer and tokens that begin or end within a character; no text is encoded with them. */
function withHalves(small: ReturnType<typeof smallTokenizer>): ReturnType<typeof smallTokenizer> {
  const size = small.size + HALVES.length;
  return { ...small, size, bytes: (id) => (id < small.size ? small.bytes(id) : HALVES[id - small.size]) };
}

const SCHEMAS = Number(process.env.PROPERTY_SCHEMAS ?? 40);
const STEPS = 14;

const symbolsOf = (id: number): readonly Symbol[] | Uint8Array => tokenizer.bytes(id) ?? [CONTROL + id];
const ids = Array.from({ length: tokenizer.size }, (_, id) => id);
const endings = [...'"]}'].map((one) => one.charCodeAt(0)).concat(tokenizer.controlId(GEMMA4_FORMAT.quote));

/** Goes where chance leads, comparing each mask; then closes whatever is open. Did it end? */
function walk(grammar: Grammar, part: Part, random: Random): boolean {
  let state: ConstraintState = grammar.start();
  let ways: Ways = begin(part);
  for (let step = 0; step < STEPS && !state.done; step++) {
    const mask = state.mask();
    const legal = ids.filter((id) => read(ways, symbolsOf(id)) !== undefined);
    expect(ids.filter((id) => mask.has(id))).toEqual(legal);
    expect([mask.count, state.mayEnd]).toEqual([legal.length, ways.done]);
    for (let i = 0; i < 4 && legal.length > 0; i++) {
      const after = state.advance(legal[Math.floor(random() * legal.length)]!);
      expect(after.mayEnd || after.mask().count > 0).toBe(true);
    }
    if (legal.length === 0) return state.mayEnd;
    const likely = random() < 0.4 ? legal.filter((id) => id > 255) : legal;
    const id = (likely.length > 0 ? likely : legal)[Math.floor(random() * (likely.length || legal.length))]!;
    state = state.advance(id);
    ways = read(ways, symbolsOf(id))!;
  }
  for (let step = 0; step < 200 && !state.mayEnd; step++) {
    const mask = state.mask();
    const legal = ids.filter((id) => mask.has(id));
    state = state.advance(endings.find((id) => mask.has(id)) ?? legal[Math.floor(random() * legal.length)]!);
  }
  return state.mayEnd;
}

/** Has the schema no name that the native syntax cannot spell? Such a name is an error, wherever it is met. */
function hasBareNames(schema: unknown): boolean {
  if (typeof schema !== "object" || schema === null) return true;
  return Object.entries(schema).every(([name, inner]) => !/^$|[:{}[\],"\p{Cc}]|^\s|\s$/u.test(name) && hasBareNames(inner));
}

/** Undefined for a schema that has no value, or that cannot be compiled. */
function attempt<Made>(make: () => Made): Made | undefined {
  try {
    return make();
  } catch (thrown) {
    if (thrown instanceof ConstraintError) return undefined;
    throw thrown;
  }
}

const COMMON = { subject: "the schema", formats: "assert" } as const;
const LIBRARY: ValueOptions = { ...COMMON, surface: JSON_SURFACE, order: "any", undeclared: "allowed", exponent: true };
const NATIVE: ValueOptions = {
  ...COMMON,
  surface: nativeSurface(tokenizer.controlId(GEMMA4_FORMAT.quote)),
  order: "declared",
  undeclared: "never",
  exponent: false,
};

const CALLS: ValueOptions = { ...NATIVE, surface: jsonSurface(SPACED) };

test.each([
  ["JSON text, as the library compiles it", (schema: unknown) => compile(schema, tokenizer), LIBRARY, wildSchema],
  ["JSON text with spaces, as calls have it", (schema: unknown) => createGrammar(valuePart(schema, CALLS), tokenizer), CALLS, wildSchema],
  [
    "native syntax, as calls have it",
    (schema: unknown) => createGrammar(valuePart(schema, NATIVE), tokenizer),
    NATIVE,
    wildSchema.filter(hasBareNames),
  ],
] as const)(
  `${SCHEMAS} random schemas in %s: a mask holds exactly what can be read, and all of it can be gone on with`,
  (_, made, options, schemas) => {
    let compiled = 0;
    let ended = 0;
    fc.assert(
      fc.property(schemas, fc.integer(), (schema, seed) => {
        const grammar = attempt(() => made(schema));
        if (!grammar) return;
        compiled++;
        if (walk(grammar, valuePart(schema, options), createRandom(seed))) ended++;
      }),
      { numRuns: Math.ceil(SCHEMAS * 1.3), endOnFailure: true },
    );
    expect(compiled).toBeGreaterThanOrEqual(SCHEMAS);
    expect(ended).toBeGreaterThan(0.8 * compiled);
  },
);

test.each<[string, object]>([
  ["by which the kinds of values differ", { type: "object", patternProperties: { a: { type: "boolean" } } }],
  ["by which some are strings, some any", { type: "object", patternProperties: { "[0-9]": { type: "boolean" }, b: { type: "string" } } }],
  ["with a witness", { type: "object", not: { patternProperties: { a: { type: "boolean" } } } }],
  ["in items that differ", { type: "array", minItems: 2, uniqueItems: true, items: { type: "object", minProperties: 1 } }],
])("names that are free, %s: a token over the end of one is in the mask exactly when it can be read", (_, schema) => {
  for (let seed = 0; seed < 10; seed++) walk(compile(schema, tokenizer), valuePart(schema, LIBRARY), createRandom(seed));
});
