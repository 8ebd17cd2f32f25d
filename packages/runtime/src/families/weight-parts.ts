/** The ways in which the families' weights are made of a checkpoint's tensors. */
import type { LayerConfig } from "../checkpoint/model-config.ts";
import type { WeightPart, WeightRole, WeightSpec } from "../weights/weight.ts";

/** A weight that is one tensor. */
export function whole(name: string, role: WeightRole, shape: readonly [rows: number, columns: number], tensor: string): WeightSpec {
  return { name, role, shape, parts: [all(tensor, [0, 0])] };
}

/** A vector that is one tensor, never quantized. */
export function exactVector(name: string, length: number, tensor: string): WeightSpec {
  return whole(name, "exact", [1, length], tensor);
}

/** All rows of a tensor, placed `at`. */
export function all(tensor: string, at: WeightPart["at"]): WeightPart {
  return { tensor, at };
}

/** `count` rows of a tensor from row `start`, placed `at`. */
export function rows(tensor: string, start: number, count: number, at: WeightPart["at"]): WeightPart {
  return { tensor, rows: [start, start + count], at };
}

/** Where a layer's weights come from, and what they are called. */
export interface LayerPlace {
  /** `layers.3`. */
  readonly name: string;
  /** `model.layers.3`. */
  readonly source: string;
  readonly hiddenSize: number;
  /** Whether the layer has keys of its own. */
  readonly owner: boolean;
}

export function layerPlace(index: number, hiddenSize: number, owner: boolean): LayerPlace {
  return { name: `layers.${index}`, source: `model.layers.${index}`, hiddenSize, owner };
}

/** A norm over the residual stream, under our name and the checkpoint's. */
export function hiddenNorm({ name, source, hiddenSize }: LayerPlace, ours: string, theirs: string): WeightSpec {
  return exactVector(`${name}.${ours}`, hiddenSize, `${source}.${theirs}.weight`);
}

/** What a layer of Gemma 3 and of Gemma 4 have in common: attention with its norms, and the MLP with the norm before it. */
export function gemmaLayerWeights(layer: LayerConfig, place: LayerPlace): WeightSpec[] {
  const { name, source, hiddenSize } = place;
  const { mlpWidth } = layer;
  return [
    hiddenNorm(place, "input_norm", "input_layernorm"),
    ...attentionWeights(layer, place),
    ...headNorms(layer, place),
    hiddenNorm(place, "attention_norm", "post_attention_layernorm"),
    hiddenNorm(place, "mlp.input_norm", "pre_feedforward_layernorm"),
    gateUp(`${name}.mlp.gate_up`, mlpWidth, hiddenSize, `${source}.mlp`),
    whole(`${name}.mlp.down`, "matrix", [hiddenSize, mlpWidth], `${source}.mlp.down_proj.weight`),
  ];
}

/** The two products of an attention: into queries, keys and values, and out of the mixed values. */
export function attentionWeights(layer: LayerConfig, { name, source, hiddenSize, owner }: LayerPlace): WeightSpec[] {
  const { heads } = layer;
  const rows = heads.keyValue * attentionVectors(layer, owner) * heads.size;
  const parts = attentionParts(layer, `${source}.self_attn`, owner);
  return [
    { name: `${name}.attention.qkv`, role: "matrix", shape: [rows, hiddenSize], parts },
    whole(`${name}.attention.out`, "matrix", [hiddenSize, heads.query * heads.size], `${source}.self_attn.o_proj.weight`),
  ];
}

/** Norm weights of Gemma's query heads, and of its key heads where the layer has keys of its own. */
function headNorms({ heads }: LayerConfig, { name, source, owner }: LayerPlace): WeightSpec[] {
  return [
    exactVector(`${name}.attention.query_norm`, heads.size, `${source}.self_attn.q_norm.weight`),
    ...(owner ? [exactVector(`${name}.attention.key_norm`, heads.size, `${source}.self_attn.k_norm.weight`)] : []),
  ];
}

/** For each key head: its query heads, its key, its value (as far as the layer has them). So one reshape serves all. */
function attentionParts({ heads, valueIsKey }: LayerConfig, source: string, owner: boolean): WeightPart[] {
  const { keyValue, size } = heads;
  const groups = heads.query / keyValue;
  const vectors = attentionVectors({ heads, valueIsKey }, owner);
  return Array.from({ length: keyValue }, (_, head): WeightPart[] => {
    const top = head * vectors * size;
    const query = rows(`${source}.q_proj.weight`, head * groups * size, groups * size, [top, 0]);
    if (!owner) return [query];
    const key = rows(`${source}.k_proj.weight`, head * size, size, [top + groups * size, 0]);
    if (valueIsKey) return [query, key];
    return [query, key, rows(`${source}.v_proj.weight`, head * size, size, [top + (groups + 1) * size, 0])];
  }).flat();
}

/** Vectors that the first product of an attention gives for each key head. */
function attentionVectors({ heads, valueIsKey }: Pick<LayerConfig, "heads" | "valueIsKey">, owner: boolean): number {
  const groups = heads.query / heads.keyValue;
  return owner ? groups + (valueIsKey ? 1 : 2) : groups;
}

/** gate over up, as `gatedMlp` wants them, from two tensors. */
function gateUp(name: string, width: number, hidden: number, source: string): WeightSpec {
  const parts = [all(`${source}.gate_proj.weight`, [0, 0]), all(`${source}.up_proj.weight`, [width, 0])];
  return { name, role: "matrix", shape: [2 * width, hidden], parts };
}
