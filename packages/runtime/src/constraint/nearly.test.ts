/**
 * Masks that are found by way of nearly the same ones: names and items that must differ, and languages without some of their strings.
 * Against a walk over the vocabulary, which
 * knows nothing of them; the vocabulary has tokens that read two names or two items at once.
 */
import { createRandom, type Random } from "../sampling/random.ts";
import { ALL_FEATURES } from "./features.ts";
import { compile } from "./library.ts";
import { smallTokenizer } from "./vocabulary.test.support.ts";

const NAMES = [
  '":',
  '":1',
  '":"',
  '":1,"',
  '":1,"a',
  '":1,"a"',
  '":1,"a":',
  '":1,"ab":2',
  '":"","a":"',
  '":{},"',
  'a":0,"b',
  '"a":[',
  '":["a","',
];
const ITEMS = [
  '","',
  '","a',
  '","a"',
  'a","a","b',
  '"a","a"',
  '"a","b"',
  '"",""',
  '"],["',
  '"},{"',
  '","ab"]',
  "1,1",
  "1,12,1",
  "true,t",
  "],[",
  "[[",
  "null,",
];
const TEXTS = ["a", "aa", "ab", "b", "é", "\\n", '{"', "[", "]]", "}}", '"]', '"}'];
const tokenizer = smallTokenizer([...new Set([...NAMES, ...ITEMS, ...TEXTS])]);
const ids = Array.from({ length: tokenizer.size }, (_, id) => id);
const likely = new Set([...'"ab1,:[]{}'].map((one) => one.charCodeAt(0)));

const LONG = Array.from({ length: 45 }, (_, i) => `a${"b".repeat(i % 7)}${i}`);
/** More than are listed one by one. */
const MORE = Array.from({ length: 80 }, (_, i) => `a${"b".repeat(i % 4)}${i % 9}${i}`);
const object = (schema: object) => ({ type: "object", ...schema });
const unique = (items: object, more: object = {}) => ({ type: "array", uniqueItems: true, items, ...more });

const SCHEMAS: readonly (readonly [string, unknown])[] = [
  ["any names", object({ additionalProperties: { type: "integer" } })],
  ["two classes of names, of which one has other values", object({ patternProperties: { "^a": { type: "integer" } } })],
  ["three classes of names", object({ patternProperties: { "a.*b": { type: "integer" }, b: { type: ["string", "object"] } } })],
  ["names of a pattern", object({ patternProperties: { "^[ab]+$": true }, additionalProperties: false })],
  ["short names", object({ propertyNames: { maxLength: 2 }, additionalProperties: { enum: [1, 2] } })],
  ["names of two letters", object({ propertyNames: { pattern: "^[a-z]{2}$" }, additionalProperties: { enum: [1, 2] } })],
  ["names but some", object({ properties: { a: { type: "integer" } }, propertyNames: { not: { enum: ["ab", "b"] } } })],
  [
    "many names",
    object({ properties: Object.fromEntries(LONG.map((name) => [name, { const: 1 }])), additionalProperties: { type: "string" } }),
  ],
  ["so many names that they are one list", object({ properties: Object.fromEntries(MORE.map((name, i) => [name, { const: i % 3 }])) })],
  [
    "so many names that they are one list, of which some must come",
    object({
      properties: Object.fromEntries(MORE.map((name, i) => [name, { enum: [i % 3, "a"] }])),
      required: MORE.filter((_, i) => i % 9 === 0),
      additionalProperties: false,
    }),
  ],
  ["so many objects that they are walked at once", { enum: MORE.flatMap((name) => [0, 1, 2, 3].map((i) => ({ [name]: i, ab: "a" }))) }],
  ["strings but some", { type: "array", items: { type: "string", not: { enum: ["a", "ab", "", "a\n", "é"] } } }],
  ["strings but many", { type: "array", items: { type: "string", not: { enum: ["a", "ab", ...LONG] } } }],
  ["any items that differ", { uniqueItems: true }],
  ["strings that differ", unique({ type: "string" })],
  ["strings of a pattern that differ", unique({ type: "string", pattern: "^[ab]*$" })],
  ["short strings that differ", unique({ type: "string", maxLength: 2 })],
  ["at least three strings that differ", unique({ type: "string" }, { minItems: 3 })],
  ["at most two strings that differ", unique({ type: "string" }, { maxItems: 2 })],
  ["listed strings that differ", unique({ enum: ["a", "ab", "b", 1, true] })],
  [
    "strings and listed ones that differ",
    unique({ type: "string" }, { prefixItems: [{ enum: ["a", "b"] }, { enum: ["a", "ab"] }], minItems: 2 }),
  ],
  ["arrays that differ", unique(unique({ type: ["string", "integer"] }))],
  ["objects that differ", unique(object({ additionalProperties: { type: "string" } }))],
  ["arrays of strings that are not one of two", { type: "array", items: { type: "string" }, not: { enum: [["a"], ["a", "ab"]] } }],
];

/** Goes where chance leads, most often by tokens that say much. */
function chosen(legal: readonly number[], random: Random): number {
  const some = legal.filter((id) => id > 255 || likely.has(id));
  const among = some.length > 0 && random() < 0.9 ? some : legal;
  return among[Math.floor(random() * among.length)]!;
}

test.each(SCHEMAS)("%s: the mask holds exactly what a walk over the vocabulary finds", (_, schema) => {
  const random = createRandom(7);
  const grammars = [ALL_FEATURES, { ...ALL_FEATURES, maskCache: false, slices: false }].map((features) =>
    compile(schema, tokenizer, { features }),
  );
  for (let reply = 0; reply < 6; reply++) {
    let states = grammars.map((grammar) => grammar.start());
    for (let step = 0; step < 14 && !states[0]!.done; step++) {
      const [legal, walked] = states.map((state) => ids.filter((id) => state.mask().has(id))) as [number[], number[]];
      expect(legal).toEqual(walked);
      if (legal.length === 0) break;
      const id = chosen(legal, random);
      states = states.map((state) => state.advance(id));
    }
  }
});
