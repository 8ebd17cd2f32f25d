/**
 * How the rows of a model's cache are grouped. In: the cache of its manifest. Out: spans, each with the arrays of the layers that see the
 * same window. Law: what lies where in a span is the same for all of its arrays, so positions are kept once for each span.
 */
import type { Manifest } from "../manifest.ts";

const BYTES = { float32: 4, int8: 1 } as const;

/** Rows as computed, or rounded to 8 bits. */
export type RowArray = Float32Array | Int8Array;

/** Keys or values of one layer. */
export interface CacheArray {
  /** The graph's input. */
  readonly name: string;
  readonly dtype: "float32" | "int8";
  readonly heads: number;
  readonly size: number;
  /** Dimensions of a row in the graph's input. */
  readonly shape: readonly number[];
  /** Numbers of a row. */
  readonly width: number;
  /** Where its floats begin in a row of the graph's output `rows`. */
  readonly column: number;
}

/** The layers that see the same window. */
export interface Span {
  /** Keys that a token sees, its own included; null: all. */
  readonly window: number | null;
  /** The graph's input with the positions of its rows. */
  readonly positions: string;
  readonly arrays: readonly CacheArray[];
  /** Bytes of one token's rows. */
  readonly rowBytes: number;
}

/** The spans of a model, in the order in which its layers first have them. */
export function spansOf(cache: Manifest["cache"]): Span[] {
  const groups = new Map<number | null, CacheArray[]>();
  let column = 0;
  for (const { layer, heads, size, window } of cache) {
    const arrays = groups.get(window) ?? [];
    groups.set(window, arrays);
    for (const side of ["key", "value"]) {
      arrays.push({ name: `past.${layer}.${side}`, dtype: "float32", heads, size, shape: [heads, 1, size], width: heads * size, column });
      column += heads * size;
    }
  }
  return Array.from(groups, ([window, arrays]) => spanOf(window, `past_positions.${window ?? "all"}`, arrays));
}

/** Old rows of the span without a window: each array in 8 bits, then the scales of its heads. Null where there is no such span. */
export function oldSpanOf(spans: readonly Span[]): Span | null {
  const recent = spans.find(({ window }) => window === null);
  if (recent === undefined) return null;
  const arrays = recent.arrays.flatMap((array): CacheArray[] => {
    const { heads, width } = array;
    const name = array.name.replace("past.", "old.");
    return [
      { ...array, name, dtype: "int8", shape: [width] },
      { ...array, name: `${name}_scales`, shape: [heads], width: heads },
    ];
  });
  return spanOf(null, "old_positions", arrays);
}

function spanOf(window: number | null, positions: string, arrays: readonly CacheArray[]): Span {
  const rowBytes = arrays.reduce((sum, { dtype, width }) => sum + BYTES[dtype] * width, 0);
  return { window, positions, arrays, rowBytes };
}

/** Zeros for `rows` rows. @throws RangeError where the machine has no memory */
export function rowArray({ dtype, width }: CacheArray, rows: number): RowArray {
  return dtype === "int8" ? new Int8Array(rows * width) : new Float32Array(rows * width);
}

/** Floats of a row of the graph's output `rows`. */
export function rowWidth(cache: Manifest["cache"]): number {
  return cache.reduce((sum, { heads, size }) => sum + 2 * heads * size, 0);
}

/** Rows of `past` that new tokens may see: with a window of W keys, the first of them sees itself and W − 1 before. */
export function visible(past: number, window: number | null): number {
  return window === null ? past : Math.min(past, window - 1);
}

/** Bytes of the rows that a token sees after `past` others. */
export function visibleBytes(past: number, spans: readonly Span[]): number {
  return spans.reduce((sum, { window, rowBytes }) => sum + visible(past, window) * rowBytes, 0);
}

/** First position whose rows are kept of a sequence that can be rewound to `reach`: the next token there sees W − 1 before it. */
export function keptFrom(reach: number, window: number | null): number {
  return window === null ? 0 : Math.max(0, reach - (window - 1));
}
