/**
 * Attention over past and new rows in two parts, so that the past is read where it lies and nothing of it is copied:
 * softmax(q·[past; new]ᵀ + mask) · [past; new].
 * Law: there is at least one past row (see `matmul`); before the first token a run is given one row of padding, which the mask hides.
 */
import type { Value } from "../graph/graph.ts";
import { add } from "../graph/ops/elementwise.ts";
import { concat, reshape, splitAt, transpose } from "../graph/ops/layout.ts";
import { matmul } from "../graph/ops/linear.ts";
import { softmax } from "../graph/ops/norm.ts";
import { dimAt, type Dim } from "../graph/shape.ts";
import type { Past, Sight } from "./run.ts";

/** What a layer reads: past rows, and the rows of this run's tokens, [S, heads, 1, size] each. */
export interface Keys {
  readonly past: Past;
  readonly key: Value;
  readonly value: Value;
}

/**
 * q: [rows, kvHeads, groups, size], turned; groups are the query heads that share a key head. q·k must come out scaled.
 * → the mixed values [1, rows, kvHeads·groups·size].
 */
export function attend(q: Value, { past, key, value }: Keys, { mask, lengths }: Sight): Value {
  const [tokens, kvHeads, groups, size] = [0, 1, 2, 3].map((axis) => dimAt(q.shape, axis)) as [Dim, number, number, number];
  const parts = [dimAt(past.key.shape, 0), dimAt(key.shape, 0)];
  const byHead = { transposeB: true, rowsFirst: { a: true, b: true } };
  const scores = concat([matmul(q, past.key, byHead), matmul(q, key, byHead)], -1); // [kvHeads, groups, rows, T+S]
  const [onPast, onNew] = splitAt(softmax(add(scores, mask)), lengths, parts, -1);
  const rows = { rowsFirst: { b: true } };
  const mixed = add(matmul(onPast!, past.value, rows), matmul(onNew!, value, rows)); // [kvHeads, groups, rows, size]
  return reshape(transpose(mixed, [2, 0, 1, 3]), [1, tokens, kvHeads * groups * size]);
}
