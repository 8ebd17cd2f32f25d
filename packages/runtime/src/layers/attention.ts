/**
 * Attention over past and new rows: softmax(q·[past; new]ᵀ + mask) · [past; new]. The past stays in time order, all heads of a token side by
 * side: products read it so, and nothing is transposed. It may be empty.
 * Law: row j of T past rows stands at position p − T + j, p being the position of the run's first token.
 */
import type { Value } from "../graph/graph.ts";
import { add, greater, sub, where } from "../graph/ops/elementwise.ts";
import { concat, expand, lengthOf, range, reshape, split, transpose } from "../graph/ops/layout.ts";
import { matmul } from "../graph/ops/linear.ts";
import { softmax } from "../graph/ops/norm.ts";
import { rotaryEmbedding } from "../graph/ops/rotary.ts";
import { gather } from "../graph/ops/select.ts";
import { dimAt } from "../graph/shape.ts";
import type { RotaryTables } from "./rope.ts";

/** Lowest finite float32: exp of it is 0, and no sum with it is NaN. */
const MASKED = -3.4028234663852886e38;

/** What the layers of one run share. */
export interface AttentionRun {
  /** float32 [S, T+S]: 0 where the row's token may look, else the lowest number. */
  readonly mask: Value;
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
  const zero = (dtype: "int64" | "float32"): Value => graph.constant(dtype, [], [0]);
  const column = reshape(positions, ["S", 1]);

  const first = gather(reshape(positions, ["S"]), zero("int64"));
  const before = sub(first, reshape(lengthOf(past.key, 0), []));
  const keys = range(before, add(first, reshape(lengthOf(positions, 1), [])), "T+S");
  const mask = where(greater(keys, column), graph.constant("float32", [], [MASKED]), zero("float32"));

  const turns = expand(column, concat([lengthOf(positions, 1), graph.constant("int64", [1], [turned])], 0), ["S", turned]);
  return { mask, turns };
}

/**
 * qkv: [S, kvHeads, groups + 2, size]: for each key head its query heads, its key and its value. q·k must come out scaled: the tables of
 * rotary position embedding carry √scale. → the mixed values [1, S, kvHeads·groups·size], and the new rows of keys and values,
 * [S, kvHeads, 1, size] each.
 *
 * Joining past and new rows copies the past inside the engine. Two products over past and new apart copy nothing, yet were not faster
 * beyond noise from 64 to 4,096 rows (3 heads of 64, one query: it reads a copy in order, and the past three times in strides); they take
 * three nodes more, and kill the process when the past is empty (see `matmul`).
 */
export function attend(qkv: Value, past: Past, rotary: RotaryTables, run: AttentionRun): { mixed: Value; key: Value; value: Value } {
  const [kvHeads, vectors, size] = qkv.shape.slice(1).map(Number) as [number, number, number];
  const groups = vectors - 2;
  const [qk, value] = split(qkv, [groups + 1, 1], 2);
  const [q, key] = split(rotaryEmbedding(qk!, run.turns, rotary.cos, rotary.sin), [groups, 1], 2);

  const [keys, values] = [concat([past.key, key!], 0), concat([past.value, value!], 0)]; // [T+S, kvHeads, 1, size]
  const scores = matmul(q!, keys, { transposeB: true, rowsFirst: { a: true, b: true } }); // [kvHeads, groups, S, T+S]
  const mixed = matmul(softmax(add(scores, run.mask)), values, { rowsFirst: { b: true } }); // [kvHeads, groups, S, size]
  return { mixed: reshape(transpose(mixed, [2, 0, 1, 3]), [1, dimAt(qkv.shape, 0), kvHeads * groups * size]), key: key!, value: value! };
}
