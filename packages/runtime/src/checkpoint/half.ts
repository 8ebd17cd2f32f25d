/** IEEE float16 to float32. In: 16 bits. Out: the same number. */

let halves: Float32Array | undefined;

/** The float32 of each of the 65,536 float16 bit patterns; 256 kB, made on first use. */
export function halfTable(): Float32Array {
  return (halves ??= Float32Array.from({ length: 0x10000 }, (_, bits) => halfToFloat(bits)));
}

/** A float16 from its bits: 1 sign, 5 exponent (bias 15), 10 fraction. */
export function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}
