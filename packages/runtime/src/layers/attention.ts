/**
 * Attention over rows in parts, the past and those of this run's tokens, so that the past is read where it lies and nothing of it is
 * copied: softmax(q·[past; new]ᵀ + mask) · [past; new].
 * Law: no part is empty (see `matmul`); for a part that would be, a run is given one row of padding, which the mask hides.
 */
import type { Value } from "../graph/graph.ts";
import { add } from "../graph/ops/elementwise.ts";
import { concat, reshape, splitAt, transpose } from "../graph/ops/layout.ts";
import { matmul } from "../graph/ops/linear.ts";
import { softmax } from "../graph/ops/norm.ts";
import { dimAt, timesDim, type Dim } from "../graph/shape.ts";
import type { Keys, Sight } from "./run.ts";

/**
 * From this many query heads of a key head on they are the rows of one product, which reads the keys once for all of them: 0.55 to 0.75 of
 * the time at 1,024 and more past rows. With 2 of them it is slower, with 3 the same up to 512 rows (bench/attention.mjs, AVX2).
 */
const FOLDED_GROUPS = 4;

/**
 * q: [rows, kvHeads, groups, size], turned; groups are the query heads that share a key head. q·k must come out scaled. `parts`: what it
 * reads, in the order of the mask.
 * → the mixed values [1, rows, kvHeads·groups·size].
 */
export function attend(q: Value, parts: readonly Keys[], { mask, lengths }: Sight): Value {
  const [tokens, kvHeads, groups, size] = [0, 1, 2, 3].map((axis) => dimAt(q.shape, axis)) as [Dim, number, number, number];
  const folded = groups >= FOLDED_GROUPS;
  const queries = folded ? reshape(headsFirst(q), [kvHeads, 1, timesDim(tokens, groups), size]) : q;
  const byHead = { transposeB: true, rowsFirst: { a: !folded, b: true } };
  const scores = concat(
    parts.map(({ key }) => matmul(queries, key, byHead)),
    -1,
  ); // [kvHeads, groups, rows, T+S]
  const masked = folded ? addByToken(scores, mask, groups) : add(scores, mask);

  const rows = parts.map(({ key }) => dimAt(key.shape, 0));
  const shares = splitAt(softmax(masked), lengths, rows, -1);
  const mixed = parts.map(({ value }, i) => matmul(shares[i]!, value, { rowsFirst: { b: true } })).reduce(add); // [kvHeads, groups, rows, size]
  const tokensFirst = folded ? headsFirst(reshape(mixed, [kvHeads, tokens, groups, size])) : transpose(mixed, [2, 0, 1, 3]);
  return reshape(tokensFirst, [1, tokens, kvHeads * groups * size]);
}

/** The first two dimensions exchanged; without a copy where one of them is 1. */
function headsFirst(x: Value): Value {
  const [a, b, ...rest] = x.shape as [Dim, Dim, ...Dim[]];
  return a === 1 || b === 1 ? reshape(x, [b, a, ...rest]) : transpose(x, [1, 0, 2, 3]);
}

/** scores: [kvHeads, 1, tokens·groups, keys] + mask [tokens, keys], which is the same for the heads of a token. */
function addByToken(scores: Value, mask: Value, groups: number): Value {
  const [tokens, keys] = [dimAt(mask.shape, 0), dimAt(mask.shape, 1)];
  const apart = reshape(scores, [dimAt(scores.shape, 0), tokens, groups, keys]);
  return reshape(add(apart, reshape(mask, [tokens, 1, keys])), scores.shape);
}
