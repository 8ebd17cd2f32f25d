/** Rotary position embedding. */
import { requireDim, requireDtype, requireRank } from "../checks.ts";
import type { Value } from "../graph.ts";

/**
 * com.microsoft.RotaryEmbedding-1, halves (not interleaved): every vector of x (float32 [batch, heads, n, size]) turned by the angles of
 * its position (int64 [batch, n]). cos, sin: float32 [positions, size/2].
 * @throws GraphError `graph/dtype`, `graph/shape-mismatch`
 */
export function rotaryEmbedding(x: Value, positions: Value, cos: Value, sin: Value): Value {
  const operator = "RotaryEmbedding";
  for (const value of [x, cos, sin]) requireDtype(operator, value, "float32");
  requireDtype(operator, positions, "int64");
  requireRank(operator, x, 4);
  requireRank(operator, positions, 2);
  requireDim(operator, `batch of ${positions.name}`, positions.shape[0], x.shape[0]);
  requireDim(operator, `positions in ${positions.name}`, positions.shape[1], x.shape[2]);
  requireDim(operator, "rows of the sine table", sin.shape[0], cos.shape[0]);
  requireDim(operator, "columns of the sine table", sin.shape[1], cos.shape[1]);
  requireDim(operator, `last dimension of ${x.name}`, x.shape[3], Number(cos.shape[1]) * 2);
  return x.graph.node("com.microsoft.RotaryEmbedding", [x, positions, cos, sin], x, { interleaved: { int: 0 } });
}
