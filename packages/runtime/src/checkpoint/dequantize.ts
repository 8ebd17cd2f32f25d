/**
 * Stored numbers to float32. In: bytes of whole blocks. Out: floats in the order of the row. Law: exactly the values llama.cpp's
 * reference code gives: in every type the product is exact in float32 and the sum is rounded once.
 */
import { halfTable } from "./half.ts";
import { dequantizeQ2K, dequantizeQ3K, dequantizeQ4K, dequantizeQ5K, dequantizeQ6K } from "./k-quants.ts";
import type { BlockSize } from "./stored-tensor.ts";
import type { StoredType } from "./tensor.ts";

/** Layouts in ggml-common.h; d and m are float16. */
export const BLOCKS: Readonly<Record<StoredType, BlockSize>> = {
  F32: { numbers: 1, bytes: 4 },
  F16: { numbers: 1, bytes: 2 },
  BF16: { numbers: 1, bytes: 2 },
  /** d, 32 int8. */
  Q8_0: { numbers: 32, bytes: 34 },
  /** d, 16 × two nibbles: low ones are the first half of the block. */
  Q4_0: { numbers: 32, bytes: 18 },
  /** d, m, 16 × two nibbles. */
  Q4_1: { numbers: 32, bytes: 20 },
  /** d, 32 fifth bits, 16 × two nibbles. */
  Q5_0: { numbers: 32, bytes: 22 },
  /** d, m, 32 fifth bits, 16 × two nibbles. */
  Q5_1: { numbers: 32, bytes: 24 },
  /** The K types: k-quants.ts. */
  Q2_K: { numbers: 256, bytes: 84 },
  Q3_K: { numbers: 256, bytes: 110 },
  Q4_K: { numbers: 256, bytes: 144 },
  Q5_K: { numbers: 256, bytes: 176 },
  Q6_K: { numbers: 256, bytes: 210 },
};

/** The names of all of them, for messages. */
export const STORED_TYPES: string = Object.keys(BLOCKS).join(", ");

export function isStoredType(name: string): name is StoredType {
  return Object.hasOwn(BLOCKS, name);
}

/** Bytes of a row of so many numbers. */
export function rowBytes(type: StoredType, columns: number): number {
  return (columns / BLOCKS[type].numbers) * BLOCKS[type].bytes;
}

/** Decodes `count` numbers, whole blocks from the start of `bytes`, to `out` from `at`. */
export function dequantize(type: StoredType, bytes: Uint8Array, out: Float32Array, at: number, count: number): void {
  DECODERS[type](bytes, out, at, count);
}

/** Decodes `count` numbers, whole blocks from the start of `bytes`, to `out` from `at`. */
type Decoder = (bytes: Uint8Array, out: Float32Array, at: number, count: number) => void;

const DECODERS: Readonly<Record<StoredType, Decoder>> = {
  F32(bytes, out, at, count) {
    new Uint8Array(out.buffer, out.byteOffset + at * 4, count * 4).set(bytes.subarray(0, count * 4));
  },

  F16(bytes, out, at, count) {
    const half = halfTable();
    for (let i = 0; i < count; i++) out[at + i] = half[bytes[2 * i]! | (bytes[2 * i + 1]! << 8)]!;
  },

  /** The upper half of a float32. */
  BF16(bytes, out, at, count) {
    const bits = new Uint32Array(out.buffer, out.byteOffset + at * 4, count);
    for (let i = 0; i < count; i++) bits[i] = (bytes[2 * i]! << 16) | (bytes[2 * i + 1]! << 24);
  },

  Q8_0(bytes, out, at, count) {
    const half = halfTable();
    const signed = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let o = at, b = 0; o < at + count; o += 32, b += 34) {
      const d = half[bytes[b]! | (bytes[b + 1]! << 8)]!;
      for (let i = 0; i < 32; i++) out[o + i] = d * signed[b + 2 + i]!;
    }
  },

  Q4_0(bytes, out, at, count) {
    const half = halfTable();
    for (let o = at, b = 0; o < at + count; o += 32, b += 18) {
      const d = half[bytes[b]! | (bytes[b + 1]! << 8)]!;
      for (let i = 0; i < 16; i++) {
        const q = bytes[b + 2 + i]!;
        out[o + i] = d * ((q & 15) - 8);
        out[o + i + 16] = d * ((q >> 4) - 8);
      }
    }
  },

  Q4_1(bytes, out, at, count) {
    const half = halfTable();
    for (let o = at, b = 0; o < at + count; o += 32, b += 20) {
      const d = half[bytes[b]! | (bytes[b + 1]! << 8)]!;
      const m = half[bytes[b + 2]! | (bytes[b + 3]! << 8)]!;
      for (let i = 0; i < 16; i++) {
        const q = bytes[b + 4 + i]!;
        out[o + i] = d * (q & 15) + m;
        out[o + i + 16] = d * (q >> 4) + m;
      }
    }
  },

  Q5_0(bytes, out, at, count) {
    const half = halfTable();
    for (let o = at, b = 0; o < at + count; o += 32, b += 22) {
      const d = half[bytes[b]! | (bytes[b + 1]! << 8)]!;
      const low = bytes[b + 2]! | (bytes[b + 3]! << 8);
      const high = bytes[b + 4]! | (bytes[b + 5]! << 8);
      for (let i = 0; i < 16; i++) {
        const q = bytes[b + 6 + i]!;
        out[o + i] = d * (((q & 15) | (((low >> i) & 1) << 4)) - 16);
        out[o + i + 16] = d * (((q >> 4) | (((high >> i) & 1) << 4)) - 16);
      }
    }
  },

  Q5_1(bytes, out, at, count) {
    const half = halfTable();
    for (let o = at, b = 0; o < at + count; o += 32, b += 24) {
      const d = half[bytes[b]! | (bytes[b + 1]! << 8)]!;
      const m = half[bytes[b + 2]! | (bytes[b + 3]! << 8)]!;
      const low = bytes[b + 4]! | (bytes[b + 5]! << 8);
      const high = bytes[b + 6]! | (bytes[b + 7]! << 8);
      for (let i = 0; i < 16; i++) {
        const q = bytes[b + 8 + i]!;
        out[o + i] = d * ((q & 15) | (((low >> i) & 1) << 4)) + m;
        out[o + i + 16] = d * ((q >> 4) | (((high >> i) & 1) << 4)) + m;
      }
    }
  },

  Q2_K: dequantizeQ2K,
  Q3_K: dequantizeQ3K,
  Q4_K: dequantizeQ4K,
  Q5_K: dequantizeQ5K,
  Q6_K: dequantizeQ6K,
};
