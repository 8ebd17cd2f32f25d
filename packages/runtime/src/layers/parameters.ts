/** The weights a graph is built from, and how its products treat activations: what every layer is given. */
import { GraphError } from "../errors.ts";
import type { Graph, Value } from "../graph/graph.ts";
import type { StoredWeight, WeightTable } from "../weights/weight.ts";

export interface Parameters {
  readonly weights: WeightTable;
  /** MatMulNBits accuracy_level: 0 exact float32 activations, 4 int8 activations. */
  readonly accuracyLevel: 0 | 4;
}

/** @throws GraphError `graph/missing-weight` */
export function storedWeight(parameters: Parameters, name: string): StoredWeight {
  const weight = parameters.weights.get(name);
  if (weight === undefined)
    throw new GraphError("graph/missing-weight", `there is no weight ${name} among ${parameters.weights.size}`, {
      hint: "the family's weights() and build() must be given the same options",
    });
  return weight;
}

/** A [1, n] weight as a vector [n]. @throws GraphError `graph/missing-weight`, `graph/not-a-vector` */
export function vector(graph: Graph, parameters: Parameters, name: string): Value {
  const weight = storedWeight(parameters, name);
  if (weight.kind !== "float32" || weight.shape[0] !== 1)
    throw new GraphError("graph/not-a-vector", `${name} is ${weight.kind} [${weight.shape.join(", ")}], expected float32 [1, n]`, {
      hint: "declare it with one row and the kind float32",
    });
  return graph.weight(name, "float32", [weight.shape[1]], weight.data);
}
