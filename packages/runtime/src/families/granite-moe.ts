/**
 * Granite MoE, with and without a shared MLP, with a tied or an own head (`GraniteMoeForCausalLM`, `GraniteMoeSharedForCausalLM`).
 * Differences from a Llama: experts beside or instead of the MLP, and four multipliers.
 */
import type { ModelConfig } from "../checkpoint/model-config.ts";
import type { Graph, Value } from "../graph/graph.ts";
import { add, silu } from "../graph/ops/elementwise.ts";
import { reshape, split } from "../graph/ops/layout.ts";
import { linear } from "../layers/linear.ts";
import { gatedMlp } from "../layers/mlp.ts";
import { conditionalExperts, conditionalRun, mergedExperts, mergedRun, route } from "../layers/moe.ts";
import { vector, type Parameters } from "../layers/parameters.ts";
import { normalize, scaled, type Residual } from "../layers/residual.ts";
import type { Run } from "../layers/run.ts";
import type { WeightTable } from "../weights/weight.ts";
import { buildDecoder, type DecoderLayer } from "./decoder.ts";
import { mixtureMode, type BuildOptions, type Family } from "./family.ts";
import { graniteMoeWeights } from "./granite-moe-weights.ts";

export const graniteMoe: Family = { name: "granite-moe", weights: graniteMoeWeights, build };

function build(config: ModelConfig, weights: WeightTable, options: BuildOptions): Graph {
  const mode = mixtureMode(graniteMoe.name, options);
  const parameters: Parameters = { weights, accuracyLevel: options.accuracyLevel };
  const norm = (residual: Residual, name: string, { graph }: Run): [Value, Value] =>
    normalize(residual, vector(graph, parameters, name), config.normEpsilon);

  /** Attn(n): rotary embedding on queries and keys, grouped heads. */
  const attention = (n: Value, layer: DecoderLayer): Value => {
    const { heads, rope } = layer.config;
    const groups = heads.query / heads.keyValue;
    const qkv = reshape(linear(n, parameters, `${layer.name}.attention.qkv`), ["S", heads.keyValue, groups + 2, heads.size]);
    const [qk, value] = split(qkv, [groups + 1, 1], 2);
    const [q, key] = split(layer.run.turn(qk!, rope, layer.rows), [groups, 1], 2);
    return linear(layer.attend(q!, { key: key!, value: value! }), parameters, `${layer.name}.attention.out`);
  };

  return buildDecoder({
    name: graniteMoe.name,
    config,
    parameters,
    options,
    layer: (run) => {
      const experts = run.graph.scope("run", () => expertLayer(config, parameters, { mode, expertMass: options.expertMass }, run.ids));
      /** h = x + r·Attn(RMS(x));  y = h + r·MoE(RMS(h)).  Additions wait for the next norm: see Residual. */
      return (residual, layer) => {
        const [n, x] = norm(residual, `${layer.name}.input_norm`, run);
        const a = attention(n, layer);
        const [m, h] = norm({ x, added: scaled(a, config.scales.residual) }, `${layer.name}.post_norm`, run);
        return { x: h, added: scaled(experts(m, layer.name), config.scales.residual) };
      };
    },
  });
}

/** MoE(x) of one layer: shared(x) + Σ weight·expert(x), in the mode asked for. */
function expertLayer(
  config: ModelConfig,
  parameters: Parameters,
  { mode, expertMass }: { readonly mode: ReturnType<typeof mixtureMode>; readonly expertMass: number | undefined },
  ids: Value,
): (x: Value, name: string) => Value {
  const experts = config.experts!; // Granite MoE always has them
  const sharedWidth = config.layers[0]!.mlpWidth;
  const routed = (x: Value, name: string) => route(linear(x, parameters, `${name}.router`), experts.perToken, expertMass);
  if (mode === "merged") {
    const run = mergedRun(ids, experts, sharedWidth, silu);
    return (x, name) => mergedExperts(x, routed(x, name), parameters, `${name}.mlp`, run);
  }
  const run = conditionalRun(ids, experts, silu);
  return (x, name) => {
    const chosen = conditionalExperts(x, routed(x, name), parameters, `${name}.experts`, run);
    return sharedWidth === 0 ? chosen : add(gatedMlp(x, parameters, `${name}.shared`, silu), chosen);
  };
}
