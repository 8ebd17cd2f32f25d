import fc from "fast-check";
import { has, isEmpty, listed, some } from "./members.ts";
import {
  atLeast,
  atMost,
  complement,
  EVERY_NUMBER,
  INTEGERS,
  intersection,
  multipleOf,
  NO_NUMBER,
  numbers,
  union,
  type NumberSet,
} from "./number-set.ts";
import { bounds, combinations, lists, oracle, setOf, WHERE, type Schema } from "./sets.test.support.ts";

/** The number of members; Infinity when there are more than 10,000. */
function cardinality(set: NumberSet): number {
  // Sets that are too sparse to be listed are empty or not.
  return listed(set, 10_000)?.length ?? (isEmpty(set, WHERE) ? 0 : Infinity);
}

const between = (low: number, high: number) => [atLeast(low, false), atMost(high, false)];

test.each([
  ["no number", NO_NUMBER, 0],
  ["every number", EVERY_NUMBER, Infinity],
  ["a list", numbers([3, 1e300, -0, 0, 5e-324]), 4],
  ["integers of a range", intersection([INTEGERS, ...between(-3, 6)], WHERE), 10],
  ["as many as are counted", intersection([INTEGERS, ...between(1, 10_000)], WHERE), 10_000],
  ["more than are counted", intersection([INTEGERS, ...between(0, 10_000)], WHERE), Infinity],
  ["the doubles between two", intersection([atLeast(1, true), atMost(1 + 3 * Number.EPSILON, true)], WHERE), 2],
  ["the smallest doubles", intersection([atLeast(0, true), atMost(2e-323, false)], WHERE), 4],
  ["tenths that ajv accepts", intersection([multipleOf(0.1), ...between(0, 1)], WHERE), 8],
  ["a list without a member", intersection([numbers([1, 2, 3]), complement(numbers([2]), WHERE)], WHERE), 2],
  ["integers that are not even", intersection([INTEGERS, complement(multipleOf(2), WHERE), ...between(0, 9)], WHERE), 5],
  [
    "neither of two divisors' multiples",
    intersection([complement(union([multipleOf(2), multipleOf(3)], WHERE), WHERE), numbers([4, 5, 9])], WHERE),
    1,
  ],
])("members of %s are counted", (_, set, count) => {
  expect(cardinality(set)).toBe(count);
  expect(isEmpty(set, WHERE)).toBe(count === 0);
});

test("a number is a member, or one of the complement, or the standard and ajv disagree about it", () => {
  const tenths = multipleOf(0.1);
  const member = (value: number) => [has(tenths, value), has(complement(tenths, WHERE), value)];
  expect(member(0.4)).toEqual([true, false]);
  expect(member(0.45)).toEqual([false, true]);
  expect(member(0.3)).toEqual([false, false]);
  expect(has(EVERY_NUMBER, Infinity)).toBe(false);
});

const value = fc.oneof(
  fc.integer({ min: -20, max: 20 }),
  fc.integer({ min: -200, max: 200 }).map((n) => n / 10),
);
const divisor = fc.constantFrom(1, 2, 3, 0.5, 0.1, 0.3, 1e-8).map<Schema>((multipleOf) => ({ multipleOf }));
const schema = combinations(fc.oneof(bounds(value), lists(value), divisor, fc.constant<Schema>({ type: "integer" })));

test("what is counted, listed and found empty agrees with the standard and ajv", () => {
  fc.assert(
    fc.property(schema, fc.array(value, { minLength: 30, maxLength: 30 }), (one, values) => {
      const set = setOf(one);
      const agreed = oracle(one);
      const members = [...new Set(values.map((each) => each || 0))].filter((each) => agreed(JSON.stringify(each)));
      const count = cardinality(set);
      const listed = some(set, 40);
      expect(members.filter((each) => !has(set, each))).toEqual([]);
      expect(listed.filter((each) => !agreed(JSON.stringify(each)))).toEqual([]);
      expect(new Set(listed).size).toBe(Math.min(count, 40));
      expect(count).toBeGreaterThanOrEqual(members.length);
      expect(isEmpty(set, WHERE)).toBe(count === 0);
      if (count <= 40) expect(listed).toEqual(expect.arrayContaining(members));
    }),
    { numRuns: 30 },
  );
});

test("sets made the same way have the same key, whatever the order and however often", () => {
  const [one, other] = [atLeast(1, false), multipleOf(3)];
  expect(intersection([one, other, one], WHERE).key).toBe(intersection([EVERY_NUMBER, other, one], WHERE).key);
  expect(complement(complement(union([one, other], WHERE), WHERE), WHERE).key).toBe(union([other, one], WHERE).key);
  expect(union([numbers([1]), one, numbers([2])], WHERE).key).toBe(union([one, numbers([2, 1])], WHERE).key);
  expect([intersection([one, complement(one, WHERE)], WHERE), union([one, complement(one, WHERE)], WHERE)]).toEqual([
    NO_NUMBER,
    EVERY_NUMBER,
  ]);
});

test("a list of fifty thousand numbers is opened and searched at ease", () => {
  const list = Array.from({ length: 50_000 }, (_, i) => i * 7 + 0.25);
  const set = numbers(list);
  expect([has(set, 350_000 - 6.75), has(set, 3), isEmpty(set, WHERE)]).toEqual([true, false, false]);
  expect(cardinality(set)).toBe(Infinity);
  expect(isEmpty(intersection([set, INTEGERS], WHERE), WHERE)).toBe(true);
  const rest = complement(set, WHERE);
  expect([has(rest, 350_000 - 6.75), has(rest, 3)]).toEqual([false, true]);
});

test("formulas have a limit", () => {
  const many = Array.from({ length: 5_000 }, (_, i) => multipleOf(i + 1));
  expect(() => union(many, WHERE)).toThrow(expect.objectContaining({ code: "constraint/too-large", pointer: "/n" }));
});
