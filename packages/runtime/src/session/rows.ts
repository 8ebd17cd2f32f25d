/**
 * Key and value rows of one sequence. In: `rows` [S, W] of a run. Out: views [T · heads · size] of the past, one per layer and side.
 * Law: rows lie in time order in blocks that sequences may share; a sequence writes into a block only behind what the others need of it,
 * and otherwise takes a copy of its own first. How many rows are valid is the caller's knowledge; the rest is garbage and never read.
 * Where old rows are kept in 8 bits (old-rows.ts), the span without a window holds those behind them.
 */
import type { CacheMemory } from "./cache-memory.ts";
import { OLD_BLOCK, quantizeRows, RECENT } from "./old-rows.ts";
import { keptFrom, rowArray, visible, type RowArray, type Span } from "./spans.ts";

/** Rows are allocated in multiples of this, and doubled when they do not suffice. */
const FIRST_ROWS = 256;
/** Rows more than are needed where the budget does not allow twice as many. */
const LITTLE_ROWS = 64;

/** How a block grows. */
type Growth = "double" | "little" | "exact";

/** `bytes`: those that will be held more than now. */
type Plan =
  | { readonly act: "stay"; readonly bytes: 0 }
  | { readonly act: "compact"; readonly from: number; readonly bytes: 0 }
  | { readonly act: "move"; readonly from: number; readonly rows: number; readonly bytes: number };

export interface RowLimits {
  /** Tokens that a sequence may have. */
  readonly context: number;
  /** Tokens by which a sequence can be rewound where there are windows; rows that only older ones would see are dropped. */
  readonly rewind: number;
}

/** Arrays of a span: row r of each belongs to position `first` + r. */
class Block {
  readonly arrays: readonly RowArray[];
  readonly capacity: number;
  readonly bytes: number;
  first: number;
  readonly holders = new Set<SpanRows>();

  constructor(span: Span, capacity: number, first: number, arrays?: readonly RowArray[]) {
    this.arrays = arrays ?? span.arrays.map((array) => rowArray(array, capacity));
    this.capacity = capacity;
    this.bytes = capacity * span.rowBytes;
    this.first = first;
  }
}

/** What one sequence has of one span. */
export class SpanRows {
  readonly span: Span;
  readonly #limits: RowLimits;
  readonly #memory: CacheMemory;
  #block: Block | null = null;
  /** One past the last row that is needed. */
  #end = 0;
  /** Rows before are not needed: they are kept elsewhere. */
  #start = 0;

  constructor(span: Span, limits: RowLimits, memory: CacheMemory) {
    this.span = span;
    this.#limits = limits;
    this.#memory = memory;
  }

  /** What it takes to have room for `count` rows at position `at`; a block that must grow gets as many more as `growth` says. */
  plan(at: number, count: number, growth: Growth): Plan {
    const block = this.#block;
    const from = this.firstKept(at);
    if (block === null || at < block.first) return this.#planMove(from, at, count, growth);
    const others = [...block.holders].filter((holder) => holder !== this);
    if (others.some((holder) => holder.#end > at)) return this.#planMove(from, at, count, growth);
    if (at + count - block.first <= block.capacity) return { act: "stay", bytes: 0 };
    if (others.length > 0 || at + count - from > block.capacity) return this.#planMove(from, at, count, growth);
    return { act: "compact", from, bytes: 0 };
  }

  /** Carries out a plan for the same rows, whose bytes have been taken. @throws RangeError where the machine has no memory */
  carryOut(plan: Plan, at: number, count: number): void {
    if (plan.act === "compact") this.#compact(plan.from, at);
    if (plan.act === "move") this.#move(plan.from, plan.rows, at);
    this.#end = at + count;
  }

  /** `length` rows of array `index` from position `start`, without a copy. Valid until the next `reserve`. */
  view(index: number, start: number, length: number): RowArray {
    const { arrays, first } = this.#block!;
    const { width } = this.span.arrays[index]!;
    return arrays[index]!.subarray((start - first) * width, (start - first + length) * width);
  }

  /** One past the last row that is needed. */
  get end(): number {
    return this.#end;
  }

  /** Rows from `end` on are not needed any more. */
  cut(end: number): void {
    this.#end = Math.min(this.#end, end);
  }

  /** Rows before `start` are not needed any more. */
  leave(start: number): void {
    this.#start = start;
  }

  /** The first position whose rows are there. */
  get first(): number {
    return this.#block?.first ?? 0;
  }

  /** The first position whose rows are kept when others are written at `at`. */
  firstKept(at: number): number {
    const first = this.#block?.first ?? at;
    return at < first ? at : Math.max(first, this.#start, keptFrom(at - this.#limits.rewind, this.span.window));
  }

  /** Shares the rows before `length`. Nothing is copied. */
  fork(length: number): SpanRows {
    const fork = new SpanRows(this.span, this.#limits, this.#memory);
    fork.#hold(this.#block);
    fork.#end = Math.min(length, this.#end);
    fork.#start = Math.min(length, this.#start);
    return fork;
  }

  /** Holds arrays with rows from position `first` on, whose bytes have been taken. */
  adopt(arrays: readonly Float32Array[], first: number, length: number): void {
    this.#hold(new Block(this.span, length - first, first, arrays));
    this.#end = length;
  }

  free(): void {
    this.#hold(null);
  }

  #hold(block: Block | null): void {
    const old = this.#block;
    if (old !== null && old.holders.delete(this) && old.holders.size === 0) this.#memory.give(old.bytes);
    this.#block = block;
    block?.holders.add(this);
  }

  #compact(from: number, end: number): void {
    const block = this.#block!;
    for (const [i, { width }] of this.span.arrays.entries())
      block.arrays[i]!.copyWithin(0, (from - block.first) * width, (end - block.first) * width);
    block.first = from;
  }

  #planMove(from: number, at: number, count: number, growth: Growth): Plan {
    const rows = this.#capacity(at + count - from, growth);
    // The block it leaves is not counted beside the new one, which may thus be as large as the budget.
    const released = this.#block?.holders.size === 1 ? this.#block.bytes : 0;
    return { act: "move", from, rows, bytes: rows * this.span.rowBytes - released };
  }

  /** Rows to allocate where `needed` are. Of a window, enough that it is seldom moved up. */
  #capacity(needed: number, growth: Growth): number {
    const { window } = this.span;
    const { context, rewind } = this.#limits;
    if (growth === "exact") return needed;
    if (growth === "little") return Math.max(needed, Math.min(context, needed + LITTLE_ROWS));
    const present = this.#block?.capacity ?? 0;
    const grown = Math.max(Math.ceil(needed / FIRST_ROWS) * FIRST_ROWS, needed > present ? 2 * present : 0);
    if (window === null) return Math.min(context, grown);
    const kept = window - 1 + rewind;
    return Math.max(needed, Math.min(context, grown, kept + Math.max(FIRST_ROWS, kept >> 1)));
  }

  /** To a block of its own with the rows from `from` to `at`. */
  #move(from: number, capacity: number, at: number): void {
    const old = this.#block;
    const block = new Block(this.span, capacity, from);
    if (old !== null && from < at)
      for (const [i, { width }] of this.span.arrays.entries())
        block.arrays[i]!.set(old.arrays[i]!.subarray((from - old.first) * width, (at - old.first) * width));
    old?.holders.delete(this);
    block.holders.add(this);
    this.#block = block;
  }
}

/** Rows of a span, from one position up to another. */
export interface Stretch {
  readonly rows: SpanRows;
  readonly from: number;
  readonly to: number;
}

/** What one sequence has of all spans. */
export class KeyValueRows {
  readonly spans: readonly SpanRows[];
  /** Of the span without a window, the rows that are kept in 8 bits; null where none are. */
  readonly #old: SpanRows | null;
  readonly #memory: CacheMemory;
  /** Counts the writes that replaced rows: whoever copied the rows before must copy them again. */
  #version = 0;
  #end = 0;

  private constructor(spans: readonly SpanRows[], old: SpanRows | null, memory: CacheMemory) {
    this.spans = spans;
    this.#old = old;
    this.#memory = memory;
  }

  /** `old`: how rows of the span without a window are kept when they are old; null: as they are. */
  static empty(spans: readonly Span[], limits: RowLimits, memory: CacheMemory, old: Span | null = null): KeyValueRows {
    const none = (span: Span): SpanRows => new SpanRows(span, limits, memory);
    return new KeyValueRows(spans.map(none), old === null ? null : none(old), memory);
  }

  get version(): number {
    return this.#version;
  }

  /**
   * Makes room for `count` rows at position `at`, which are this sequence's own from then on, as are all behind them. What fails leaves
   * the rows before `at` as they were. @throws CacheMemoryError; RangeError where the machine has no memory
   */
  reserve(at: number, count: number): void {
    this.#age(at);
    if (at < this.#end) this.#version++;
    this.#end = at + count;
    this.#reserve(this.spans, at, count);
  }

  /** What a token after `past` others reads, old rows first. */
  seen(past: number): Stretch[] {
    const start = Math.min(this.#old?.end ?? 0, past);
    const spans = this.spans.map((rows): Stretch => {
      const first = past - visible(past, rows.span.window);
      return { rows, from: rows.span.window === null ? start : first, to: past };
    });
    return this.#old === null ? spans : [{ rows: this.#old, from: 0, to: start }, ...spans];
  }

  /** Of a sequence that goes on at `at`: rows that have become old, block by block, are kept in 8 bits. */
  #age(at: number): void {
    const old = this.#old;
    if (old === null) return;
    const recent = this.spans.find(({ span }) => span.window === null)!;
    old.cut(at);
    const [from, to] = [old.end, Math.floor(Math.max(0, at - RECENT) / OLD_BLOCK) * OLD_BLOCK];
    if (to > from) {
      this.#reserve([old], from, to - from);
      for (const [i, { heads, size }] of recent.span.arrays.entries()) {
        const [numbers, scales] = [2 * i, 2 * i + 1].map((array) => old.view(array, from, to - from));
        quantizeRows(recent.view(i, from, to - from), heads, size, numbers!, scales!);
      }
    }
    recent.leave(old.end);
  }

  #reserve(spans: readonly SpanRows[], at: number, count: number): void {
    const plansFor = (growth: Growth) => spans.map((span) => span.plan(at, count, growth));
    const growths = ["double", "little", "exact"] as const;
    const plans = plansFor(growths.find((growth) => bytesOf(plansFor(growth)) <= this.#memory.left) ?? "exact");
    this.#memory.take(bytesOf(plans));
    for (const [i, span] of spans.entries()) {
      try {
        span.carryOut(plans[i]!, at, count);
      } catch (thrown) {
        this.#memory.give(bytesOf(plans.slice(i)));
        throw thrown;
      }
    }
  }

  /** Writes `rows` [S, width] from position `at` on; room must have been reserved. */
  write(rows: Float32Array, width: number, at: number): void {
    const count = rows.length / width;
    for (const rowsOfSpan of this.spans) {
      for (const [i, array] of rowsOfSpan.span.arrays.entries()) {
        const target = rowsOfSpan.view(i, at, count);
        for (let row = 0; row < count; row++) {
          const from = row * width + array.column;
          target.set(rows.subarray(from, from + array.width), row * array.width);
        }
      }
    }
  }

  /** Bytes that this sequence takes at the least, with `count` rows at `at`. */
  bytesFor(at: number, count: number): number {
    const old = this.#old === null ? 0 : Math.min(this.#old.end, at) * this.#old.span.rowBytes;
    return this.spans.reduce((sum, rows) => sum + (at + count - Math.min(at, rows.firstKept(at))) * rows.span.rowBytes, old);
  }

  /**
   * Takes rows that were stored, of each array of each span from the first that a sequence with this reach keeps: all, or none.
   * @throws CacheMemoryError
   */
  adopt(arrays: readonly Float32Array[], length: number, reach: number): void {
    this.#memory.take(arrays.reduce((sum, { byteLength }) => sum + byteLength, 0));
    let at = 0;
    for (const span of this.spans) {
      span.adopt(arrays.slice(at, (at += span.span.arrays.length)), Math.min(length, keptFrom(reach, span.span.window)), length);
    }
    this.#end = length;
  }

  /** Shares the rows before `length`. */
  fork(length: number): KeyValueRows {
    const fork = new KeyValueRows(
      this.spans.map((span) => span.fork(length)),
      this.#old?.fork(length) ?? null,
      this.#memory,
    );
    fork.#end = length;
    return fork;
  }

  free(): void {
    for (const span of this.spans) span.free();
    this.#old?.free();
  }
}

function bytesOf(plans: readonly Plan[]): number {
  return plans.reduce((sum, { bytes }) => sum + bytes, 0);
}
