/**
 * llama.cpp's K types to float32. In: bytes of whole super-blocks of 256 numbers. Out: floats in the order of the row. Law: as
 * dequantize.ts: scale × block scale × integer has at most 24 bits, so it is exact; the minimum is subtracted in one rounding.
 *
 * Source: ggml-quants.c, dequantize_row_q2_K to _q6_K; layouts in ggml-common.h. `d` and `dmin` are float16. No loop allocates.
 */
import { halfTable } from "./half.ts";

/** 16 × (scale and minimum, 4 bits each), 256 × 2 bits, d, dmin: 84 bytes. */
export function dequantizeQ2K(bytes: Uint8Array, out: Float32Array, at: number, count: number): void {
  const half = halfTable();
  for (let o = at, b = 0; o < at + count; b += 84) {
    const d = half[bytes[b + 80]! | (bytes[b + 81]! << 8)]!;
    const dmin = half[bytes[b + 82]! | (bytes[b + 83]! << 8)]!;
    for (let group = 0; group < 16; group++, o += 16) {
      const scale = d * (bytes[b + group]! & 15);
      const minimum = dmin * (bytes[b + group]! >> 4);
      const q = b + 16 + placeOf2Bits(group);
      const shift = shiftOf2Bits(group);
      for (let i = 0; i < 16; i++) out[o + i] = scale * ((bytes[q + i]! >> shift) & 3) - minimum;
    }
  }
}

/** 256 third bits, 256 × 2 bits, 16 scales of 6 bits (less 32), d: 110 bytes. A third bit that is not set subtracts 4. */
export function dequantizeQ3K(bytes: Uint8Array, out: Float32Array, at: number, count: number): void {
  const half = halfTable();
  for (let o = at, b = 0; o < at + count; b += 110) {
    const d = half[bytes[b + 108]! | (bytes[b + 109]! << 8)]!;
    const scales = b + 96;
    for (let group = 0; group < 16; group++, o += 16) {
      const low = group < 8 ? bytes[scales + group]! & 15 : bytes[scales + group - 8]! >> 4;
      const high = (bytes[scales + 8 + (group & 3)]! >> (2 * (group >> 2))) & 3;
      const scale = d * ((low | (high << 4)) - 32);
      const q = b + 32 + placeOf2Bits(group);
      const shift = shiftOf2Bits(group);
      const third = b + 16 * (group & 1);
      const bit = group >> 1;
      for (let i = 0; i < 16; i++) out[o + i] = scale * (((bytes[q + i]! >> shift) & 3) - 4 + (((bytes[third + i]! >> bit) & 1) << 2));
    }
  }
}

/** Q2_K and Q3_K keep 128 numbers in 32 bytes, 16 by 16: first byte of a group of 16, and how far its two bits are shifted. */
const placeOf2Bits = (group: number): number => 32 * (group >> 3) + 16 * (group & 1);
const shiftOf2Bits = (group: number): number => group & 6;

/** d, dmin, 8 × (scale and minimum, 6 bits each) in 12 bytes, 256 nibbles: 144 bytes. */
export function dequantizeQ4K(bytes: Uint8Array, out: Float32Array, at: number, count: number): void {
  const half = halfTable();
  for (let o = at, b = 0; o < at + count; b += 144) {
    const d = half[bytes[b]! | (bytes[b + 1]! << 8)]!;
    const dmin = half[bytes[b + 2]! | (bytes[b + 3]! << 8)]!;
    for (let group = 0; group < 8; group++, o += 32) {
      const scale = d * scaleOf6Bits(bytes, b + 4, group);
      const minimum = dmin * minimumOf6Bits(bytes, b + 4, group);
      const q = b + 16 + 32 * (group >> 1);
      const shift = 4 * (group & 1);
      for (let i = 0; i < 32; i++) out[o + i] = scale * ((bytes[q + i]! >> shift) & 15) - minimum;
    }
  }
}

/** d, dmin, scales and minima as in Q4_K, 256 fifth bits, 256 nibbles: 176 bytes. */
export function dequantizeQ5K(bytes: Uint8Array, out: Float32Array, at: number, count: number): void {
  const half = halfTable();
  for (let o = at, b = 0; o < at + count; b += 176) {
    const d = half[bytes[b]! | (bytes[b + 1]! << 8)]!;
    const dmin = half[bytes[b + 2]! | (bytes[b + 3]! << 8)]!;
    const fifth = b + 16;
    for (let group = 0; group < 8; group++, o += 32) {
      const scale = d * scaleOf6Bits(bytes, b + 4, group);
      const minimum = dmin * minimumOf6Bits(bytes, b + 4, group);
      const q = b + 48 + 32 * (group >> 1);
      const shift = 4 * (group & 1);
      for (let i = 0; i < 32; i++)
        out[o + i] = scale * (((bytes[q + i]! >> shift) & 15) | (((bytes[fifth + i]! >> group) & 1) << 4)) - minimum;
    }
  }
}

/** Groups 0 to 3 lie whole in bytes 0 to 3; groups 4 to 7 as low nibbles of bytes 8 to 11, their upper two bits atop bytes 0 to 3. */
function scaleOf6Bits(bytes: Uint8Array, at: number, group: number): number {
  if (group < 4) return bytes[at + group]! & 63;
  return (bytes[at + group + 4]! & 15) | ((bytes[at + group - 4]! >> 6) << 4);
}

/** As the scales, in bytes 4 to 7, high nibbles, and atop bytes 4 to 7. */
function minimumOf6Bits(bytes: Uint8Array, at: number, group: number): number {
  if (group < 4) return bytes[at + group + 4]! & 63;
  return (bytes[at + group + 4]! >> 4) | ((bytes[at + group]! >> 6) << 4);
}

/** 256 nibbles, 256 × 2 upper bits, 16 int8 scales, d: 210 bytes. */
export function dequantizeQ6K(bytes: Uint8Array, out: Float32Array, at: number, count: number): void {
  const half = halfTable();
  const signed = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let o = at, b = 0; o < at + count; b += 210) {
    const d = half[bytes[b + 208]! | (bytes[b + 209]! << 8)]!;
    for (let group = 0; group < 16; group++, o += 16) {
      const scale = d * signed[b + 192 + group]!;
      // 128 numbers: their low nibbles are those of 64 bytes, then the high ones; the upper bits lie in 32 bytes, as in Q2_K.
      const q = b + 64 * (group >> 3) + 16 * (group & 3);
      const shift = group & 4;
      const upper = b + 128 + placeOf2Bits(group);
      const upperShift = shiftOf2Bits(group);
      for (let i = 0; i < 16; i++)
        out[o + i] = scale * ((((bytes[q + i]! >> shift) & 15) | (((bytes[upper + i]! >> upperShift) & 3) << 4)) - 32);
    }
  }
}
