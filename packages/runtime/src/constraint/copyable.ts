/**
 * What `copyFrom: "conversation"` may copy. In: the passages of a conversation. Out: strings and numbers. Law: a string stands word for
 * word in one passage; a number is one that somebody who reads the passage finds spelt there.
 */
import { numbers, type NumberSet } from "./numbers/index.ts";
import { copiedFrom, type Language } from "./strings/index.ts";

export interface Copyable {
  readonly strings: Language;
  readonly numbers: NumberSet;
}

export function copyableFrom(passages: readonly string[]): Copyable {
  return { strings: copiedFrom(passages), numbers: numbers(numbersIn(passages)) };
}

/** Digits in groups, with a sign and an exponent perhaps, that no word character touches. A hyphen behind a word is no sign. */
const NUMERAL = /(?<![\p{L}\p{M}\p{N}_]|\d[.,])([-\u2212])?(\d+(?:[.,]\d+)*)([eE][+-]?\d+)?(?![\p{L}\p{M}\p{N}_]|[.,]\d)/gu;

const PLAIN = /^\d+(?:\.\d+)?$/;
const THOUSANDS = /^\d{1,3}(?:,\d{3})+(?:\.\d+)?$/;
/** As much of Europe writes. */
const THOUSANDS_BY_DOTS = /^\d{1,3}(?:\.\d{3})+,\d+$/;
const DECIMAL_COMMA = /^\d+,\d+$/;

/** The numbers that are spelt in the passages, each once. */
export function numbersIn(passages: readonly string[]): number[] {
  const found = new Set<number>();
  for (const passage of passages)
    for (const [, sign, digits = "", exponent] of passage.matchAll(NUMERAL))
      for (const reading of readings(digits, exponent)) {
        const value = Number(reading);
        if (Number.isFinite(value)) found.add(sign ? -value : value);
      }
  return [...found];
}

/** Everything that a run of digit groups may mean, as JavaScript reads numbers. */
function readings(digits: string, exponent: string | undefined): string[] {
  if (exponent !== undefined) return PLAIN.test(digits) ? [digits + exponent] : [];
  if (PLAIN.test(digits)) return [digits];
  // Groups of thousands are one number: a model that means 1,250.75 must not be able to stop at the comma.
  if (THOUSANDS.test(digits)) return [digits.replaceAll(",", "")];
  if (THOUSANDS_BY_DOTS.test(digits)) return [digits.replaceAll(".", "").replace(",", ".")];
  // A decimal comma, or else a list, a date, an address.
  const whole = DECIMAL_COMMA.test(digits) ? [digits.replace(",", ".")] : [];
  return [...whole, ...digits.split(",").flatMap((one) => (PLAIN.test(one) ? [one] : one.split(".")))];
}
