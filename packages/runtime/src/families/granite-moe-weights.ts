/** The weights of Granite MoE: which matrices the graph asks for, and which rows of the checkpoint each is made of. */
import type { ModelConfig } from "../checkpoint/model-config.ts";
import type { WeightPart, WeightSpec } from "../weights/weight.ts";
import type { BuildOptions } from "./family.ts";
import { all, attentionWeights, exactVector, rows, whole } from "./weight-parts.ts";

export function graniteMoeWeights(config: ModelConfig, options: BuildOptions): readonly WeightSpec[] {
  const { vocabularySize, hiddenSize, layers, tiedHead } = config;
  const table = [vocabularySize, hiddenSize] as const;
  return [
    whole("embedding", "embedding", table, "model.embed_tokens.weight"),
    ...layers.flatMap((_, index) => layerWeights(config, options, index)),
    exactVector("norm", hiddenSize, "model.norm.weight"),
    ...(tiedHead ? [] : [whole("head", "matrix", table, "lm_head.weight")]),
  ];
}

function layerWeights(config: ModelConfig, options: BuildOptions, index: number): readonly WeightSpec[] {
  const { hiddenSize } = config;
  const experts = config.experts!; // Granite MoE always has them
  const layer = config.layers[index]!;
  const name = `layers.${index}`;
  const source = `model.layers.${index}`;
  return [
    exactVector(`${name}.input_norm`, hiddenSize, `${source}.input_layernorm.weight`),
    ...attentionWeights(layer, { name, source, hiddenSize, owner: true }),
    exactVector(`${name}.post_norm`, hiddenSize, `${source}.post_attention_layernorm.weight`),
    whole(`${name}.router`, "exact", [experts.count, hiddenSize], `${source}.block_sparse_moe.router.layer.weight`),
    ...(options.experts === "merged"
      ? mergedWeights(config, layer.mlpWidth, name, source)
      : separateWeights(config, layer.mlpWidth, name, source)),
  ];
}

/** Every expert by itself, and the shared MLP, whose matrices the checkpoint has as they are wanted. */
function separateWeights(config: ModelConfig, sharedWidth: number, name: string, source: string): readonly WeightSpec[] {
  const { hiddenSize } = config;
  const { count, width } = config.experts!;
  const shared = [
    whole(`${name}.shared.gate_up`, "matrix", [2 * sharedWidth, hiddenSize], `${source}.shared_mlp.input_linear.weight`),
    whole(`${name}.shared.down`, "matrix", [hiddenSize, sharedWidth], `${source}.shared_mlp.output_linear.weight`),
  ];
  const each = Array.from({ length: count }, (_, expert): WeightSpec[] => [
    {
      name: `${name}.experts.${expert}.gate_up`,
      role: "matrix",
      shape: [2 * width, hiddenSize],
      parts: [rows(`${source}.block_sparse_moe.input_linear.weight`, expert * 2 * width, 2 * width, [0, 0])],
    },
    {
      name: `${name}.experts.${expert}.down`,
      role: "matrix",
      shape: [hiddenSize, width],
      parts: [rows(`${source}.block_sparse_moe.output_linear.weight`, expert * hiddenSize, hiddenSize, [0, 0])],
    },
  ]);
  return [...(sharedWidth === 0 ? [] : shared), ...each.flat()];
}

/** All experts, then the shared MLP, side by side: gate rows of all, up rows of all; down columns in the same order. */
function mergedWeights(config: ModelConfig, sharedWidth: number, name: string, source: string): readonly WeightSpec[] {
  const { hiddenSize } = config;
  const { count, width } = config.experts!;
  const units = count * width + sharedWidth;
  const gateUp: WeightPart[] = [];
  const down: WeightPart[] = [];
  for (let expert = 0; expert < count; expert++) {
    const input = `${source}.block_sparse_moe.input_linear.weight`;
    gateUp.push(rows(input, 2 * expert * width, width, [expert * width, 0]));
    gateUp.push(rows(input, (2 * expert + 1) * width, width, [units + expert * width, 0]));
    down.push(rows(`${source}.block_sparse_moe.output_linear.weight`, expert * hiddenSize, hiddenSize, [0, expert * width]));
  }
  if (sharedWidth > 0) {
    gateUp.push(rows(`${source}.shared_mlp.input_linear.weight`, 0, sharedWidth, [count * width, 0]));
    gateUp.push(rows(`${source}.shared_mlp.input_linear.weight`, sharedWidth, sharedWidth, [units + count * width, 0]));
    down.push(all(`${source}.shared_mlp.output_linear.weight`, [0, count * width]));
  }
  return [
    { name: `${name}.mlp.gate_up`, role: "matrix", shape: [2 * units, hiddenSize], parts: gateUp },
    { name: `${name}.mlp.down`, role: "matrix", shape: [hiddenSize, units], parts: down },
  ];
}
