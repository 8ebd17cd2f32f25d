/**
 * Gemma 4, text decoder of all five sizes. Differences from Gemma 3: a norm of value heads too, attention not scaled, two head sizes,
 * values that are the raw keys (`valueIsKey`), layers that read the keys of earlier ones (`keysFrom`), a per-layer embedding, experts
 * beside the MLP, a scalar at the end of each layer, capped logits. Source: gemma4.md section 2, transformers modeling_gemma4.py.
 */
import type { ModelConfig } from "../checkpoint/model-config.ts";
import type { Graph, Value } from "../graph/graph.ts";
import { add, geluTanh, mul } from "../graph/ops/elementwise.ts";
import { reshape, split } from "../graph/ops/layout.ts";
import { addRmsNorm, rmsNorm } from "../graph/ops/norm.ts";
import { gather } from "../graph/ops/select.ts";
import { embedding } from "../layers/embedding.ts";
import { headNormWeights, unitNorm } from "../layers/head-norm.ts";
import { linear } from "../layers/linear.ts";
import { gatedMlp } from "../layers/mlp.ts";
import { conditionalExperts, conditionalRun, mergedExperts, mergedRun, route } from "../layers/moe.ts";
import { vector, type Parameters } from "../layers/parameters.ts";
import { normalize, scaled, type Residual } from "../layers/residual.ts";
import type { Run } from "../layers/run.ts";
import type { WeightTable } from "../weights/weight.ts";
import { buildDecoder, firstReader, type DecoderLayer } from "./decoder.ts";
import { mixtureMode, type BuildOptions, type Family } from "./family.ts";
import { gemma4Weights } from "./gemma4-weights.ts";

export const gemma4: Family = { name: "gemma4", weights: gemma4Weights, build };

function build(config: ModelConfig, weights: WeightTable, options: BuildOptions): Graph {
  const parameters: Parameters = { weights, accuracyLevel: options.accuracyLevel };
  const { normEpsilon: epsilon } = config;
  return buildDecoder({
    name: gemma4.name,
    config,
    parameters,
    options,
    layer: (run, embedded) => {
      const weight = (name: string): Value => vector(run.graph, parameters, name);
      const norm = (x: Value, name: string): Value => rmsNorm(x, weight(name), epsilon);
      const inputs = config.perLayer === null ? null : perLayerInputs(config, config.perLayer.width, parameters, run, embedded);
      const experts = config.experts === null ? null : expertBranch(config, config.experts, parameters, options, run);

      /** h = x + RMS(Attn(RMS(x)));  y = h + RMS(FFN(h));  y = y + RMS(Wo·(gelu(Wg·y)·u));  out = s·y. */
      return (residual, layer): Residual => {
        const { name } = layer;
        const [n, x] = normalize(residual, weight(`${name}.input_norm`), epsilon);
        const attended = norm(attention(n, layer, parameters, epsilon), `${name}.attention_norm`);
        const [m, h] = addRmsNorm(x, attended, weight(`${name}.mlp.input_norm`), epsilon);
        const d = gatedMlp(m, parameters, `${name}.mlp`, geluTanh);
        const f =
          experts === null
            ? norm(d, `${name}.output_norm`)
            : addRmsNorm(norm(d, `${name}.mlp.output_norm`), experts(h, name), weight(`${name}.output_norm`), epsilon)[0];
        let y = add(h, f);
        if (inputs !== null) {
          const gated = mul(geluTanh(linear(y, parameters, `${name}.per_layer.gate`)), inputs(layer.index));
          y = add(y, norm(linear(gated, parameters, `${name}.per_layer.out`), `${name}.per_layer.norm`));
        }
        return { x: mul(y, weight(`${name}.scalar`)), added: null };
      };
    },
  });
}

/** Attn(n): q, k and v are normed head by head, v without a weight; v may be the raw k, and k and v those of an earlier layer. */
function attention(n: Value, layer: DecoderLayer, parameters: Parameters, epsilon: number): Value {
  const { name, index, run, rows, attend } = layer;
  const { heads, rope, keysFrom, valueIsKey } = layer.config;
  const groups = heads.query / heads.keyValue;
  const normsOf = (withKey: boolean): Value => headNormWeights(n.graph, parameters, `${name}.attention`, groups, withKey);
  const tokens = n.shape[1]!;
  const vectors = keysFrom !== index ? groups : valueIsKey ? groups + 1 : groups + 2;
  const projected = reshape(linear(n, parameters, `${name}.attention.qkv`), [tokens, heads.keyValue, vectors, heads.size]);
  const normed = unitNorm(projected, epsilon);
  const out = (mixed: Value): Value => linear(mixed, parameters, `${name}.attention.out`);
  if (keysFrom !== index) return out(attend(run.turn(mul(normed, normsOf(false)), rope, rows), null));

  const [qk, value] = valueIsKey ? [normed, split(normed, [groups, 1], 2)[1]!] : split(normed, [groups + 1, 1], 2);
  const [q, key] = split(run.turn(mul(qk!, normsOf(true)), rope, rows), [groups, 1], 2);
  return out(attend(q!, { key: key!, value: value! }));
}

/**
 * The per-layer inputs u of each layer, [1, rows, width]: a row of the token's own table and a projection of its embedding,
 * u = (16·E[id] + RMS(W·x/√hidden)) / √2, where 16 is √width.
 */
function perLayerInputs(config: ModelConfig, width: number, parameters: Parameters, run: Run, x: Value): (layer: number) => Value {
  const { layers, hiddenSize, normEpsilon } = config;
  const all = ["S", layers.length, width] as const;
  return run.graph.scope("per_layer", () => {
    const own = scaled(reshape(embedding(run.ids, parameters, "per_layer.embedding"), all), Math.sqrt(width));
    const projected = scaled(linear(x, parameters, "per_layer.projection"), hiddenSize ** -0.5);
    const context = rmsNorm(reshape(projected, all), vector(run.graph, parameters, "per_layer.norm"), normEpsilon);
    const u = scaled(add(own, context), Math.SQRT1_2);
    const narrow = firstReader(config);
    const slices = (rows: Value, count: number): Value[] =>
      split(
        rows,
        Array.from({ length: count }, () => 1),
        1,
      ).map((slice) => reshape(slice, [1, rows.shape[0]!, width]));
    const inputs = (): Value[] => {
      if (narrow === layers.length) return slices(u, narrow);
      const [wide, narrowed] = split(u, [narrow, layers.length - narrow], 1);
      return [...slices(wide!, narrow), ...slices(gather(narrowed!, run.wanted), layers.length - narrow)];
    };
    const made = inputs();
    return (layer) => made[layer]!;
  });
}

/**
 * The experts beside the MLP: RMS(Σ weight·expert(RMS(h))). The router sees h through a norm of its own, and each expert's weight is
 * multiplied by the expert's scale. @throws GraphError `graph/expert-mode`
 */
function expertBranch(
  { hiddenSize, normEpsilon }: ModelConfig,
  sizes: NonNullable<ModelConfig["experts"]>,
  parameters: Parameters,
  options: BuildOptions,
  run: Run,
): (h: Value, name: string) => Value {
  const weight = (name: string): Value => vector(run.graph, parameters, name);
  const norm = (x: Value, name: string): Value => rmsNorm(x, weight(name), normEpsilon);
  const mixture = run.graph.scope("run", () => {
    if (mixtureMode(gemma4.name, options) === "conditional") {
      const shared = conditionalRun(run.ids, sizes, geluTanh);
      return (x: Value, chosen: ReturnType<typeof route>, name: string) => conditionalExperts(x, chosen, parameters, name, shared);
    }
    const shared = mergedRun(run.ids, sizes, 0, geluTanh);
    return (x: Value, chosen: ReturnType<typeof route>, name: string) => mergedExperts(x, chosen, parameters, name, shared);
  });
  return (h, name) => {
    const seen = norm(h, `${name}.router.scale`);
    const logits = scaled(linear(seen, parameters, `${name}.router`), hiddenSize ** -0.5);
    const { indices, weights, needed } = route(logits, sizes.perToken, options.expertMass);
    const chosen = { indices, weights: mul(weights, gather(weight(`${name}.router.expert_scale`), indices)), needed };
    return norm(mixture(norm(h, `${name}.experts.input_norm`), chosen, `${name}.experts`), `${name}.experts.output_norm`);
  };
}
