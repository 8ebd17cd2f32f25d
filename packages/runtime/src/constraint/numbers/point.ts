/**
 * Points of a number line: magnitudes of 18 digits. In: decimals of any length. Out: points that compare with all spellings as the
 * decimals do. Law: spellings have at most 17 digits, so what lies between two of them is as good as any other number there.
 */
import { leadingExponent, ten, type Decimal } from "./decimal.ts";

/** One digit more than any spelling has: it says only "beyond the 17th". */
export const ALIGNED = 18;

export interface Point {
  /** Of the first digit. */
  readonly exponent: number;
  /** {@link ALIGNED} digits, the first not 0. */
  readonly aligned: bigint;
}

export function order(a: Point, b: Point): number {
  return a.exponent - b.exponent || (a.aligned === b.aligned ? 0 : a.aligned < b.aligned ? -1 : 1);
}

/** Ascending, each once. */
export function sorted(points: readonly Point[]): Point[] {
  return [...points].sort(order).filter((point, i, all) => i === 0 || order(point, all[i - 1]!) !== 0);
}

/** Of longer magnitudes the last digit is 5, between what can be spelt. */
export function pointOf(magnitude: Decimal): Point {
  const { digits } = magnitude;
  const exponent = leadingExponent(magnitude);
  const length = exponent - magnitude.scale + 1;
  if (length < ALIGNED) return { exponent, aligned: digits * ten(ALIGNED - length) };
  const dropped = ten(length - ALIGNED + 1);
  return { exponent, aligned: (digits / dropped) * 10n + (digits % dropped === 0n ? 0n : 5n) };
}

/** A number between two points. */
export function between(before: Point, after: Point, negative: boolean): Decimal {
  const scale = before.exponent - ALIGNED;
  const gap = after.exponent - before.exponent;
  const low = before.aligned * 10n;
  // Far apart: one more power of ten is still between.
  const digits = gap > 1 ? low * 10n : (low + after.aligned * ten(gap + 1)) / 2n;
  return { negative, digits, scale };
}
