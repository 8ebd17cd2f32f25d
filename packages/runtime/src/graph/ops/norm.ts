/** Normalisation over the last dimension. */
import { requireDim, requireDtype } from "../checks.ts";
import type { Value } from "../graph.ts";
import { FOLLOW_SHAPES, formatShape } from "../shape.ts";
import { GraphError } from "../../errors.ts";

/** SimplifiedLayerNormalization-1 (ORT's, in the default domain): x / √(mean(x²) + ε) · weight. @throws GraphError `graph/dtype`, `graph/shape-mismatch` */
export function rmsNorm(x: Value, weight: Value, epsilon: number): Value {
  requireNormOperands("SimplifiedLayerNormalization", x, weight);
  return x.graph.node("SimplifiedLayerNormalization", [x, weight], x, {
    axis: { int: -1 },
    epsilon: { float: epsilon },
    stash_type: { int: 1 },
  });
}

/**
 * com.microsoft.SkipSimplifiedLayerNormalization-1: [rmsNorm(a + b), a + b] in one pass.
 * @throws GraphError `graph/dtype`, `graph/shape-mismatch`
 */
export function addRmsNorm(a: Value, b: Value, weight: Value, epsilon: number): [normed: Value, sum: Value] {
  const operator = "SkipSimplifiedLayerNormalization";
  requireNormOperands(operator, a, weight);
  requireDtype(operator, b, "float32");
  if (formatShape(a.shape) !== formatShape(b.shape))
    throw new GraphError("graph/shape-mismatch", `${operator}: ${formatShape(a.shape)} and ${formatShape(b.shape)} cannot be added`, {
      hint: FOLLOW_SHAPES,
    });
  const [normed, sum] = a.graph.nodeWithOutputs(`com.microsoft.${operator}`, [a, b, weight], [a, null, null, a], {
    epsilon: { float: epsilon },
  });
  return [normed!, sum!];
}

/** Softmax-13 over the last dimension. @throws GraphError `graph/dtype` */
export function softmax(x: Value): Value {
  requireDtype("Softmax", x, "float32");
  return x.graph.node("Softmax", [x], x, { axis: { int: -1 } });
}

function requireNormOperands(operator: string, x: Value, weight: Value): void {
  requireDtype(operator, x, "float32");
  requireDtype(operator, weight, "float32");
  requireDim(operator, `length of ${weight.name}`, weight.shape.at(-1), x.shape.at(-1));
}
