/**
 * The head: hidden states → logits of the whole vocabulary, or of the rows that the graph's input `candidates` names. In: hidden, ids.
 * Law: a logit is the same either way, up to the order of a sum: where products round their activations, so do these.
 */
import type { Value } from "../graph/graph.ts";
import { abs, add, div, greater, mul, round } from "../graph/ops/elementwise.ts";
import { ifElse } from "../graph/ops/control.ts";
import { lengthOf, reshape } from "../graph/ops/layout.ts";
import { matmul } from "../graph/ops/linear.ts";
import { reduceMax } from "../graph/ops/reduce.ts";
import { embedding } from "./embedding.ts";
import { linear } from "./linear.ts";
import { storedWeight, type Parameters } from "./parameters.ts";

/** Largest of the whole numbers that int8 activations are rounded to; MLAS SQNBitGemm, accuracy level 4. */
const INT8 = 127;
/** Added to a block's largest number: nothing beside any but that of a block of zeros. */
const TINY = 1e-30;

/** Whether rows of the weight can be read one by one. Slices cannot, nor rows that end within a block. */
export function rowsReadable(parameters: Parameters, name: string): boolean {
  const weight = storedWeight(parameters, name);
  return weight.kind === "float32" || (weight.kind === "blocks" && weight.shape[1] % weight.block === 0);
}

/**
 * hidden: [R, columns] → [R, vocabulary], or [R, K] of the K rows in `candidates`, int64 [K], unless K is 0. The matrix is read row by
 * row then: 0.02 instead of 2 ms for 64 of 49,152 rows of 576 bytes.
 */
export function sparseHead(hidden: Value, candidates: Value, parameters: Parameters, name: string): Value {
  const { graph } = hidden;
  const some = greater(lengthOf(candidates, 0), graph.constant("int64", [1], [0]));
  return ifElse(
    some,
    "L",
    (branch) => {
      const rows = embedding(branch.capture(candidates), parameters, name);
      return matmul(asMultiplied(branch.capture(hidden), parameters, name), rows, { transposeB: true });
    },
    (branch) => linear(branch.capture(hidden), parameters, name),
  );
}

/**
 * x as the product with the whole weight takes it: at accuracy level 4 rounded to whole numbers up to ±127 in each block of columns. The
 * order of the operations is that of MLAS (QuantizeARow_CompInt8): another one rounds the rare x that lies between two numbers elsewhere.
 */
function asMultiplied(x: Value, { weights, accuracyLevel }: Parameters, name: string): Value {
  const weight = weights.get(name)!;
  if (weight.kind !== "blocks" || accuracyLevel === 0) return x;
  const { block, shape } = weight;
  const blocks = reshape(x, ["R", shape[1] / block, block]);
  const number = (value: number): Value => x.graph.constant("float32", [], [value]);
  const largest = add(reduceMax(abs(blocks), 2), number(TINY));
  const whole = round(mul(blocks, div(number(INT8), largest)));
  return reshape(mul(whole, div(largest, number(INT8))), ["R", shape[1]]);
}
