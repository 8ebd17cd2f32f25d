/** Rows of the embedding by token id. The table stays in the mapped file: a run touches only the rows it reads. */
import type { Value } from "../graph/graph.ts";
import { gather, gatherBlocks } from "../graph/ops/select.ts";
import { blockMatrix } from "./linear.ts";
import { storedWeight, type Parameters } from "./parameters.ts";

/** ids: int64 [...] → float32 [..., columns]. @throws GraphError `graph/missing-weight`, `graph/shape-mismatch` */
export function embedding(ids: Value, parameters: Parameters, name: string): Value {
  const weight = storedWeight(parameters, name);
  const { shape } = weight;
  if (weight.kind === "float32") return gather(ids.graph.weight(name, "float32", shape, weight.data), ids);
  return gatherBlocks(blockMatrix(ids.graph, name, weight, [shape[0], (shape[1] * weight.bits) / 8]), ids, shape, weight);
}
