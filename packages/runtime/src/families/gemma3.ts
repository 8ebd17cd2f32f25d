/**
 * Gemma 3, text only, 270M and 1B (`Gemma3ForCausalLM`). Differences from a Llama: norms after attention and MLP as well as before, a norm
 * of every query and key head, GELU, windows on most layers with a rotation base of their own, embeddings scaled by √hidden.
 * Source: transformers modeling_gemma3.py. Norm weights are 1 + w in the checkpoint; the checkpoint reader adds the 1.
 */
import type { ModelConfig } from "../checkpoint/model-config.ts";
import type { Graph, Value } from "../graph/graph.ts";
import { geluTanh, mul } from "../graph/ops/elementwise.ts";
import { reshape, split } from "../graph/ops/layout.ts";
import { headNormWeights, unitNorm } from "../layers/head-norm.ts";
import { linear } from "../layers/linear.ts";
import { gatedMlp } from "../layers/mlp.ts";
import { vector, type Parameters } from "../layers/parameters.ts";
import { normalize, type Residual } from "../layers/residual.ts";
import type { WeightSpec, WeightTable } from "../weights/weight.ts";
import { buildDecoder, type DecoderLayer } from "./decoder.ts";
import type { BuildOptions, Family } from "./family.ts";
import { exactVector, gemmaLayerWeights, hiddenNorm, layerPlace, whole } from "./weight-parts.ts";

export const gemma3: Family = { name: "gemma3", weights, build };

function weights(config: ModelConfig): readonly WeightSpec[] {
  const { vocabularySize, hiddenSize, layers, tiedHead } = config;
  const table = [vocabularySize, hiddenSize] as const;
  return [
    whole("embedding", "embedding", table, "model.embed_tokens.weight"),
    ...layers.flatMap((layer, index): WeightSpec[] => {
      const place = layerPlace(index, hiddenSize, true);
      return [...gemmaLayerWeights(layer, place), hiddenNorm(place, "mlp.output_norm", "post_feedforward_layernorm")];
    }),
    exactVector("norm", hiddenSize, "model.norm.weight"),
    ...(tiedHead ? [] : [whole("head", "matrix", table, "lm_head.weight")]),
  ];
}

function build(config: ModelConfig, weights: WeightTable, options: BuildOptions): Graph {
  const { normEpsilon: epsilon } = config;
  const parameters: Parameters = { weights, accuracyLevel: options.accuracyLevel };

  /** Attn(n): q and k are normed head by head before they turn. */
  const attention = (n: Value, { name, config: { heads, rope }, run, rows, attend }: DecoderLayer): Value => {
    const groups = heads.query / heads.keyValue;
    const qkv = reshape(linear(n, parameters, `${name}.attention.qkv`), ["S", heads.keyValue, groups + 2, heads.size]);
    const [qk, value] = split(qkv, [groups + 1, 1], 2);
    const normed = mul(unitNorm(qk!, epsilon), headNormWeights(n.graph, parameters, `${name}.attention`, groups, true));
    const [q, key] = split(run.turn(normed, rope, rows), [groups, 1], 2);
    return linear(attend(q!, { key: key!, value: value! }), parameters, `${name}.attention.out`);
  };

  return buildDecoder({
    name: gemma3.name,
    config,
    parameters,
    options,
    /** h = x + RMS(Attn(RMS(x)));  y = h + RMS(MLP(RMS(h))).  Additions wait for the next norm: see Residual. */
    layer: (run) => (residual, layer) => {
      const weight = (name: string): Value => vector(run.graph, parameters, `${layer.name}.${name}`);
      const norm = (x: Value, name: string): Value => normalize({ x, added: null }, weight(name), epsilon)[0];
      const [n, x] = normalize(residual, weight("input_norm"), epsilon);
      const attended: Residual = { x, added: norm(attention(n, layer), "attention_norm") };
      const [m, h] = normalize(attended, weight("mlp.input_norm"), epsilon);
      return { x: h, added: norm(gatedMlp(m, parameters, `${layer.name}.mlp`, geluTanh), "mlp.output_norm") };
    },
  });
}
