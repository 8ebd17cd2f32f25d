/** y = x·Wᵀ, dense or in blocks: the weight's storage decides. The weight becomes part of the graph that x belongs to. */
import type { Graph, Value } from "../graph/graph.ts";
import { matmul, matmulNBits, type BlockMatrix } from "../graph/ops/linear.ts";
import type { StoredWeight } from "../weights/weight.ts";
import { storedWeight, type Parameters } from "./parameters.ts";

/** x: [..., in] → [..., out] by the weight `name` of shape [out, in]. @throws GraphError `graph/missing-weight`, `graph/shape-mismatch` */
export function linear(x: Value, parameters: Parameters, name: string): Value {
  const weight = storedWeight(parameters, name);
  if (weight.kind === "float32") return matmul(x, x.graph.weight(name, "float32", weight.shape, weight.data), { transposeB: true });
  const { bits, block, shape } = weight;
  const [rows, columns] = shape;
  const matrix = blockMatrix(x.graph, name, weight, [rows, Math.ceil(columns / block), (block * bits) / 8]);
  return matmulNBits(x, matrix, shape, { bits, block, accuracyLevel: parameters.accuracyLevel });
}

/** The tensors of a weight in blocks; `dataShape` is how the operator wants to see the bytes. */
export function blockMatrix(
  graph: Graph,
  name: string,
  weight: Extract<StoredWeight, { kind: "blocks" }>,
  dataShape: readonly number[],
): BlockMatrix {
  const { bits, block, shape } = weight;
  const [rows, columns] = shape;
  const blocks = Math.ceil(columns / block);
  const zeroPointShape = [rows, Math.ceil((blocks * bits) / 8)];
  return {
    data: graph.weight(`${name}.${dataShape.length === 3 ? "blocks" : "rows"}`, "uint8", dataShape, weight.data),
    scales: graph.weight(`${name}.scales`, "float32", [rows, blocks], weight.scales),
    zeroPoints: weight.zeroPoints === null ? null : graph.weight(`${name}.zero_points`, "uint8", zeroPointShape, weight.zeroPoints),
  };
}
