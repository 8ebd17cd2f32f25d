import fc from "fast-check";
import { carryRows } from "./carry.ts";

const ROWS = 3;
const BLOCKS = 2;

/** Blocks as llama.cpp stores them, with a scale that is a finite float16. */
function blocks(bytes: number): fc.Arbitrary<Uint8Array> {
  const scale = fc.oneof(fc.integer({ min: 0, max: 0x7bff }), fc.integer({ min: 0x8000, max: 0xfbff }));
  const block = fc.tuple(scale, fc.uint8Array({ minLength: bytes - 2, maxLength: bytes - 2 }));
  return fc
    .array(block, { minLength: ROWS * BLOCKS, maxLength: ROWS * BLOCKS })
    .map((all) => Uint8Array.from(all.flatMap(([d, integers]) => [d & 255, d >> 8, ...integers])));
}

/** The value of a float16, by the definition of the format. */
function half(low: number, high: number): number {
  const bits = low | (high << 8);
  const [sign, exponent, fraction] = [bits >> 15, (bits >> 10) & 31, bits & 1023];
  return (sign === 1 ? -1 : 1) * (exponent === 0 ? fraction / 2 ** 24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

/** dequantize_row_q8_0: x[j] = qs[j] · d */
function llamaQ8(stored: Uint8Array): number[] {
  return Array.from({ length: stored.length / 34 }, (_, b) => {
    const [low, high, ...integers] = stored.subarray(b * 34, (b + 1) * 34);
    return integers.map((q) => (q < 128 ? q : q - 256) * half(low!, high!));
  }).flat();
}

/** dequantize_row_q4_0: x[j] = ((qs[j] & 15) − 8) · d and x[j + 16] = ((qs[j] >> 4) − 8) · d */
function llamaQ4(stored: Uint8Array): number[] {
  return Array.from({ length: stored.length / 18 }, (_, b) => {
    const [low, high, ...integers] = stored.subarray(b * 18, (b + 1) * 18);
    const halves = [integers.map((q) => q & 15), integers.map((q) => q >> 4)].flat();
    return halves.map((q) => (q - 8) * half(low!, high!));
  }).flat();
}

test("Q8_0 rows keep every value bit for bit", () => {
  fc.assert(
    fc.property(blocks(34), (stored) => {
      const data = new Uint8Array(ROWS * BLOCKS * 32);
      const scales = new Float32Array(ROWS * BLOCKS);
      carryRows(stored, 8, ROWS, BLOCKS, { data, scales, rowBlocks: BLOCKS, row: 0, block: 0 });
      expect(Array.from(data, (q, i) => (q - 128) * scales[i >> 5]!)).toEqual(llamaQ8(stored));
    }),
  );
});

test("Q4_0 rows keep every value bit for bit, though neighbours move together", () => {
  fc.assert(
    fc.property(blocks(18), (stored) => {
      const data = new Uint8Array(ROWS * BLOCKS * 16);
      const scales = new Float32Array(ROWS * BLOCKS);
      carryRows(stored, 4, ROWS, BLOCKS, { data, scales, rowBlocks: BLOCKS, row: 0, block: 0 });
      const value = (i: number): number => (((data[i >> 1]! >> (4 * (i & 1))) & 15) - 8) * scales[i >> 5]!;
      expect(Array.from({ length: data.length * 2 }, (_, i) => value(i))).toEqual(llamaQ4(stored));
    }),
  );
});

test("a window leaves the rest of the weight alone", () => {
  const stored = Uint8Array.from({ length: 34 }, (_, i) => (i === 1 ? 0x3c : i < 2 ? 0 : i)); // scale 1
  const data = new Uint8Array(2 * 3 * 32).fill(9);
  const scales = new Float32Array(2 * 3).fill(9);
  carryRows(stored, 8, 1, 1, { data, scales, rowBlocks: 3, row: 1, block: 2 });
  expect([...scales]).toEqual([9, 9, 9, 9, 9, 1]);
  expect(data.subarray(0, 160).every((q) => q === 9)).toBe(true);
  expect(data[160]).toBe(2 ^ 0x80);
});
