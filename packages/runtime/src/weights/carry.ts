/**
 * llama.cpp's Q8_0 and Q4_0 blocks as MatMulNBits blocks of 32, without a change of value. In: stored rows. Out: data and scales in place.
 * Law: (q − 2^(bits−1)) · scale is llama.cpp's own formula on the same numbers, so nothing is rounded a second time; zero points stay
 * implicit.
 */
import { halfToFloat } from "../checkpoint/half.ts";
import type { StoredType } from "../checkpoint/tensor.ts";
import type { Bits } from "./quantize.ts";

/** Columns of a llama.cpp block. */
export const CARRIED_BLOCK = 32;

/** Stored types whose blocks have a MatMulNBits form, with their bits and bytes per block (a float16 scale, then the integers). */
export const CARRIED: Readonly<Partial<Record<StoredType, { readonly bits: Bits; readonly bytes: number }>>> = {
  Q8_0: { bits: 8, bytes: 34 },
  Q4_0: { bits: 4, bytes: 18 },
};

/** Where carried rows go: a window of a weight's arrays. */
export interface Window {
  readonly data: Uint8Array;
  readonly scales: Float32Array;
  /** Blocks in a row of the weight, and the window's first row and block column in `data` and `scales`. */
  readonly rowBlocks: number;
  readonly row: number;
  readonly block: number;
}

/** Rewrites `rows` rows of `blocks` blocks each into the window. */
export function carryRows(stored: Uint8Array, bits: Bits, rows: number, blocks: number, to: Window): void {
  const width = (CARRIED_BLOCK * bits) / 8;
  let from = 0;
  for (let row = 0; row < rows; row++) {
    let block = (to.row + row) * to.rowBlocks + to.block;
    for (let column = 0; column < blocks; column++, block++, from += 2 + width) {
      to.scales[block] = halfToFloat(stored[from]! | (stored[from + 1]! << 8));
      if (bits === 8) carry8(stored, from + 2, to.data, block * width);
      else carry4(stored, from + 2, to.data, block * width);
    }
  }
}

/** int8 → uint8 around 128: the same bits with the sign bit turned. */
function carry8(stored: Uint8Array, from: number, data: Uint8Array, to: number): void {
  for (let j = 0; j < 32; j++) data[to + j] = stored[from + j]! ^ 0x80;
}

/** llama.cpp keeps column j in a low nibble and column j + 16 in the high one; MatMulNBits keeps neighbours together. */
function carry4(stored: Uint8Array, from: number, data: Uint8Array, to: number): void {
  for (let j = 0; j < 8; j++) {
    const even = stored[from + 2 * j]!;
    const odd = stored[from + 2 * j + 1]!;
    data[to + j] = (even & 15) | ((odd & 15) << 4);
    data[to + 8 + j] = (even >> 4) | (odd & 0xf0);
  }
}
