/** Rotary position embedding. */
import { requireDim, requireDtype, requireRank } from "../checks.ts";
import type { Value } from "../graph.ts";

/**
 * com.microsoft.RotaryEmbedding-1, halves (not interleaved): the heads of each token of x (float32 [1, tokens, heads·size]) turned by the
 * token's angles. cos, sin: float32 [tokens, size/2].
 * @throws GraphError `graph/dtype`, `graph/shape-mismatch`
 */
export function rotaryEmbedding(x: Value, cos: Value, sin: Value): Value {
  const operator = "RotaryEmbedding";
  for (const value of [x, cos, sin]) {
    requireDtype(operator, value, "float32");
    requireRank(operator, value, value === x ? 3 : 2);
  }
  requireDim(operator, `rows of ${x.name}`, x.shape[0], 1);
  requireDim(operator, `tokens of ${x.name}`, x.shape[1], cos.shape[0]);
  requireDim(operator, "rows of the sine table", sin.shape[0], cos.shape[0]);
  requireDim(operator, "columns of the sine table", sin.shape[1], cos.shape[1]);
  requireDim(operator, `last dimension of ${x.name} beyond whole heads`, Number(x.shape[2]) % (2 * Number(cos.shape[1])), 0);
  const start = x.graph.constant("int64", [1], [0]);
  return x.graph.node("com.microsoft.RotaryEmbedding", [x, start, cos, sin], x, { interleaved: { int: 0 } });
}
