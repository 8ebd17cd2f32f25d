/**
 * The rows of sequences that are computed together, side by side in one array per layer and side. In: sequences and how many rows of each
 * are valid. Out: arrays for one run, and the position of every row. Law: it holds copies; the sequences' own rows are the truth. Joining
 * costs one copy, a step copies the step's rows, and leaving fills the holes with the last rows, since the order of rows is free.
 */
import { LANE, NOWHERE } from "../manifest.ts";
import type { CacheMemory } from "./cache-memory.ts";
import type { KeyValueRows, SpanRows } from "./rows.ts";
import { visible, type Span } from "./spans.ts";

/** Runs after which a sequence that took part in none of them leaves. */
const PATIENCE = 8;

/** One sequence of a run: its rows, and how many are valid. */
export interface Member {
  readonly id: number;
  readonly rows: KeyValueRows;
  readonly past: number;
}

interface Lane {
  readonly number: number;
  /** Rows of the sequence that have been copied. */
  end: number;
  readonly version: number;
  /** Runs since its last. */
  idle: number;
}

export class Arena {
  readonly spans: readonly SpanArena[];
  readonly #lanes = new Map<number, Lane>();

  constructor(spans: readonly Span[], memory: CacheMemory) {
    this.spans = spans.map((span) => new SpanArena(span, memory));
  }

  /** Brings the copies up to date. → the lane of each member. @throws CacheMemoryError; RangeError where the machine has no memory */
  gather(members: readonly Member[]): number[] {
    try {
      return members.map((member) => this.#copy(member).number);
    } catch (thrown) {
      this.clear(); // what was copied halfway is not kept account of
      throw thrown;
    }
  }

  /** A run is over: those that have taken part in none for long leave. */
  age(): void {
    for (const [id, lane] of this.#lanes) if (++lane.idle > PATIENCE) this.remove(id);
  }

  remove(id: number): void {
    const lane = this.#lanes.get(id);
    if (lane === undefined) return;
    this.#lanes.delete(id);
    for (const span of this.spans) span.remove(lane.number);
    if (this.#lanes.size === 0) this.clear();
  }

  /** Frees everything. */
  clear(): void {
    this.#lanes.clear();
    for (const span of this.spans) span.clear();
  }

  #copy({ id, rows, past }: Member): Lane {
    const known = this.#lanes.get(id);
    if (known !== undefined && (past < known.end || rows.version !== known.version)) this.remove(id);
    const lane = this.#lanes.get(id) ?? this.#join(id, rows.version);
    this.spans.forEach((span, i) => span.copy(lane.number, rows.spans[i]!, lane.end, past));
    lane.end = past;
    lane.idle = 0;
    return lane;
  }

  #join(id: number, version: number): Lane {
    const taken = new Set([...this.#lanes.values()].map(({ number }) => number));
    let number = 0;
    while (taken.has(number)) number++;
    const lane = { number, end: 0, version, idle: 0 };
    this.#lanes.set(id, lane);
    return lane;
  }
}

/** The copies of one span. Slot s of every array belongs to `positions[s]`. */
export class SpanArena {
  readonly span: Span;
  readonly #memory: CacheMemory;
  #arrays: Float32Array[];
  #positions = new BigInt64Array(0);
  #count = 0;
  /** Of each lane, the slot of each position that is there; in a window the newest row takes the slot of the one that left it. */
  readonly #slots = new Map<number, Map<number, number>>();

  constructor(span: Span, memory: CacheMemory) {
    this.span = span;
    this.#memory = memory;
    this.#arrays = span.arrays.map(() => new Float32Array(0));
  }

  /** Rows in use. */
  get count(): number {
    return this.#count;
  }

  /** Position of every row in use, at least one: padding where there is none. A view. */
  get positions(): BigInt64Array {
    if (this.#count > 0) return this.#positions.subarray(0, this.#count);
    return BigInt64Array.of(BigInt(NOWHERE));
  }

  /** Rows in use of array `index`, at least one. A view. */
  array(index: number): Float32Array {
    const { width } = this.span.arrays[index]!;
    return this.#count > 0 ? this.#arrays[index]!.subarray(0, this.#count * width) : new Float32Array(width);
  }

  /** Copies what a token at `past` sees of a sequence and is not there yet: rows from `from` on. */
  copy(lane: number, rows: SpanRows, from: number, past: number): void {
    const start = Math.max(from, past - visible(past, this.span.window));
    if (start > from) this.remove(lane); // nothing of it can be seen any more
    if (start >= past) return;
    this.#reserve(past - start);
    const slots = this.#slots.get(lane) ?? new Map<number, number>();
    this.#slots.set(lane, slots);
    for (let position = start; position < past;) {
      const expired = this.span.window === null ? undefined : slots.get(position - (this.span.window - 1));
      // Whole stretches go to the end; single rows take the places of those that left the window.
      const length = expired === undefined ? this.#stretch(slots, position, past) : 1;
      const slot = expired ?? this.#count;
      if (expired === undefined) this.#count += length;
      else slots.delete(position - (this.span.window! - 1));
      for (const [i, { width }] of this.span.arrays.entries()) this.#arrays[i]!.set(rows.view(i, position, length), slot * width);
      for (let k = 0; k < length; k++) {
        slots.set(position + k, slot + k);
        this.#positions[slot + k] = BigInt(lane * LANE + position + k);
      }
      position += length;
    }
  }

  /** Fills the slots of a lane with the last rows. */
  remove(lane: number): void {
    const slots = this.#slots.get(lane);
    if (slots === undefined) return;
    this.#slots.delete(lane);
    for (const hole of [...slots.values()].sort((a, b) => b - a)) {
      const last = --this.#count;
      if (last !== hole) this.#transfer(last, hole);
    }
  }

  clear(): void {
    this.#memory.give(this.#capacity * this.span.rowBytes);
    this.#arrays = this.span.arrays.map(() => new Float32Array(0));
    this.#positions = new BigInt64Array(0);
    this.#count = 0;
    this.#slots.clear();
  }

  get #capacity(): number {
    return this.#positions.length;
  }

  /** Rows from `position` on whose predecessors by a window are not there either. */
  #stretch(slots: ReadonlyMap<number, number>, position: number, past: number): number {
    const { window } = this.span;
    if (window === null) return past - position;
    let length = 1;
    while (position + length < past && !slots.has(position + length - (window - 1))) length++;
    return length;
  }

  #transfer(from: number, to: number): void {
    for (const [i, { width }] of this.span.arrays.entries()) this.#arrays[i]!.copyWithin(to * width, from * width, (from + 1) * width);
    const place = this.#positions[from]!;
    this.#positions[to] = place;
    this.#slots.get(Number(place / BigInt(LANE)))!.set(Number(place % BigInt(LANE)), to);
  }

  #reserve(more: number): void {
    const needed = this.#count + more;
    if (needed <= this.#capacity) return;
    const capacity = Math.max(needed, 2 * this.#capacity);
    const taken = (capacity - this.#capacity) * this.span.rowBytes;
    this.#memory.take(taken);
    try {
      const positions = new BigInt64Array(capacity);
      const arrays = this.span.arrays.map(({ width }) => new Float32Array(capacity * width));
      positions.set(this.#positions);
      arrays.forEach((array, i) => array.set(this.#arrays[i]!));
      this.#positions = positions;
      this.#arrays = arrays;
    } catch (thrown) {
      this.#memory.give(taken);
      throw thrown;
    }
  }
}
