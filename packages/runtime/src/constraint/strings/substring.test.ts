import fc from "fast-check";
import {
  cardinality,
  complement,
  has,
  intersection,
  isEmpty,
  length,
  NO_STRING,
  pattern,
  some,
  substringOf,
  uniqueSubstringOf,
} from "./index.ts";
import { faults } from "./laws.test.support.ts";

const WHERE = { subject: "test", pointer: "" };
const letter = fc.constantFrom("a", "b", "c", "é", "\u{1f600}");
const text = fc.string({ unit: letter, maxLength: 12 });
const piece = fc.string({ unit: letter, maxLength: 4 });

function substrings(of: string): string[] {
  const points = [...of];
  return points.flatMap((_, i) => points.slice(i).map((__, j) => points.slice(i, i + j + 1).join("")));
}

function occurrences(of: string, one: string): number {
  const points = [...of];
  return points.filter((_, i) => points.slice(i).join("").startsWith(one)).length;
}

test("the substrings of a text, and those that occur once", () => {
  fc.assert(
    fc.property(text, fc.array(piece, { maxLength: 10 }), (of, pieces) => {
      const all = substrings(of);
      const once = all.filter((one) => occurrences(of, one) === 1);
      expect(some(substringOf(of), 1_000).sort()).toEqual([...new Set(all)].sort());
      expect(some(uniqueSubstringOf(of), 1_000).sort()).toEqual([...once].sort());
      expect(cardinality(uniqueSubstringOf(of))).toBe(once.length);
      for (const one of pieces) {
        expect(has(substringOf(of), one)).toBe(one !== "" && of.includes(one));
        expect(has(uniqueSubstringOf(of), one)).toBe(one !== "" && occurrences(of, one) === 1);
      }
    }),
  );
});

test("every state can be completed, also within bounds, and in what is left out", () => {
  fc.assert(
    fc.property(text, fc.nat(3), fc.nat(3), piece, fc.array(piece, { maxLength: 3 }), (of, min, more, along, runs) => {
      for (const whole of [substringOf(of), uniqueSubstringOf(of)]) {
        const bounded = intersection([whole, length(min, min + more)], WHERE);
        const others = complement(whole, WHERE);
        const spelt = intersection([bounded, pattern("^[^b]", WHERE)], WHERE);
        for (const language of [whole, bounded, others, spelt]) expect(faults(language, along, runs)).toEqual([]);
        for (const one of substrings(of)) {
          const fits = [...one].length >= min && [...one].length <= min + more;
          expect(has(bounded, one)).toBe(has(whole, one) && fits);
          expect(has(spelt, one)).toBe(has(whole, one) && fits && !one.startsWith("b"));
          expect(has(others, one)).toBe(!has(whole, one));
        }
      }
    }),
  );
});

test("a text without substrings", () => {
  expect(substringOf("")).toBe(NO_STRING);
  expect(uniqueSubstringOf("")).toBe(NO_STRING);
  expect(substringOf("\ud800")).toBe(NO_STRING);
  expect(isEmpty(uniqueSubstringOf("\ud800"))).toBe(true);
  expect(some(uniqueSubstringOf("a\ud800a"), 9)).toEqual([]);
  expect(some(substringOf("a\ud800b"), 9).sort()).toEqual(["a", "b"]);
  expect(some(uniqueSubstringOf("aaaa"), 9)).toEqual(["aaaa"]);
});

test("a long text that repeats itself", () => {
  const of = "the same line again\n".repeat(2_000) + "once";
  const unique = uniqueSubstringOf(of);
  expect(has(unique, "once")).toBe(true);
  expect(has(unique, "line")).toBe(false);
  expect(has(substringOf(of), "again\nthe same")).toBe(true);
  expect(has(substringOf(of), "again the same")).toBe(false);
});
