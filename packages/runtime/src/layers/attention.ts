/**
 * Attention over past and new rows in two parts, so that the past is read where it lies and nothing of it is copied:
 * softmax(q·[past; new]ᵀ + mask) · [past; new].
 * Law: past row j of T stands at position p − T + j, p being the position of the run's first token; rows at negative positions are padding
 * and masked. T is at least 1 (see `matmul`): before the first token a run is given one row of padding.
 */
import type { Value } from "../graph/graph.ts";
import { add, greater, sub, where } from "../graph/ops/elementwise.ts";
import { concat, expand, lengthOf, range, reshape, split, splitAt, transpose } from "../graph/ops/layout.ts";
import { matmul } from "../graph/ops/linear.ts";
import { softmax } from "../graph/ops/norm.ts";
import { rotaryEmbedding } from "../graph/ops/rotary.ts";
import { gather } from "../graph/ops/select.ts";
import { dimAt, type Dim } from "../graph/shape.ts";
import type { RotaryTables } from "./rope.ts";

/** Lowest finite float32: exp of it is 0, and no sum with it is NaN. */
const MASKED = -3.4028234663852886e38;
/** Later than any position; padding is moved here, where causality masks it. */
const NEVER = 2 ** 53 - 1;

/** What the layers of one run share. */
export interface AttentionRun {
  /** float32 [S, T+S]: 0 where the row's token may look, else the lowest number. */
  readonly mask: Value;
  /** int64 [2]: T and S. */
  readonly lengths: Value;
  /** int64 [S, turned]: the position of each token, once for each vector of a key head that is turned. */
  readonly turns: Value;
}

/** Rows of one layer in time order, [T, heads, 1, size]. */
export interface Past {
  readonly key: Value;
  readonly value: Value;
}

/** positions: int64 [1, S], ascending by one; past: any layer's, for its length; turned: query heads of a key head, and the key. */
export function attentionRun(positions: Value, past: Past, turned: number): AttentionRun {
  const graph = positions.graph;
  const integer = (number: number): Value => graph.constant("int64", [], [number]);
  const lengths = concat([lengthOf(past.key, 0), lengthOf(positions, 1)], 0);
  const own = reshape(positions, ["S"]);
  const first = gather(own, integer(0));
  const before = range(sub(first, gather(lengths, integer(0))), first, "T");

  const keys = concat([before, own], 0);
  const visible = where(greater(integer(0), keys), integer(NEVER), keys);
  const hidden = greater(visible, reshape(own, ["S", 1]));
  const mask = where(hidden, graph.constant("float32", [], [MASKED]), graph.constant("float32", [], [0]));

  // With T = 0 the process would die in the first product. `before` has no last element then, and the run fails here instead.
  const start = add(gather(before, integer(-1)), integer(1)); // = first
  const guarded = reshape(add(own, sub(start, first)), ["S", 1]);
  const turns = expand(guarded, concat([lengthOf(positions, 1), graph.constant("int64", [1], [turned])], 0), ["S", turned]);
  return { mask, lengths, turns };
}

/**
 * qkv: [S, kvHeads, groups + 2, size]: for each key head its query heads, its key and its value. q·k must come out scaled: the tables of
 * rotary position embedding carry √scale. → the mixed values [1, S, kvHeads·groups·size], and the new rows of keys and values,
 * [S, kvHeads, 1, size] each.
 */
export function attend(qkv: Value, past: Past, rotary: RotaryTables, run: AttentionRun): { mixed: Value; key: Value; value: Value } {
  const [tokens, kvHeads, vectors, size] = [0, 1, 2, 3].map((axis) => dimAt(qkv.shape, axis)) as [Dim, number, number, number];
  const groups = vectors - 2;
  const [qk, v] = split(qkv, [groups + 1, 1], 2);
  const [q, k] = split(rotaryEmbedding(qk!, run.turns, rotary.cos, rotary.sin), [groups, 1], 2);

  const byHead = { transposeB: true, rowsFirst: { a: true, b: true } };
  const scores = concat([matmul(q!, past.key, byHead), matmul(q!, k!, byHead)], -1); // [kvHeads, groups, S, T+S]
  const [onPast, onNew] = splitAt(softmax(add(scores, run.mask)), run.lengths, ["T", "S"], -1);
  const rows = { rowsFirst: { b: true } };
  const mixed = add(matmul(onPast!, past.value, rows), matmul(onNew!, v!, rows)); // [kvHeads, groups, S, size]
  return { mixed: reshape(transpose(mixed, [2, 0, 1, 3]), [1, tokens, kvHeads * groups * size]), key: k!, value: v! };
}
