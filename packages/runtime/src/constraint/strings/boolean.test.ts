import fc from "fast-check";
import type { Where } from "../where.ts";
import {
  cardinality,
  complement,
  EVERY_STRING,
  has,
  intersection,
  isEmpty,
  length,
  NO_STRING,
  some,
  strings,
  union,
  type Language,
} from "./index.ts";
import { faults } from "./laws.test.support.ts";

const WHERE: Where = { subject: "test", pointer: "/x" };
const letter = fc.constantFrom("a", "b", "é", "\u{1f600}", '"', "\n");
const text = fc.string({ unit: letter, maxLength: 5 });

/** A language, and the same as a predicate. */
interface Pair {
  readonly language: Language;
  readonly holds: (text: string) => boolean;
}

const points = (one: string) => [...one].length;
const atom: fc.Arbitrary<Pair> = fc.oneof(
  fc.array(text, { maxLength: 6 }).map((list) => ({ language: strings(list), holds: (one: string) => list.includes(one) })),
  fc.tuple(fc.nat(4), fc.oneof(fc.nat(6), fc.constant(Infinity))).map(([min, max]) => ({
    language: length(min, max),
    holds: (one: string) => points(one) >= min && points(one) <= max,
  })),
  fc.constant({ language: EVERY_STRING, holds: () => true }),
  // Too long for a table.
  fc.array(text, { minLength: 1, maxLength: 6 }).map((list) => {
    const all = [...list, ...Array.from({ length: 60 }, (_, i) => `b${i}`.padEnd(5, "é"))];
    return { language: complement(strings(all), WHERE), holds: (one: string) => !all.includes(one) };
  }),
);

const { pair } = fc.letrec<{ pair: Pair }>((tie) => ({
  pair: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    atom,
    fc.array(tie("pair"), { maxLength: 3 }).map((parts) => ({
      language: intersection(
        parts.map((part) => part.language),
        WHERE,
      ),
      holds: (one: string) => parts.every((part) => part.holds(one)),
    })),
    fc.array(tie("pair"), { maxLength: 3 }).map((parts) => ({
      language: union(
        parts.map((part) => part.language),
        WHERE,
      ),
      holds: (one: string) => parts.some((part) => part.holds(one)),
    })),
    tie("pair").map(({ language, holds }) => ({ language: complement(language, WHERE), holds: (one: string) => !holds(one) })),
  ),
}));

test("languages hold what their definition says", () => {
  fc.assert(
    fc.property(pair, fc.array(text, { minLength: 5, maxLength: 20 }), ({ language, holds }, texts) => {
      expect(texts.filter((one) => has(language, one) !== holds(one))).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

test("every state can be completed, and edges, freedom and lengths tell the truth", () => {
  fc.assert(
    fc.property(pair, text, fc.array(text, { maxLength: 5 }), ({ language }, one, runs) => {
      expect(faults(language, one, runs)).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

test("examples are members, distinct, and as many as there are", () => {
  fc.assert(
    fc.property(pair, fc.nat(6), ({ language, holds }, count) => {
      const found = some(language, count);
      expect(found.filter((one) => !holds(one))).toEqual([]);
      expect(new Set(found).size).toBe(Math.min(count, cardinality(language)));
      expect(isEmpty(language)).toBe(cardinality(language) === 0);
    }),
  );
});

test("a complement of a complement, and what excludes itself", () => {
  fc.assert(
    fc.property(pair, ({ language }) => {
      expect(isEmpty(intersection([language, complement(language, WHERE)], WHERE))).toBe(true);
      expect(cardinality(complement(complement(language, WHERE), WHERE))).toBe(cardinality(language));
    }),
  );
});

test("lengths are arithmetic", () => {
  expect(isEmpty(length(3, 2))).toBe(true);
  expect(has(length(2, 2), "\u{1f600}a")).toBe(true);
  expect(cardinality(length(0, 1))).toBe(1 + 0x110000 - 0x800);
  expect(cardinality(length(0, 1_000_000))).toBe(Infinity);
  expect(intersection([length(0, 5), length(6, 9)], WHERE)).toBe(NO_STRING);
  expect(union([length(0, 5), length(6, Infinity)], WHERE)).toBe(EVERY_STRING);
  expect(has(length(65_535, Infinity), "a".repeat(65_534))).toBe(false);
  expect(some(length(5_000, Infinity), 1)[0]).toHaveLength(5_000);
});

test("50,000 values, and all but them", () => {
  const list = Array.from({ length: 50_000 }, (_, i) => `value number ${i}`);
  const language = strings(list);
  expect(cardinality(language)).toBe(50_000);
  expect(has(language, "value number 49999")).toBe(true);
  const others = complement(language, WHERE);
  expect(has(others, "value number 49999")).toBe(false);
  expect(has(others, "value number 50000")).toBe(true);
  const short = intersection([others, length(0, 14)], WHERE);
  expect(has(short, "value number 7")).toBe(false);
  expect(has(short, "value number x")).toBe(true);
  expect(some(intersection([others, strings(["value number 1", "value"])], WHERE), 3)).toEqual(["value"]);
  expect(faults(short, "value number 12", ["", "x", "345", "345678"])).toEqual([]);
});

test("a string with a lone surrogate is in no language", () => {
  expect(strings(["\ud800"])).toBe(NO_STRING);
  expect(has(EVERY_STRING, "\ud800")).toBe(false);
  expect(has(length(1, 1), "\udc00")).toBe(false);
});
