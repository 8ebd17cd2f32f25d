import fc from "fast-check";
import type { Terminal } from "../part.ts";
import { has } from "./members.ts";
import { numberPart } from "./number-part.ts";
import { atLeast, atMost, complement, EVERY_NUMBER, INTEGERS, intersection, multipleOf, numbers, type NumberSet } from "./number-set.ts";
import { accepts, bounds, combinations, lists, oracle, read, setOf, walk, WHERE, type Schema } from "./sets.test.support.ts";

const terminal = (set: NumberSet, exponent = false) => numberPart(set, { exponent, where: WHERE });
const whole = fc.integer({ min: -30, max: 30 });
const decimal = fc.integer({ min: -400, max: 400 }).map((n) => n / 100);
const wild = fc.double({ noNaN: true, noDefaultInfinity: true });
const digits = fc.oneof(fc.maxSafeInteger(), wild, fc.constantFrom(0.1 + 0.2, 1e21, 1e-7, 5e-324, Number.MAX_VALUE, 2 ** 53, 2 ** 52));
const divisor = fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constantFrom(0.1, 0.01, 0.25, 0.3, 0.7, 1.1, 0.0625, 1e-8, 0.126, 1e6, 1e300));

const integer = fc.constant<Schema>({ type: "integer" });
const multiple = divisor.map<Schema>((multipleOf) => ({ multipleOf }));
const small = combinations(fc.oneof(integer, multiple, bounds(whole), bounds(decimal), lists(fc.oneof(whole, decimal))));
const large = combinations(fc.oneof(integer, multiple, bounds(digits), bounds(whole), lists(fc.oneof(digits, whole))));
const choices = fc.infiniteStream(fc.nat(1_000));

/** The terminal, or undefined when there is nothing to spell. */
function opened(schema: Schema, exponent: boolean): Terminal | undefined {
  try {
    return terminal(setOf(schema), exponent);
  } catch (error) {
    expect(error).toMatchObject({ code: expect.stringMatching(/^constraint\/(unsatisfiable|unsupported)$/) });
    return undefined;
  }
}

const SHORT: string[] = [];
for (const minus of ["", "-"])
  for (let n = 0; n < 40; n++) {
    SHORT.push(`${minus}${n}`);
    for (let tenths = 0; tenths < 10; tenths++) SHORT.push(`${minus}${n}.${tenths}`);
    if (n < 5) for (let f = 0; f < 100; f++) SHORT.push(`${minus}${n}.${String(f).padStart(2, "0")}`);
  }

test("short spellings: accepted exactly when the standard and ajv agree; zeros at the end add nothing", () => {
  fc.assert(
    fc.property(small, fc.boolean(), (schema, exponent) => {
      const part = opened(schema, exponent);
      const agreed = oracle(schema);
      const wrong = SHORT.filter((text) => {
        const accepted = part !== undefined && accepts(part, text);
        const valid = !/^-0(\.0*)?$/.test(text) && agreed(text);
        // "2.50" is as good as 2.5, but may be left out.
        return /\..*0$/.test(text) ? accepted && !valid : accepted !== valid;
      });
      expect(wrong).toEqual([]);
    }),
    { numRuns: 20 },
  );
});

test.each([false, true])("whatever a walk spells, the standard and ajv accept; no walk gets stuck (exponents: %s)", (exponent) => {
  fc.assert(
    fc.property(large, fc.array(choices, { minLength: 4, maxLength: 4 }), (schema, walks) => {
      const part = opened(schema, exponent);
      if (!part) return;
      const agreed = oracle(schema);
      for (const walked of walks) {
        const text = walk(part, walked);
        expect([text, agreed(text), /^-0(\.0*)?$/.test(text)]).toEqual([text, true, false]);
      }
    }),
    { numRuns: 50 },
  );
});

test("with exponents, whatever JSON.stringify writes is accepted exactly when it is a member", () => {
  fc.assert(
    fc.property(large, fc.array(fc.oneof(digits, whole, decimal, divisor), { minLength: 20, maxLength: 20 }), (schema, values) => {
      const part = opened(schema, true);
      const agreed = oracle(schema);
      const set = setOf(schema);
      for (const value of values) {
        const text = JSON.stringify(value);
        const accepted = part !== undefined && accepts(part, text);
        expect([text, accepted, has(set, value)]).toEqual([text, agreed(text), agreed(text)]);
      }
    }),
    { numRuns: 40 },
  );
});

test("without exponents, a number of up to 15 digits or a safe integer is accepted exactly when it is a member", () => {
  const writable = fc.oneof(
    fc.maxSafeInteger().map(String),
    fc.tuple(fc.integer({ min: -99_999_999, max: 99_999_999 }), fc.integer({ min: 1, max: 9_999_999 })).map(([a, b]) => `${a}.${b}`),
  );
  fc.assert(
    fc.property(large, fc.array(writable, { minLength: 20, maxLength: 20 }), (schema, texts) => {
      const part = opened(schema, false);
      const agreed = oracle(schema);
      for (const text of texts.map((one) => one.replace(/(\..*?)0+$/, "$1")))
        expect([text, part !== undefined && accepts(part, text)]).toEqual([text, agreed(text)]);
    }),
    { numRuns: 40 },
  );
});

test("the range of safe integers is exact at both ends", () => {
  const part = terminal(INTEGERS);
  for (const text of ["9007199254740991", "-9007199254740991", "0", "-1", "8999999999999999"])
    expect([text, accepts(part, text)]).toEqual([text, true]);
  for (const text of ["9007199254740992", "-9007199254740992", "10000000000000000", "-0", "00", "01", "+1", "1.0", "1e3", "", "-"])
    expect([text, accepts(part, text)]).toEqual([text, false]);
});

test("with exponents, integers may be large, and a fraction that a double cannot keep makes none", () => {
  const part = terminal(INTEGERS, true);
  for (const text of ["1.2345678910111214e+52", "1e+21", "100000000000000000000", "12.0", "1.5e+1"])
    expect([text, accepts(part, text)]).toEqual([text, text !== "12.0"]);
  expect(read(part, "9007199254740993.")).toBe(-1);
});

test("where the standard and ajv disagree, nothing is accepted", () => {
  const cases: [number, string, boolean][] = [
    [0.1, "0.3", false],
    [0.1, "0.4", true],
    [0.0001, "0.0075", true],
    [1e-8, "12391239123", true],
    [1, "100000000000000000000", true],
    [1, "1e+21", false],
    [0.5, "1e+308", false],
  ];
  for (const [divisor, text, valid] of cases) expect([text, accepts(terminal(multipleOf(divisor), true), text)]).toEqual([text, valid]);
  expect(accepts(terminal(INTEGERS, true), "1.0000000000000001")).toBe(false);
  expect(accepts(terminal(complement(INTEGERS, WHERE), true), "1.0000000000000001")).toBe(false);
});

test("a set of one number leaves no choice", () => {
  for (const value of [0, 7, -19.9, 1e21, 123456789012345680000]) {
    const part = terminal(numbers([value]), true);
    expect(walk(part, Array<number>(40).fill(1))).toBe(JSON.stringify(value));
    for (let state = part.start; !part.ends(state);) {
      expect(part.only(state)).toBeGreaterThan(0);
      state = part.step(state, part.only(state));
    }
  }
  const six = terminal(intersection([multipleOf(3), atLeast(4, false), atMost(7, false)], WHERE), true);
  expect([six.only(six.start), six.ends(read(six, "6"))]).toEqual(["6".charCodeAt(0), true]);
});

test("zeros may end a fraction only as far as the set has places", () => {
  const cents = terminal(multipleOf(0.01));
  expect(["5.00", "2.50", "5.000", "0.00"].map((text) => accepts(cents, text))).toEqual([true, true, false, true]);
  const list = terminal(numbers([1, 2.5]));
  expect(["1.0", "2.50", "2.5"].map((text) => read(list, text) >= 0)).toEqual([false, false, true]);
});

/** States reachable from the start. */
function size(part: Terminal): number {
  const states = new Set([part.start]);
  for (const state of states)
    for (const byte of Buffer.from("0123456789-.e+")) if (part.step(state, byte) >= 0) states.add(part.step(state, byte));
  return states.size;
}

test("bounds and integer divisors need few states, however wide they are", () => {
  const range = (low: number, high: number) => [atLeast(low, false), atMost(high, false)];
  expect(size(terminal(EVERY_NUMBER))).toBeLessThan(250);
  expect(size(terminal(INTEGERS))).toBeLessThan(250);
  expect(size(terminal(intersection(range(0, 100), WHERE)))).toBeLessThan(60);
  expect(size(terminal(intersection([INTEGERS, ...range(1, 1e12)], WHERE)))).toBeLessThan(60);
  expect(size(terminal(intersection([multipleOf(7), ...range(0, 1e12)], WHERE)))).toBeLessThan(200);
});

test("what no number satisfies, or none that can be written, is refused with its place", () => {
  const refused = (set: NumberSet, code: string) => expect(() => terminal(set)).toThrow(expect.objectContaining({ code, pointer: "/n" }));
  refused(intersection([atLeast(1e-20, false), atMost(2e-20, false)], WHERE), "constraint/unsupported");
  refused(intersection([INTEGERS, atLeast(2 ** 60, false)], WHERE), "constraint/unsupported");
  refused(intersection([INTEGERS, complement(multipleOf(0.5), WHERE)], WHERE), "constraint/unsatisfiable");
  refused(intersection([atLeast(0.1, true), atMost(0.10000000000000002, true)], WHERE), "constraint/unsatisfiable");
});
