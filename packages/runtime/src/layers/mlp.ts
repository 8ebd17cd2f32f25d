/** The gated MLP: down(f(gate(x)) · up(x)), gate and up being one product. */
import type { Value } from "../graph/graph.ts";
import { mul } from "../graph/ops/elementwise.ts";
import { split } from "../graph/ops/layout.ts";
import { dimAt } from "../graph/shape.ts";
import { linear } from "./linear.ts";
import type { Parameters } from "./parameters.ts";

/** f: SiLU or GELU, see graph/ops/elementwise. */
export type Activation = (x: Value) => Value;

/**
 * x: [..., hidden] → [..., hidden]. `name`.gate_up is [2·width, hidden], gate first; `name`.down is [hidden, width]. `units` [..., width]
 * multiplies the hidden units.
 */
export function gatedMlp(x: Value, parameters: Parameters, name: string, activation: Activation, units: Value | null = null): Value {
  const both = linear(x, parameters, `${name}.gate_up`);
  const width = Number(dimAt(both.shape, -1)) / 2;
  const [gate, up] = split(both, [width, width], -1);
  const hidden = mul(activation(gate!), up!);
  return linear(units === null ? hidden : mul(hidden, units), parameters, `${name}.down`);
}
