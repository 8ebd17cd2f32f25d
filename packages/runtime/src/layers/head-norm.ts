/** RMS norms of attention heads: all vectors of a token in one node, then the learned weights of queries and keys. */
import type { Graph, Value } from "../graph/graph.ts";
import { concat, expand, reshape } from "../graph/ops/layout.ts";
import { rmsNorm } from "../graph/ops/norm.ts";
import { dimAt } from "../graph/shape.ts";
import { vector, type Parameters } from "./parameters.ts";

/** x / √(mean(x²) + ε) over the last dimension, without a weight. */
export function unitNorm(x: Value, epsilon: number): Value {
  const size = Number(dimAt(x.shape, -1));
  const ones = Array.from({ length: size }, () => 1);
  return rmsNorm(x, x.graph.constant("float32", [size], ones), epsilon);
}

/**
 * float32 [groups (+ 1), size]: what the vectors of a key head are multiplied by: `name`.query_norm for each of its query heads, then
 * `name`.key_norm when there is a key (`withKey`). A constant of the graph once ONNX Runtime has folded it.
 */
export function headNormWeights(graph: Graph, parameters: Parameters, name: string, groups: number, withKey: boolean): Value {
  const row = (weight: string): Value => {
    const values = vector(graph, parameters, `${name}.${weight}`);
    return reshape(values, [1, dimAt(values.shape, 0)]);
  };
  const query = row("query_norm");
  const size = Number(dimAt(query.shape, 1));
  const queries = expand(query, graph.constant("int64", [2], [groups, size]), [groups, size]);
  return withKey ? concat([queries, row("key_norm")], 0) : queries;
}
