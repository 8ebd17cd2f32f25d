/** Doubles as an ordered list: neighbours, the middle between two, the first one with a property. All are magnitudes: at least 0. */
import type { Decimal } from "./decimal.ts";

const view = new DataView(new ArrayBuffer(8));

/** The place among the doubles from 0 up. */
export function ordinal(magnitude: number): bigint {
  view.setFloat64(0, magnitude);
  return view.getBigUint64(0);
}

export function doubleAt(place: bigint): number {
  view.setBigUint64(0, place);
  return view.getFloat64(0);
}

const LAST = ordinal(Number.MAX_VALUE);

/** The smallest positive double that `holds`, where all larger ones hold too; Infinity when none does. */
export function firstDouble(holds: (magnitude: number) => boolean): number {
  let low = 1n;
  let high = LAST + 1n;
  while (low < high) {
    const middle = (low + high) >> 1n;
    if (holds(doubleAt(middle))) high = middle;
    else low = middle + 1n;
  }
  return doubleAt(low);
}

/** Half way between a double and the one before it: what is below reads as the latter, what is above as the former. */
export function middleBelow(magnitude: number): Decimal {
  const place = ordinal(magnitude);
  // Infinity follows the largest double at the distance of its last bit.
  const [mantissa, exponent] = binary(place - 1n);
  return binaryDecimal(2n * mantissa + 1n, exponent - 1);
}

/** Half way between a double and the one after it. */
export function middleAbove(magnitude: number): Decimal {
  return middleBelow(doubleAt(ordinal(magnitude) + 1n));
}

/** mantissa · 2^exponent. */
function binary(place: bigint): [bigint, number] {
  const biased = Number(place >> 52n);
  const fraction = place & ((1n << 52n) - 1n);
  return biased === 0 ? [fraction, -1074] : [fraction | (1n << 52n), biased - 1075];
}

function binaryDecimal(mantissa: bigint, exponent: number): Decimal {
  return exponent >= 0
    ? { negative: false, digits: mantissa << BigInt(exponent), scale: 0 }
    : { negative: false, digits: mantissa * 5n ** BigInt(-exponent), scale: exponent };
}
