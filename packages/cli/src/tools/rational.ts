/**
 * Exact rational numbers between text and JSON. In: decimal text, fractions. Out: fractions, JSON numbers.
 * Law: a number that JSON can hold exactly comes out exactly; every other one is rounded, never wrong in a digit it shows.
 */
import Fraction from "fraction.js";
import { ToolError } from "./tool-error.ts";

/** Numerator or denominator may have this many bits (about 2,400 digits): an operation then takes at most some milliseconds. */
export const MAX_BITS = 8192;
/** 10^400 is beyond the largest double, 1.8e308. */
const MAX_EXPONENT = 400;
/** Decimal digits that every double holds. */
const DOUBLE_DIGITS = 15;
/** Digits shown of a number without end, such as 1/3. */
const ROUNDED_DIGITS = 10;
/** Longest integer that is written out in full. */
const MAX_DIGITS = 100;

const DECIMAL = /^(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/;

/** Number of bits of a non-negative integer, exact. */
export function bitLength(n: bigint): number {
  const hex = n.toString(16);
  return n === 0n ? 0 : (hex.length - 1) * 4 + (32 - Math.clz32(Number.parseInt(hex.charAt(0), 16)));
}

/** The fraction, if it is small enough to go on with. @throws ToolError `tool/too-large` */
export function bounded(value: Fraction): Fraction {
  if (bitLength(value.n) > MAX_BITS || bitLength(value.d) > MAX_BITS) throw new ToolError("tool/too-large", "number too large");
  return value;
}

/** An unsigned decimal such as `12`, `.5` or `1.5e3`, exactly. @throws ToolError `tool/bad-number`, `tool/too-large` */
export function parseDecimal(text: string): Fraction {
  const [, whole = "", fraction = "", exponentText = "0"] = DECIMAL.exec(text) ?? [];
  if (whole === "" && fraction === "") throw new ToolError("tool/bad-number", `not a number: ${text}`);
  const exponent = Number(exponentText) - fraction.length;
  if (Math.abs(exponent) > MAX_EXPONENT || whole.length + fraction.length > MAX_EXPONENT)
    throw new ToolError("tool/too-large", "number too large");
  const digits = BigInt(whole + fraction);
  return exponent >= 0 ? new Fraction(digits * 10n ** BigInt(exponent), 1n) : new Fraction(digits, 10n ** BigInt(-exponent));
}

/** A finite double by its shortest decimal: 0.1 is 1/10. */
export function fromNumber(value: number): Fraction {
  if (!Number.isFinite(value)) throw new ToolError("tool/bad-number", `not a number: ${value}`);
  const magnitude = parseDecimal(String(Math.abs(value)));
  return value < 0 ? magnitude.neg() : magnitude;
}

/** Square root: exact where it is rational, else rounded to `ROUNDED_DIGITS` digits and some more. @throws ToolError `tool/undefined` */
export function squareRoot(value: Fraction): Fraction {
  if (value.s < 0n) throw new ToolError("tool/undefined", "square root of a negative number");
  const n = integerRoot(value.n);
  const d = integerRoot(value.d);
  if (n * n === value.n && d * d === value.d) return new Fraction(n, d);
  // √(n/d) = √(n·d·4^k) / (d·2^k), with k so large that the integer root has 96 bits or more.
  const shift = BigInt(Math.max(0, 96 - Math.floor(bitLength(value.n * value.d) / 2)));
  return bounded(new Fraction(integerRoot((value.n * value.d) << (2n * shift)), value.d << shift));
}

/** ⌊√n⌋ by Newton's iteration from above. */
function integerRoot(n: bigint): bigint {
  if (n < 2n) return n;
  let x = 1n << BigInt((bitLength(n) + 1) >> 1);
  for (;;) {
    const next = (x + n / x) >> 1n;
    if (next >= x) return x;
    x = next;
  }
}

/**
 * A fraction as JSON: a number where 15 digits hold it; an integer with more digits as a string of all of them; anything else as a
 * number rounded to 10 digits. @throws ToolError `tool/too-large`, `tool/too-small`
 */
export function toJson(value: Fraction): number | string {
  const scale = terminatingScale(value.d);
  if (scale !== undefined) {
    const digits = (value.n * (10n ** BigInt(scale) / value.d)).toString();
    if (digits.replace(/0+$/, "").length <= DOUBLE_DIGITS && digits.length <= 300) return signed(value, `${digits}e${-scale}`);
    if (scale === 0 && digits.length > MAX_DIGITS) throw new ToolError("tool/too-large", "number too large");
    if (scale === 0) return value.s < 0n ? `-${digits}` : digits;
  }
  return signed(value, rounded(value, ROUNDED_DIGITS));
}

function signed(value: Fraction, decimal: string): number {
  const magnitude = Number(decimal);
  if (!Number.isFinite(magnitude)) throw new ToolError("tool/too-large", "number too large");
  if (magnitude === 0 && value.n !== 0n) throw new ToolError("tool/too-small", "number too close to zero");
  return value.s < 0n ? -magnitude : magnitude;
}

/** The least s with 10^s divisible by d, if there is one: d must have no prime factor but 2 and 5. */
function terminatingScale(d: bigint): number | undefined {
  let twos = 0;
  let fives = 0;
  for (; d % 2n === 0n; d /= 2n) twos++;
  for (; d % 5n === 0n; d /= 5n) fives++;
  return d === 1n ? Math.max(twos, fives) : undefined;
}

/** |value| to `digits` significant digits, half away from zero, as `123e-4`. */
function rounded({ n, d }: Fraction, digits: number): string {
  const magnitude = n.toString().length - d.toString().length;
  const scale = digits - magnitude;
  const [top, bottom] = scale >= 0 ? [n * 10n ** BigInt(scale), d] : [n, d * 10n ** BigInt(-scale)];
  const quotient = (2n * top + bottom) / (2n * bottom);
  // The estimate of the magnitude may be one too small: then there is one digit too many.
  if (quotient.toString().length <= digits) return `${quotient}e${-scale}`;
  return `${(2n * top + bottom * 10n) / (2n * bottom * 10n)}e${1 - scale}`;
}
