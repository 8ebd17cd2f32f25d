/** y = x·Wᵀ, dense, in blocks or in slices: the weight's storage decides. The weight becomes part of the graph that x belongs to. */
import type { Graph, Value } from "../graph/graph.ts";
import { ifElse } from "../graph/ops/control.ts";
import { add } from "../graph/ops/elementwise.ts";
import { identity } from "../graph/ops/layout.ts";
import { matmul, matmulNBits, type BlockMatrix } from "../graph/ops/linear.ts";
import type { BlockWeight, SlicedWeight } from "../weights/weight.ts";
import { storedWeight, type Parameters } from "./parameters.ts";

/** x: [..., in] → [..., out] by the weight `name` of shape [out, in]. @throws GraphError `graph/missing-weight`, `graph/shape-mismatch` */
export function linear(x: Value, parameters: Parameters, name: string): Value {
  const weight = storedWeight(parameters, name);
  switch (weight.kind) {
    case "float32":
      return matmul(x, x.graph.weight(name, "float32", weight.shape, weight.data), { transposeB: true });
    case "blocks":
      return blockProduct(x, parameters, name, weight);
    case "sliced":
      return slicedProduct(x, parameters, name, weight);
  }
}

/**
 * One `If` a product, on the graph's input `full`, bool [1]: 0.6 µs where it skips, 3 µs where it does not (24 of them, 2 threads). A
 * branch that captured the weights of another would have ONNX Runtime pack them once more.
 */
function slicedProduct(x: Value, parameters: Parameters, name: string, { low, full, fullIs }: SlicedWeight): Value {
  const condition = x.graph.sharedInput("full", "bool", [1]);
  const product = (graph: Graph, slice: "low" | "full"): Value =>
    blockProduct(graph.capture(x), parameters, `${name}.${slice}`, slice === "low" ? low : full);
  if (fullIs === "whole")
    return ifElse(
      condition,
      `${name} rows`,
      (branch) => product(branch, "full"),
      (branch) => product(branch, "low"),
    );
  const coarse = product(x.graph, "low");
  return ifElse(
    condition,
    `${name} rows`,
    (branch) => add(branch.capture(coarse), product(branch, "full")),
    (branch) => identity(branch.capture(coarse)),
  );
}

function blockProduct(x: Value, { accuracyLevel }: Parameters, name: string, weight: BlockWeight): Value {
  const { bits, block, shape } = weight;
  const [rows, columns] = shape;
  const matrix = blockMatrix(x.graph, name, weight, [rows, Math.ceil(columns / block), (block * bits) / 8]);
  return matmulNBits(x, matrix, shape, { bits, block, accuracyLevel });
}

/** The tensors of a weight in blocks; `dataShape` is how the operator wants to see the bytes. */
export function blockMatrix(graph: Graph, name: string, weight: BlockWeight, dataShape: readonly number[]): BlockMatrix {
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
