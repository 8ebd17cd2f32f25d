/**
 * Key and value rows of one sequence. In: `rows` [S, W] of a run. Out: views [T · heads · size] of the past, one per layer and side.
 * Law: rows lie in time order in blocks that sequences may share; a sequence writes into a block only behind what the others need of it,
 * and otherwise takes a copy of its own first. How many rows are valid is the caller's knowledge; the rest is garbage and never read.
 */
import type { CacheMemory } from "./cache-memory.ts";
import { keptFrom, type Span } from "./spans.ts";

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
  readonly arrays: readonly Float32Array[];
  readonly capacity: number;
  readonly bytes: number;
  first: number;
  readonly holders = new Set<SpanRows>();

  constructor(span: Span, capacity: number, first: number, arrays?: readonly Float32Array[]) {
    this.arrays = arrays ?? span.arrays.map(({ width }) => new Float32Array(capacity * width));
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
  view(index: number, start: number, length: number): Float32Array {
    const { arrays, first } = this.#block!;
    const { width } = this.span.arrays[index]!;
    return arrays[index]!.subarray((start - first) * width, (start - first + length) * width);
  }

  /** The first position whose rows are there. */
  get first(): number {
    return this.#block?.first ?? 0;
  }

  /** The first position whose rows are kept when others are written at `at`. */
  firstKept(at: number): number {
    const first = this.#block?.first ?? at;
    return at < first ? at : Math.max(first, keptFrom(at - this.#limits.rewind, this.span.window));
  }

  /** Shares the rows before `length`. Nothing is copied. */
  fork(length: number): SpanRows {
    const fork = new SpanRows(this.span, this.#limits, this.#memory);
    fork.#hold(this.#block);
    fork.#end = length;
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

/** What one sequence has of all spans. */
export class KeyValueRows {
  readonly spans: readonly SpanRows[];
  readonly #memory: CacheMemory;
  /** Counts the writes that replaced rows: whoever copied the rows before must copy them again. */
  #version = 0;
  #end = 0;

  private constructor(spans: readonly SpanRows[], memory: CacheMemory) {
    this.spans = spans;
    this.#memory = memory;
  }

  static empty(spans: readonly Span[], limits: RowLimits, memory: CacheMemory): KeyValueRows {
    return new KeyValueRows(
      spans.map((span) => new SpanRows(span, limits, memory)),
      memory,
    );
  }

  get version(): number {
    return this.#version;
  }

  /**
   * Makes room for `count` rows at position `at`, which are this sequence's own from then on, as are all behind them. What fails leaves
   * the rows before `at` as they were. @throws CacheMemoryError; RangeError where the machine has no memory
   */
  reserve(at: number, count: number): void {
    const plansFor = (growth: Growth) => this.spans.map((span) => span.plan(at, count, growth));
    const growths = ["double", "little", "exact"] as const;
    const plans = plansFor(growths.find((growth) => bytesOf(plansFor(growth)) <= this.#memory.left) ?? "exact");
    this.#memory.take(bytesOf(plans));
    if (at < this.#end) this.#version++;
    this.#end = at + count;
    for (const [i, span] of this.spans.entries()) {
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
    return this.spans.reduce((sum, rows) => sum + (at + count - rows.firstKept(at)) * rows.span.rowBytes, 0);
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
      this.#memory,
    );
    fork.#end = length;
    return fork;
  }

  free(): void {
    for (const span of this.spans) span.free();
  }
}

function bytesOf(plans: readonly Plan[]): number {
  return plans.reduce((sum, { bytes }) => sum + bytes, 0);
}
