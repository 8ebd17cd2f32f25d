/**
 * The lengths of what may follow each state of an automaton. In: accepting states and edges turned round. Out: is there one between two
 * bounds? Law: rows repeat sooner or later, because each follows from the one before; only rows up to the first repetition are kept.
 */
import type { Reversed } from "./table.ts";

/** 32-bit words of all rows together: 16 MB. */
const MAX_WORDS = 4_000_000;
/** A circle of lengths that is longer than this is not looked for. */
const MAX_ROWS = 200_000;

/** The rows do not fit: the caller names the place in the schema. */
export class LengthsTooLarge extends Error {}

export class Lengths {
  readonly #back: Reversed;
  readonly #words: number;
  /** Row k: the states that k code points complete, as bits. */
  readonly #rows: Uint32Array[];
  readonly #seen = new Map<string, number>();
  /** Row `#rows.length` would be this one again. */
  #repeats: number | undefined;

  constructor(accepting: Uint8Array, back: Reversed) {
    this.#back = back;
    this.#words = (accepting.length + 31) >>> 5;
    const first = new Uint32Array(this.#words);
    accepting.forEach((flag, state) => {
      if (flag === 1) first[state >>> 5]! |= 1 << (state & 31);
    });
    this.#rows = [first];
    this.#seen.set(keyOfRow(first), 0);
  }

  /**
   * Do `min` … `max` code points complete the state?
   * @throws LengthsTooLarge
   */
  reaches(state: number, min: number, max: number): boolean {
    const word = state >>> 5;
    const bit = 1 << (state & 31);
    for (let length = min; length <= max; length++) {
      const row = this.#row(length);
      if ((this.#rows[row]![word]! & bit) !== 0) return true;
      // All rows of the circle have been looked at.
      if (this.#repeats !== undefined && length - min > this.#rows.length) return false;
    }
    return false;
  }

  /**
   * Computes all rows up to `max`, so that no later question fails.
   * @throws LengthsTooLarge
   */
  prepare(max: number): void {
    this.#row(max);
  }

  /** The index of the row of a length. */
  #row(length: number): number {
    while (this.#repeats === undefined && this.#rows.length <= length) this.#append();
    if (length < this.#rows.length) return length;
    const period = this.#rows.length - this.#repeats!;
    return this.#repeats! + ((length - this.#repeats!) % period);
  }

  #append(): void {
    const previous = this.#rows.at(-1)!;
    const row = new Uint32Array(this.#words);
    const { start, from } = this.#back;
    for (let word = 0; word < previous.length; word++)
      for (let bits = previous[word]!; bits !== 0; bits &= bits - 1) {
        const state = word * 32 + 31 - Math.clz32(bits & -bits);
        for (let i = start[state]!; i < start[state + 1]!; i++) row[from[i]! >>> 5]! |= 1 << (from[i]! & 31);
      }
    const key = keyOfRow(row);
    const known = this.#seen.get(key);
    if (known !== undefined) {
      this.#repeats = known;
      return;
    }
    if ((this.#rows.length + 1) * this.#words > MAX_WORDS || this.#rows.length === MAX_ROWS) throw new LengthsTooLarge();
    this.#seen.set(key, this.#rows.length);
    this.#rows.push(row);
  }
}

function keyOfRow(row: Uint32Array): string {
  return Buffer.from(row.buffer, row.byteOffset, row.byteLength).toString("latin1");
}
