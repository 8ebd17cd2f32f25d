/** The weights of Gemma 4: which matrices the graph asks for, and which rows of the checkpoint each is made of (gemma4.md, section 3.1). */
import type { LayerConfig, ModelConfig } from "../checkpoint/model-config.ts";
import type { WeightSpec } from "../weights/weight.ts";
import type { BuildOptions } from "./family.ts";
import { exactVector, gemmaLayerWeights, hiddenNorm, layerPlace, rows, whole } from "./weight-parts.ts";

export function gemma4Weights(config: ModelConfig, options: BuildOptions): readonly WeightSpec[] {
  const { vocabularySize, hiddenSize, layers, tiedHead } = config;
  const table = [vocabularySize, hiddenSize] as const;
  return [
    whole("embedding", "embedding", table, "model.embed_tokens.weight"),
    ...perLayerWeights(config),
    ...layers.flatMap((layer, index) => layerWeights(config, options, layer, index)),
    exactVector("norm", hiddenSize, "model.norm.weight"),
    ...(tiedHead ? [] : [whole("head", "matrix", table, "lm_head.weight")]),
  ];
}

/**
 * The table of all layers' own embeddings, side by side, and the projection that is added to a row of it. The projection feeds every layer,
 * so it is kept exact, as llama.cpp keeps it: in 8 bits it alone moved logits by 0.1 in a small model.
 */
function perLayerWeights({ vocabularySize, hiddenSize, layers, perLayer }: ModelConfig): readonly WeightSpec[] {
  if (perLayer === null) return [];
  const columns = layers.length * perLayer.width;
  return [
    whole("per_layer.embedding", "table", [vocabularySize, columns], "model.embed_tokens_per_layer.weight"),
    whole("per_layer.projection", "exact", [columns, hiddenSize], "model.per_layer_model_projection.weight"),
    exactVector("per_layer.norm", perLayer.width, "model.per_layer_projection_norm.weight"),
  ];
}

function layerWeights(config: ModelConfig, options: BuildOptions, layer: LayerConfig, index: number): readonly WeightSpec[] {
  const { hiddenSize, perLayer, experts } = config;
  const place = layerPlace(index, hiddenSize, layer.keysFrom === index);
  const { name, source } = place;
  return [
    ...gemmaLayerWeights(layer, place),
    ...(experts === null ? [] : expertWeights(hiddenSize, experts, options, name, source)),
    hiddenNorm(place, "output_norm", "post_feedforward_layernorm"),
    ...(perLayer === null
      ? []
      : [
          whole(`${name}.per_layer.gate`, "matrix", [perLayer.width, hiddenSize], `${source}.per_layer_input_gate.weight`),
          whole(`${name}.per_layer.out`, "matrix", [hiddenSize, perLayer.width], `${source}.per_layer_projection.weight`),
          hiddenNorm(place, "per_layer.norm", "post_per_layer_input_norm"),
        ]),
    exactVector(`${name}.scalar`, 1, `${source}.layer_scalar`),
  ];
}

/** The router, the norms around the two branches, and the experts, apart or side by side (see ExpertMode). */
function expertWeights(
  hiddenSize: number,
  { count, width }: NonNullable<ModelConfig["experts"]>,
  options: BuildOptions,
  name: string,
  source: string,
): readonly WeightSpec[] {
  const input = `${source}.experts.gate_up_proj`;
  const output = `${source}.experts.down_proj`;
  const around = [
    whole(`${name}.router`, "exact", [count, hiddenSize], `${source}.router.proj.weight`),
    exactVector(`${name}.router.scale`, hiddenSize, `${source}.router.scale`),
    exactVector(`${name}.router.expert_scale`, count, `${source}.router.per_expert_scale`),
    exactVector(`${name}.mlp.output_norm`, hiddenSize, `${source}.post_feedforward_layernorm_1.weight`),
    exactVector(`${name}.experts.input_norm`, hiddenSize, `${source}.pre_feedforward_layernorm_2.weight`),
    exactVector(`${name}.experts.output_norm`, hiddenSize, `${source}.post_feedforward_layernorm_2.weight`),
  ];
  const numbers = Array.from({ length: count }, (_, expert) => expert);
  if (options.experts === "merged") {
    const units = count * width;
    const parts = numbers.flatMap((expert) => [
      rows(input, 2 * expert * width, width, [expert * width, 0]),
      rows(input, (2 * expert + 1) * width, width, [units + expert * width, 0]),
    ]);
    const down = numbers.map((expert) => rows(output, expert * hiddenSize, hiddenSize, [0, expert * width]));
    return [
      ...around,
      { name: `${name}.experts.gate_up`, role: "matrix", shape: [2 * units, hiddenSize], parts },
      { name: `${name}.experts.down`, role: "matrix", shape: [hiddenSize, units], parts: down },
    ];
  }
  const apart = numbers.flatMap((expert): WeightSpec[] => [
    {
      name: `${name}.experts.${expert}.gate_up`,
      role: "matrix",
      shape: [2 * width, hiddenSize],
      parts: [rows(input, expert * 2 * width, 2 * width, [0, 0])],
    },
    {
      name: `${name}.experts.${expert}.down`,
      role: "matrix",
      shape: [hiddenSize, width],
      parts: [rows(output, expert * hiddenSize, hiddenSize, [0, 0])],
    },
  ]);
  return [...around, ...apart];
}
