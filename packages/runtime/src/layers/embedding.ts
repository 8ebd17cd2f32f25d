/** Rows of the embedding by token id. The table stays in the mapped file: a run touches only the rows it reads. */
import { GraphError } from "../errors.ts";
import type { Value } from "../graph/graph.ts";
import { gather, gatherBlocks } from "../graph/ops/select.ts";
import { blockMatrix } from "./linear.ts";
import { storedWeight, type Parameters } from "./parameters.ts";

/** ids: int64 [...] → float32 [..., columns]. @throws GraphError `graph/missing-weight`, `graph/shape-mismatch` */
export function embedding(ids: Value, parameters: Parameters, name: string): Value {
  const weight = storedWeight(parameters, name);
  if (weight.kind === "sliced")
    throw new GraphError("graph/missing-weight", `${name} is sliced, and rows are read from float32 or blocks`, {
      hint: "declare it with the role embedding",
    });
  const { shape } = weight;
  if (weight.kind === "float32") return gather(ids.graph.weight(name, "float32", shape, weight.data), ids);
  return gatherBlocks(blockMatrix(ids.graph, name, weight, [shape[0], (shape[1] * weight.bits) / 8]), ids, shape, weight);
}
