/**
 * The residual stream. An addition waits until the next normalisation, because one operator does both: a sum is never written twice.
 */
import type { Value } from "../graph/graph.ts";
import { mul } from "../graph/ops/elementwise.ts";
import { addRmsNorm, rmsNorm } from "../graph/ops/norm.ts";

/** x, or x + added when a layer's answer waits to be added. Both [1, S, hidden]. */
export interface Residual {
  readonly x: Value;
  readonly added: Value | null;
}

/** [RMS(r) · weight, r]: the normalised stream, and the stream with nothing waiting. */
export function normalize(residual: Residual, weight: Value, epsilon: number): [normed: Value, x: Value] {
  const { x, added } = residual;
  return added === null ? [rmsNorm(x, weight, epsilon), x] : addRmsNorm(x, added, weight, epsilon);
}

/** x · factor; x itself when the factor is 1. */
export function scaled(x: Value, factor: number): Value {
  return factor === 1 ? x : mul(x, x.graph.constant("float32", [1], [factor]));
}
