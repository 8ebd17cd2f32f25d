import fc from "fast-check";
import { number, type Bound, type Shape } from "./ir.ts";
import { numbers } from "./numbers.ts";
import type { Terminal } from "./part.ts";

function terminal(shape: Shape): Terminal | undefined {
  return shape.kind === "number" ? numbers(shape) : undefined;
}

function accepts(automaton: Terminal | undefined, text: string): boolean {
  if (!automaton) return false;
  let state = automaton.start;
  for (const byte of Buffer.from(text)) {
    state = automaton.step(state, byte);
    if (state < 0) return false;
  }
  return automaton.accepts(state);
}

const inclusive = (value: number): Bound => ({ value, exclusive: false });
const within = (value: number, min: Bound | null, max: Bound | null) =>
  (!min || (min.exclusive ? value > min.value : value >= min.value)) && (!max || (max.exclusive ? value < max.value : value <= max.value));

const bound = (value: fc.Arbitrary<number>) => fc.option(fc.record({ value, exclusive: fc.boolean() }));
const near = (min: Bound | null, max: Bound | null, offset: number) => Math.trunc((min ?? max ?? { value: 0 }).value) + offset;

test("an integer is accepted exactly when it is safe and within the bounds", () => {
  const some = fc.oneof(fc.integer({ min: -120, max: 120 }), fc.maxSafeInteger(), fc.double({ min: -1e17, max: 1e17, noNaN: true }));
  fc.assert(
    fc.property(bound(some), bound(some), fc.integer({ min: -12, max: 12 }), fc.maxSafeInteger(), (min, max, offset, other) => {
      const automaton = terminal(number(true, min, max, ""));
      for (const value of [near(min, max, offset), near(max, min, offset), offset, other])
        expect([value, accepts(automaton, String(value))]).toEqual([value, Number.isSafeInteger(value) && within(value, min, max)]);
    }),
    { numRuns: 500 },
  );
});

test("the range of safe integers is exact at both ends", () => {
  const automaton = terminal(number(true, inclusive(Number.MIN_SAFE_INTEGER), inclusive(Number.MAX_SAFE_INTEGER), ""));
  for (const text of ["9007199254740991", "-9007199254740991", "0", "-1", "8999999999999999"])
    expect([text, accepts(automaton, text)]).toEqual([text, true]);
  for (const text of ["9007199254740992", "-9007199254740992", "10000000000000000", "-0", "00", "01", "+1", "1.0", "1e3", "", "-"])
    expect([text, accepts(automaton, text)]).toEqual([text, false]);
});

test("a decimal of up to 15 digits is accepted exactly when JavaScript's number lies within the bounds", () => {
  const some = fc.oneof(
    fc.integer({ min: -20, max: 20 }),
    fc.integer({ min: -2000, max: 2000 }).map((n) => n / 100),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
  );
  const decimal = fc
    .tuple(fc.boolean(), fc.nat(30), fc.option(fc.stringMatching(/^[0-9]{1,6}$/)))
    .map(([minus, whole, fraction]) => `${minus ? "-" : ""}${whole}${fraction === null ? "" : `.${fraction}`}`);
  fc.assert(
    fc.property(bound(some), bound(some), decimal, (min, max, spelling) => {
      const automaton = terminal(number(false, min, max, ""));
      const texts = [
        spelling,
        ...[min, max].flatMap((one) => (one && /^-?[0-9.]{1,15}$/.test(String(one.value)) ? [String(one.value)] : [])),
      ];
      for (const text of texts) {
        const value = Number(text);
        const negativeZero = Object.is(value, -0);
        expect([text, accepts(automaton, text)]).toEqual([text, !negativeZero && within(value, min, max)]);
      }
    }),
    { numRuns: 1_000 },
  );
});

test("whatever a random walk spells is JSON, finite, and within the bounds", () => {
  const some = fc.oneof(
    fc.integer({ min: -20, max: 20 }),
    fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e16, max: 1e16 }),
    fc.double({ noNaN: true, min: -1e-12, max: 1e-12 }),
  );
  fc.assert(
    fc.property(fc.boolean(), bound(some), bound(some), fc.infiniteStream(fc.nat(1_000)), (integer, min, max, choices) => {
      const automaton = terminal(number(integer, min, max, ""));
      if (!automaton) return;
      let state = automaton.start;
      let text = "";
      for (const choice of choices) {
        if (automaton.ends(state) || (automaton.accepts(state) && choice % 5 === 0)) break;
        const bytes = [..."0123456789+-.eE"].filter((byte) => automaton.step(state, byte.charCodeAt(0)) >= 0);
        expect(bytes.length).toBeGreaterThan(0);
        const byte = bytes[choice % bytes.length]!;
        state = automaton.step(state, byte.charCodeAt(0));
        text += byte;
      }
      const value: unknown = JSON.parse(text);
      expect([text, Number.isFinite(value) && within(value as number, min, max) && (!integer || Number.isSafeInteger(value))]).toEqual([
        text,
        true,
      ]);
    }),
    { numRuns: 1_000 },
  );
});

test("bounds that no writable number meets give nothing", () => {
  expect(terminal(number(false, inclusive(1e-20), inclusive(2e-20), ""))).toBeUndefined();
  expect(terminal(number(true, inclusive(2 ** 60), null, ""))).toBeUndefined();
});
