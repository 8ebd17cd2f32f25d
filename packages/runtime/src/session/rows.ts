/**
 * Key and value rows of one sequence. In: `rows` [S, W] of a run. Out: views [T · heads · size] of the past, one per layer and side.
 * Law: each array holds its rows in time order; how many are valid is the caller's knowledge, the rest is garbage and never read.
 */

/** Rows of the first allocation; doubled from there. */
const FIRST_ROWS = 256;

export class KeyValueRows {
  /** Floats per token of each array: layer 0 key, layer 0 value, layer 1 key, … */
  readonly #widths: readonly number[];
  readonly #limit: number;
  readonly #arrays: Float32Array[];

  /** `limit`: tokens it may hold at most. */
  constructor(widths: readonly number[], limit: number) {
    this.#widths = widths;
    this.#limit = limit;
    this.#arrays = widths.map(() => new Float32Array(0));
  }

  /** Makes room for `length` rows and keeps the first `valid`. An allocation that fails leaves those valid. */
  reserve(length: number, valid: number): void {
    for (const [i, width] of this.#widths.entries()) {
      const old = this.#arrays[i]!;
      if (old.length >= length * width) continue;
      const capacity = Math.min(this.#limit, Math.max(FIRST_ROWS, length, (2 * old.length) / width));
      const grown = new Float32Array(capacity * width);
      grown.set(old.subarray(0, valid * width));
      this.#arrays[i] = grown;
    }
  }

  /** `length` rows of array `index` from row `start`, without a copy. Valid until the next `reserve`. */
  past(index: number, start: number, length: number): Float32Array {
    const width = this.#widths[index]!;
    return this.#arrays[index]!.subarray(start * width, (start + length) * width);
  }

  /** Writes `rows` [S, W] at position `at`; room must have been reserved. */
  write(rows: Float32Array, at: number): void {
    let from = 0;
    for (let position = at; from < rows.length; position++) {
      for (let i = 0; i < this.#arrays.length; i++) {
        const width = this.#widths[i]!;
        this.#arrays[i]!.set(rows.subarray(from, from + width), position * width);
        from += width;
      }
    }
  }

  /** A copy of the first `length` rows. */
  fork(length: number): KeyValueRows {
    const copy = new KeyValueRows(this.#widths, this.#limit);
    copy.reserve(length, 0);
    for (let i = 0; i < this.#arrays.length; i++) copy.#arrays[i]!.set(this.past(i, 0, length));
    return copy;
  }
}
