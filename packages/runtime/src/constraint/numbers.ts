/**
 * Numbers in JSON syntax within exact bounds, as a small automaton over bytes. In: a number shape. Out: a terminal, or undefined
 * when no number of at most 15 digits (16 for safe integers) lies within the bounds.
 * Law: what it accepts, read by JavaScript, lies within the bounds, for numbers of up to 15 digits round-trip through a double
 * without meeting each other; exponents are written only where there are no bounds.
 */
import type { Bound, NumberShape } from "./ir.ts";
import type { Symbol, Terminal } from "./part.ts";

/** Significant digits that a double always keeps (DBL_DIG). */
const MAX_DIGITS = 15;
/** Digits of an exponent: 10^±99 times 15 digits stays finite and normal. */
const MAX_EXPONENT_DIGITS = 2;
const CHARACTERS = [..."0123456789-+.eE"];

/** A bound on the magnitude, as decimal digits without trailing zeros after the point. */
interface Limit {
  readonly whole: string;
  readonly fraction: string;
  readonly exclusive: boolean;
}
/** Magnitudes of one sign; null is no limit. */
interface Span {
  readonly low: Limit | null;
  readonly high: Limit | null;
}

const PHASES = ["start", "sign", "whole", "point", "fraction", "e", "exponentSign", "exponent"] as const;
type Phase = (typeof PHASES)[number];

/** How the digits so far compare with a limit's: −1 less, 0 equal so far, 1 greater. */
interface Progress {
  readonly phase: Phase;
  readonly negative: boolean;
  readonly wholeDigits: number;
  readonly fractionDigits: number;
  readonly exponentDigits: number;
  readonly zero: boolean;
  readonly low: number;
  readonly high: number;
}

const START: Progress = {
  phase: "start",
  negative: false,
  wholeDigits: 0,
  fractionDigits: 0,
  exponentDigits: 0,
  zero: false,
  low: 0,
  high: 0,
};

/** Automata kept: tools share a few bounds, above all none. */
const MAX_KEPT = 256;
const kept = new Map<string, Terminal | undefined>();

export function numbers({ integer, min, max }: NumberShape): Terminal | undefined {
  const id = JSON.stringify([integer, min, max]);
  if (!kept.has(id)) {
    if (kept.size >= MAX_KEPT) kept.clear();
    kept.set(id, table(new NumberSyntax(integer, min, max)));
  }
  return kept.get(id);
}

class NumberSyntax {
  readonly #integer: boolean;
  readonly #exponents: boolean;
  readonly #digits: number;
  readonly #positive: Span | null;
  readonly #negative: Span | null;

  constructor(integer: boolean, min: Bound | null, max: Bound | null) {
    this.#integer = integer;
    this.#exponents = !integer && !min && !max;
    // Integers beyond ±(2^53 − 1) are not exact, so they are never written.
    const low = integer ? Math.max(min?.value ?? -Infinity, Number.MIN_SAFE_INTEGER) : (min?.value ?? -Infinity);
    const high = integer ? Math.min(max?.value ?? Infinity, Number.MAX_SAFE_INTEGER) : (max?.value ?? Infinity);
    this.#digits = integer ? String(Number.MAX_SAFE_INTEGER).length : MAX_DIGITS;
    const lowExclusive = min?.exclusive === true;
    const highExclusive = max?.exclusive === true;
    // "-0" is spelt 0: the negative side holds magnitudes above zero only.
    this.#positive =
      high < 0 || low > high
        ? null
        : { low: low > 0 || (low === 0 && lowExclusive) ? limit(low, lowExclusive) : null, high: limit(high, highExclusive) };
    this.#negative =
      low >= 0 || low > high ? null : { low: high < 0 ? limit(-high, highExclusive) : limit(0, true), high: limit(-low, lowExclusive) };
  }

  #span(progress: Progress): Span | null {
    return progress.negative ? this.#negative : this.#positive;
  }

  /** The comparison with a limit once the number has ended. */
  #final(progress: Progress, bound: Limit, relation: number): number {
    if (progress.wholeDigits < bound.whole.length) return -1;
    if (relation !== 0) return relation;
    return progress.fractionDigits < bound.fraction.length ? -1 : 0;
  }

  accepts(progress: Progress): boolean {
    if (progress.phase === "exponent") return true;
    if (progress.phase !== "whole" && progress.phase !== "fraction") return false;
    const span = this.#span(progress);
    if (!span) return false;
    if (span.low) {
      const relation = this.#final(progress, span.low, progress.low);
      if (relation < 0 || (relation === 0 && span.low.exclusive)) return false;
    }
    if (span.high) {
      const relation = this.#final(progress, span.high, progress.high);
      if (relation > 0 || (relation === 0 && span.high.exclusive)) return false;
    }
    return true;
  }

  step(progress: Progress, character: string): Progress | null {
    const digit = character >= "0" && character <= "9";
    switch (progress.phase) {
      case "start":
        if (character === "-") return this.#negative && { ...progress, phase: "sign", negative: true };
        return digit ? this.#wholeDigit(progress, character) : null;
      case "sign":
        return digit ? this.#wholeDigit(progress, character) : null;
      case "whole":
        if (digit) return progress.zero ? null : this.#wholeDigit(progress, character);
        if (character === "." && !this.#integer) return this.#point(progress);
        return this.#exponent(progress, character);
      case "point":
        return digit ? this.#fractionDigit(progress, character) : null;
      case "fraction":
        return digit ? this.#fractionDigit(progress, character) : this.#exponent(progress, character);
      case "e":
        if (character === "+" || character === "-") return { ...progress, phase: "exponentSign" };
        return digit ? { ...progress, phase: "exponent", exponentDigits: 1 } : null;
      case "exponentSign":
        return digit ? { ...progress, phase: "exponent", exponentDigits: 1 } : null;
      case "exponent":
        return digit && progress.exponentDigits < MAX_EXPONENT_DIGITS ? { ...progress, exponentDigits: progress.exponentDigits + 1 } : null;
    }
  }

  #wholeDigit(progress: Progress, digit: string): Progress | null {
    const span = this.#span(progress);
    const place = progress.wholeDigits;
    if (!span || place >= this.#digits) return null;
    const compare = (bound: Limit | null, relation: number) => {
      if (!bound) return 0;
      if (place >= bound.whole.length) return 1;
      return relation || order(digit, bound.whole[place]!);
    };
    return {
      ...progress,
      phase: "whole",
      wholeDigits: place + 1,
      zero: place === 0 && digit === "0",
      low: compare(span.low, progress.low),
      high: compare(span.high, progress.high),
    };
  }

  /** Fixes how the whole part compares: a shorter one is less. */
  #point(progress: Progress): Progress | null {
    const span = this.#span(progress);
    if (!span || progress.wholeDigits >= this.#digits) return null;
    const settle = (bound: Limit | null, relation: number) => (bound && progress.wholeDigits < bound.whole.length ? -1 : relation);
    const low = settle(span.low, progress.low);
    const high = settle(span.high, progress.high);
    if (low < 0 || high > 0) return null;
    // Once a comparison is decided the number of whole digits matters only for the count of digits.
    return { ...progress, phase: "point", zero: false, low, high };
  }

  #fractionDigit(progress: Progress, digit: string): Progress | null {
    const span = this.#span(progress);
    const place = progress.fractionDigits;
    if (!span || progress.wholeDigits + place >= this.#digits) return null;
    const compare = (bound: Limit | null, relation: number) => (bound ? relation || order(digit, bound.fraction[place] ?? "0") : 0);
    return {
      ...progress,
      phase: "fraction",
      fractionDigits: place + 1,
      low: compare(span.low, progress.low),
      high: compare(span.high, progress.high),
    };
  }

  #exponent(progress: Progress, character: string): Progress | null {
    if (!this.#exponents || (character !== "e" && character !== "E") || !this.accepts(progress)) return null;
    return { ...START, phase: "e" };
  }
}

function order(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** The magnitude as digits; null for infinity. Shortest digits that name the double (JavaScript's own), so nothing is lost. */
function limit(magnitude: number, exclusive: boolean): Limit | null {
  if (magnitude === Infinity) return null;
  const [digits = "0", exponent = "0"] = magnitude.toExponential().split("e");
  const [head = "0", tail = ""] = digits.split(".");
  const all = head + tail;
  const point = 1 + Number(exponent);
  const whole = point <= 0 ? "0" : all.slice(0, point).padEnd(point, "0");
  const fraction = point <= 0 ? "0".repeat(-point) + all : all.slice(point);
  return { whole, fraction: fraction.replace(/0+$/, ""), exclusive };
}

/** The syntax as an explicit automaton, without the states from which no number can be completed. */
function table(syntax: NumberSyntax): Terminal | undefined {
  const states: Progress[] = [START];
  const ids = new Map<number, number>([[key(START), 0]]);
  const edges: Map<number, number>[] = [];
  for (let state = 0; state < states.length; state++) {
    const out = new Map<number, number>();
    for (const character of CHARACTERS) {
      const next = syntax.step(states[state]!, character);
      if (!next) continue;
      let target = ids.get(key(next));
      if (target === undefined) {
        target = states.push(next) - 1;
        ids.set(key(next), target);
      }
      out.set(character.charCodeAt(0), target);
    }
    edges.push(out);
  }
  const accepting = states.map((state) => syntax.accepts(state));
  const live = [...accepting];
  for (let changed = true; changed;) {
    changed = false;
    for (let state = states.length - 1; state >= 0; state--) {
      if (live[state] || ![...edges[state]!.values()].some((target) => live[target])) continue;
      live[state] = true;
      changed = true;
    }
  }
  if (!live[0]) return undefined;
  for (const out of edges) for (const [symbol, target] of out) if (!live[target]) out.delete(symbol);

  const none: readonly Symbol[] = [];
  return {
    kind: "terminal",
    position: "number",
    start: 0,
    step: (state, symbol) => edges[state]!.get(symbol) ?? -1,
    accepts: (state) => accepting[state]!,
    ends: (state) => edges[state]!.size === 0,
    only(state) {
      const [symbol, ...others] = edges[state]!.keys();
      return symbol === undefined || others.length > 0 ? -1 : symbol;
    },
    controls: () => none,
    canonical: (state) => state,
    free: () => undefined,
  };
}

/** All of a progress in one number. */
function key({ phase, negative, wholeDigits, fractionDigits, exponentDigits, zero, low, high }: Progress): number {
  const flags = (negative ? 2 : 0) + (zero ? 1 : 0);
  const digits = (wholeDigits * 32 + fractionDigits) * 4 + exponentDigits;
  return ((PHASES.indexOf(phase) * 4 + flags) * 9 + (low + 1) * 3 + high + 1) * 4096 + digits;
}
