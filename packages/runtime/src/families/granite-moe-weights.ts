/** The weights of Granite MoE: which matrices the graph asks for, and which rows of the checkpoint each is made of. */
import type { ModelConfig } from "../checkpoint/model-config.ts";
import type { WeightPart, WeightRole, WeightSpec } from "../weights/weight.ts";
import type { BuildOptions } from "./family.ts";

export function graniteMoeWeights(config: ModelConfig, options: BuildOptions): readonly WeightSpec[] {
  const { vocabularySize, hiddenSize, layers, tiedHead } = config;
  const table = [vocabularySize, hiddenSize] as const;
  return [
    whole("embedding", "embedding", table, "model.embed_tokens"),
    ...Array.from({ length: layers }, (_, index) => layerWeights(config, options, index)).flat(),
    whole("norm", "exact", [1, hiddenSize], "model.norm"),
    ...(tiedHead ? [] : [whole("head", "matrix", table, "lm_head")]),
  ];
}

function layerWeights(config: ModelConfig, options: BuildOptions, index: number): readonly WeightSpec[] {
  const { hiddenSize, heads, experts } = config;
  const name = `layers.${index}`;
  const source = `model.layers.${index}`;
  const query = heads.query * heads.size;
  return [
    whole(`${name}.input_norm`, "exact", [1, hiddenSize], `${source}.input_layernorm`),
    {
      name: `${name}.attention.qkv`,
      role: "matrix",
      shape: [query + 2 * heads.keyValue * heads.size, hiddenSize],
      parts: qkvParts(config, source),
    },
    whole(`${name}.attention.out`, "matrix", [hiddenSize, query], `${source}.self_attn.o_proj`),
    whole(`${name}.post_norm`, "exact", [1, hiddenSize], `${source}.post_attention_layernorm`),
    whole(`${name}.router`, "exact", [experts.count, hiddenSize], `${source}.block_sparse_moe.router.layer`),
    ...(options.experts === "merged" ? mergedWeights(config, name, source) : separateWeights(config, name, source)),
  ];
}

/** For each key head: its query heads, its key, its value. So one reshape serves all three, and rotation takes neighbours. */
function qkvParts({ heads }: ModelConfig, source: string): readonly WeightPart[] {
  const { keyValue, size } = heads;
  const groups = heads.query / keyValue;
  return Array.from({ length: keyValue }, (_, head) => {
    const top = head * (groups + 2) * size;
    return [
      rows(`${source}.self_attn.q_proj`, head * groups * size, groups * size, [top, 0]),
      rows(`${source}.self_attn.k_proj`, head * size, size, [top + groups * size, 0]),
      rows(`${source}.self_attn.v_proj`, head * size, size, [top + (groups + 1) * size, 0]),
    ];
  }).flat();
}

/** Every expert by itself, and the shared MLP, whose matrices the checkpoint has as they are wanted. */
function separateWeights(config: ModelConfig, name: string, source: string): readonly WeightSpec[] {
  const { hiddenSize, sharedWidth, experts } = config;
  const { width } = experts;
  const shared = [
    whole(`${name}.shared.gate_up`, "matrix", [2 * sharedWidth, hiddenSize], `${source}.shared_mlp.input_linear`),
    whole(`${name}.shared.down`, "matrix", [hiddenSize, sharedWidth], `${source}.shared_mlp.output_linear`),
  ];
  const each = Array.from({ length: experts.count }, (_, expert): WeightSpec[] => [
    {
      name: `${name}.experts.${expert}.gate_up`,
      role: "matrix",
      shape: [2 * width, hiddenSize],
      parts: [rows(`${source}.block_sparse_moe.input_linear`, expert * 2 * width, 2 * width, [0, 0])],
    },
    {
      name: `${name}.experts.${expert}.down`,
      role: "matrix",
      shape: [hiddenSize, width],
      parts: [rows(`${source}.block_sparse_moe.output_linear`, expert * hiddenSize, hiddenSize, [0, 0])],
    },
  ]);
  return [...(sharedWidth === 0 ? [] : shared), ...each.flat()];
}

/** All experts, then the shared MLP, side by side: gate rows of all, up rows of all; down columns in the same order. */
function mergedWeights(config: ModelConfig, name: string, source: string): readonly WeightSpec[] {
  const { hiddenSize, sharedWidth, experts } = config;
  const { count, width } = experts;
  const units = count * width + sharedWidth;
  const gateUp: WeightPart[] = [];
  const down: WeightPart[] = [];
  for (let expert = 0; expert < count; expert++) {
    const input = `${source}.block_sparse_moe.input_linear`;
    gateUp.push(rows(input, 2 * expert * width, width, [expert * width, 0]));
    gateUp.push(rows(input, (2 * expert + 1) * width, width, [units + expert * width, 0]));
    down.push(rows(`${source}.block_sparse_moe.output_linear`, expert * hiddenSize, hiddenSize, [0, expert * width]));
  }
  if (sharedWidth > 0) {
    gateUp.push(rows(`${source}.shared_mlp.input_linear`, 0, sharedWidth, [count * width, 0]));
    gateUp.push(rows(`${source}.shared_mlp.input_linear`, sharedWidth, sharedWidth, [units + count * width, 0]));
    down.push(all(`${source}.shared_mlp.output_linear`, [0, count * width]));
  }
  return [
    { name: `${name}.mlp.gate_up`, role: "matrix", shape: [2 * units, hiddenSize], parts: gateUp },
    { name: `${name}.mlp.down`, role: "matrix", shape: [hiddenSize, units], parts: down },
  ];
}

function whole(name: string, role: WeightRole, shape: readonly [number, number], tensor: string): WeightSpec {
  return { name, role, shape, parts: [all(tensor, [0, 0])] };
}

function all(tensor: string, at: readonly [number, number]): WeightPart {
  return { tensor: `${tensor}.weight`, at };
}

function rows(tensor: string, start: number, count: number, at: readonly [number, number]): WeightPart {
  return { tensor: `${tensor}.weight`, rows: [start, start + count], at };
}
