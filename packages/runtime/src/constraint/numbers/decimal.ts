/**
 * Exact decimals: ±digits · 10^scale. In: a double, or digits and a scale. Out: comparisons, divisibility, the double that JavaScript
 * reads. Law: nothing is rounded except by {@link toDouble}.
 */

export interface Decimal {
  readonly negative: boolean;
  /** At least 0. */
  readonly digits: bigint;
  readonly scale: number;
}

export const ONE: Decimal = { negative: false, digits: 1n, scale: 0 };

const SAFE = BigInt(Number.MAX_SAFE_INTEGER);
/** The powers of ten that are doubles. */
const EXACT_POWERS = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));

const powers: bigint[] = [1n];

/** 10^exponent. */
export function ten(exponent: number): bigint {
  while (powers.length <= exponent) powers.push(powers.at(-1)! * 10n);
  return powers[exponent]!;
}

/** The shortest decimal that reads as this finite double: how JSON.stringify spells it. */
export function decimalOf(value: number): Decimal {
  if (Number.isSafeInteger(value)) return { negative: value < 0, digits: BigInt(Math.abs(value)), scale: 0 };
  const [mantissa = "0", exponent = "0"] = Math.abs(value).toExponential().split("e");
  const digits = mantissa.replace(".", "");
  return { negative: value < 0, digits: BigInt(digits), scale: Number(exponent) - digits.length + 1 };
}

/** The nearest double, as JSON.parse reads the decimal; never −0. */
export function toDouble({ negative, digits, scale }: Decimal): number {
  // One operation on two numbers that are exact as doubles is rounded once, so it gives the nearest.
  const power = digits <= SAFE ? EXACT_POWERS[-scale] : undefined;
  const magnitude = power === undefined ? Number(`${digits}e${scale}`) : Number(digits) / power;
  return negative && magnitude !== 0 ? -magnitude : magnitude;
}

/** The power of ten of the first digit. Not for 0. */
export function leadingExponent({ digits, scale }: Decimal): number {
  return String(digits).length - 1 + scale;
}

/** Scales that are no farther apart cost less to align than digits to count. */
const NEAR = 32;

/** Negative, 0 or positive, as a − b. */
export function compare(a: Decimal, b: Decimal): number {
  if (a.digits === 0n || b.digits === 0n || a.negative !== b.negative) return sign(a) - sign(b);
  const near = Math.abs(a.scale - b.scale) < NEAR;
  const order = (near ? 0 : leadingExponent(a) - leadingExponent(b)) || aligned(a, b);
  return a.negative ? -order : order;
}

function sign({ negative, digits }: Decimal): number {
  return digits === 0n ? 0 : negative ? -1 : 1;
}

function aligned(a: Decimal, b: Decimal): number {
  const scale = Math.min(a.scale, b.scale);
  const left = a.digits * ten(a.scale - scale);
  const right = b.digits * ten(b.scale - scale);
  return left === right ? 0 : left < right ? -1 : 1;
}

/** By divisor and scale: a search asks for few, many times each. */
const strides = new WeakMap<Decimal, Map<number, bigint>>();

/** The smallest n > 0 for which n · 10^scale is a multiple of the divisor; its multiples are all such numbers. */
export function stride(divisor: Decimal, scale: number): bigint {
  let known = strides.get(divisor);
  if (!known) strides.set(divisor, (known = new Map<number, bigint>()));
  let value = known.get(scale);
  if (value === undefined) known.set(scale, (value = computeStride(divisor, scale)));
  return value;
}

function computeStride(divisor: Decimal, scale: number): bigint {
  if (divisor.scale >= scale) return divisor.digits * ten(divisor.scale - scale);
  // A power of ten cannot share more factors of 2 or 5 with the digits than these have bits.
  const shared = Math.min(scale - divisor.scale, divisor.digits.toString(2).length);
  return divisor.digits / gcd(divisor.digits, ten(shared));
}

export function isMultiple({ digits, scale }: Decimal, divisor: Decimal): boolean {
  return digits % stride(divisor, scale) === 0n;
}

/** The least common multiple of two positive decimals. */
export function leastCommonMultiple(a: Decimal, b: Decimal): Decimal {
  const scale = Math.min(a.scale, b.scale);
  const left = a.digits * ten(a.scale - scale);
  const right = b.digits * ten(b.scale - scale);
  return { negative: false, digits: (left / gcd(left, right)) * right, scale };
}

function gcd(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b];
  return a;
}
