/**
 * Spellings of numbers, from the first character on. In: a prefix and a character. Out: the longer prefix, and the numbers that a prefix
 * may still become. Law: JSON syntax; no leading zero; at most so many digits; an exponent only after one digit that is not 0.
 */
import { ten } from "./decimal.ts";
import type { Span } from "./line.ts";
import type { Block } from "./search.ts";

/** How long spellings may be. Digits count from the first that is not 0. */
export interface Limits {
  /** Digits of a whole number that are not all 0; more can only be zeros. */
  readonly wholeDigits: number;
  /** Digits before the point. */
  readonly whole: number;
  /** Digits of a number with a point. */
  readonly digits: number;
  /** Digits after the point. */
  readonly places: number;
  readonly exponent: boolean;
}

/** What models write: as many digits as a double keeps (DBL_DIG), or a safe integer. */
export const PLAIN: Limits = { wholeDigits: 16, whole: 16, digits: 15, places: 14, exponent: false };
/** Whatever JSON.stringify writes. */
export const SCIENTIFIC: Limits = { wholeDigits: 17, whole: 21, digits: 17, places: 22, exponent: true };

const LARGEST_EXPONENT = 308;
const SMALLEST_EXPONENT = -324;
/** JSON.stringify writes exponents from here on outwards. */
export const LARGE_EXPONENT = 21;
export const SMALL_EXPONENT = -7;

export interface Prefix {
  readonly negative: boolean;
  readonly whole: string;
  /** After the point. */
  readonly fraction: string | undefined;
  /** After the e: a sign and digits. */
  readonly exponent: string | undefined;
}

export const EMPTY: Prefix = { negative: false, whole: "", fraction: undefined, exponent: undefined };

export const CHARACTERS = [..."0123456789-.e+"];

/** The prefix and one more character; undefined when no number within the limits begins so. */
export function append(prefix: Prefix, character: string, limits: Limits): Prefix | undefined {
  const { negative, whole, fraction, exponent } = prefix;
  const digit = character >= "0" && character <= "9";
  if (exponent !== undefined) return appendExponent(prefix, exponent, character);
  if (character === "-") return whole === "" && !negative ? { ...prefix, negative: true } : undefined;
  if (whole === "") return digit ? { ...prefix, whole: character } : undefined;
  if (character === "e") return limits.exponent && isNormal(prefix) && fraction !== "" ? { ...prefix, exponent: "" } : undefined;
  if (character === ".") return fraction === undefined && whole.length < limits.digits ? { ...prefix, fraction: "" } : undefined;
  if (!digit) return undefined;
  if (fraction === undefined) {
    if (whole === "0" || whole.length === limits.whole) return undefined;
    return whole.length < limits.wholeDigits || character === "0" ? { ...prefix, whole: whole + character } : undefined;
  }
  if (fraction.length === limits.places || significant(prefix).length === limits.digits) return undefined;
  return { ...prefix, fraction: fraction + character };
}

function appendExponent(prefix: Prefix, exponent: string, character: string): Prefix | undefined {
  const sign = character === "+" || character === "-";
  // No zero leads, and "-0" is +0.
  if (exponent === "" ? !sign : sign || exponent === "+0" || exponent.length > 3 || exponent + character === "-0") return undefined;
  if (!sign && (character < "0" || character > "9")) return undefined;
  return { ...prefix, exponent: exponent + character };
}

/** The digits without leading zeros. */
export function significant({ whole, fraction }: Prefix): string {
  return whole === "0" ? (fraction ?? "").replace(/^0+/, "") : whole + (fraction ?? "");
}

/** May an exponent follow, now or after more digits? */
export function isNormal({ whole }: Prefix): boolean {
  return whole.length === 1 && whole !== "0";
}

/** Is it complete as JSON syntax? */
export function isComplete({ whole, fraction, exponent }: Prefix): boolean {
  return whole !== "" && fraction !== "" && (exponent === undefined || exponent.length > 1);
}

/** The number spelt, as one block, or "zero". */
export function numberOf(prefix: Prefix): Block | "zero" {
  const text = significant(prefix);
  if (text === "") return "zero";
  const scale = Number(prefix.exponent ?? 0) - (prefix.fraction?.length ?? 0);
  // The zeros at the end of a long whole number would not fit into a block.
  const digits = text.length > SCIENTIFIC.digits ? text.slice(0, SCIENTIFIC.digits) : text;
  const block = BigInt(digits);
  return { exponent: scale + text.length - 1, low: block, high: block, scale: scale + text.length - digits.length };
}

/** Places up to which zeros may stand at the end: how many the numbers of the set need at most. */
export interface Depths {
  /** Of numbers without an exponent. */
  readonly plain: number;
  /** Of the digits before an exponent. */
  readonly scientific: number;
}

/** All numbers that a prefix may become, but 0, as blocks; without those that only zeros beyond the depths would add. */
export function* completions(prefix: Prefix, limits: Limits, depths: Depths): Generator<Block> {
  if (prefix.exponent !== undefined) {
    const digits = BigInt(significant(prefix));
    const places = prefix.fraction?.length ?? 0;
    for (const exponent of exponents(prefix.exponent)) yield { exponent, low: digits, high: digits, scale: exponent - places };
    return;
  }
  if (significant(prefix) === "") yield* small(prefix.fraction?.length ?? 0, limits);
  else if (prefix.fraction === undefined) yield* whole(prefix.whole, limits);
  else yield* fractions(prefix, limits, depths.plain);
  if (limits.exponent && isNormal(prefix)) yield* scientific(prefix, limits, depths.scientific);
}

/** 0.00…, with at least so many zeros after the point. */
function* small(zeros: number, { digits, places }: Limits): Generator<Block> {
  for (let count = zeros; count < places; count++) {
    const length = Math.min(digits, places - count);
    yield { exponent: -count - 1, low: ten(length - 1), high: ten(length) - 1n, scale: -count - length };
  }
}

function* whole(text: string, limits: Limits): Generator<Block> {
  for (let length = text.length; length <= limits.whole; length++) {
    const digits = length > limits.digits ? Math.min(length, limits.wholeDigits) : limits.digits;
    yield { exponent: length - 1, ...filled(text, digits), scale: length - digits };
  }
}

function* fractions(prefix: Prefix, limits: Limits, depth: number): Generator<Block> {
  const text = significant(prefix);
  const places = prefix.fraction!.length;
  const rest = Math.min(limits.digits - text.length, limits.places - places);
  const exponent = text.length - 1 - places;
  const { low, high } = filled(text, text.length + rest);
  const first = places > 0 && places <= depth ? low : low + 1n;
  if (first <= high) yield { exponent, low: first, high, scale: -places - rest };
}

function* scientific(prefix: Prefix, { digits }: Limits, depth: number): Generator<Block> {
  const places = prefix.fraction?.length;
  const { low, high } = filled(significant(prefix), digits);
  const first = places === undefined || (places > 0 && places <= depth) ? low : low + 1n;
  if (first <= high) for (const exponent of exponents("")) yield { exponent, low: first, high, scale: exponent - digits + 1 };
}

/** The numbers of `length` digits that begin so. */
function filled(text: string, length: number): { readonly low: bigint; readonly high: bigint } {
  if (text.length >= length) {
    const digits = BigInt(text.slice(0, length));
    return { low: digits, high: digits };
  }
  const power = ten(length - text.length);
  const low = BigInt(text) * power;
  return { low, high: low + power - 1n };
}

/** The exponents that begin so. */
function* exponents(text: string): Generator<number> {
  for (const span of exponentSpans(text)) yield* within(span);
}

/** The exponents of a span that numbers have. */
function* within({ first, last }: Span): Generator<number> {
  for (let exponent = Math.max(first, SMALLEST_EXPONENT); exponent <= Math.min(last, LARGEST_EXPONENT); exponent++) yield exponent;
}

/** The exponents that begin so: no sign, a sign, or a sign and digits. */
export function exponentSpans(text: string): readonly Span[] {
  if (text === "") return [...exponentSpans("+"), ...exponentSpans("-")];
  if (text.length === 1) return [text === "+" ? { first: 0, last: Infinity } : { first: -Infinity, last: -1 }];
  const value = Number(text.slice(1));
  const powers = value === 0 ? [1] : [1, 10, 100];
  return powers.map((power) => {
    const low = value * power;
    const high = low + power - 1;
    return text[0] === "+" ? { first: low, last: high } : { first: -high, last: -low };
  });
}

/** Every number of one sign but 0, with so many digits. */
export function* everyBlock({ first, last }: Span, digits = SCIENTIFIC.digits): Generator<Block> {
  const low = ten(digits - 1);
  const high = ten(digits) - 1n;
  // Those of plain numbers first: most sets have them.
  for (const span of [
    { first: Math.max(first, 0), last },
    { first, last: Math.min(last, -1) },
  ])
    for (const exponent of within(span)) yield { exponent, low, high, scale: exponent - digits + 1 };
}
