/**
 * What Gemma 3 and Gemma 4 share: how their layers differ from each other, and the tensors that every layer has. In: fields of a config, of
 * either file format. Out: the layers' settings and the tensors' names. Law: fields that contradict each other are refused before
 * anything is built of them. Source: gemma4.md sections 1, 3 and 4; transformers configuration_gemma3.py and configuration_gemma4.py.
 */
import { z } from "zod";
import { CheckpointError } from "../errors.ts";
import type { FamilyConfig, ModelTensor } from "./checkpoint-family.ts";
import { badConfig, layerCount, positiveNumber, size, unsupported } from "./config-fields.ts";
import { quoted } from "./json.ts";
import type { LayerConfig } from "./model-config.ts";

export const SLIDING = "sliding_attention";
export const FULL = "full_attention";
export type LayerType = typeof SLIDING | typeof FULL;

/** A file, and what its messages put before a field's name: `text_config.`, `gemma4.`. */
export interface Place {
  readonly file: string;
  readonly under: string;
}

const ropeSchema = z.object({
  rope_theta: positiveNumber,
  rope_type: z.unknown().optional(),
  partial_rotary_factor: positiveNumber.max(1).nullish(),
  factor: z.unknown().optional(),
});

const ropeParametersSchema = z.object({ [SLIDING]: ropeSchema.nullish(), [FULL]: ropeSchema.nullish() });
export type RopeParameters = z.infer<typeof ropeParametersSchema>;

/** Fields that both families' config.json has, with the defaults that transformers gives to absent ones. */
export const jsonFields = {
  vocab_size: size,
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: layerCount,
  num_attention_heads: size,
  num_key_value_heads: size,
  head_dim: size.default(256),
  max_position_embeddings: size.default(131_072),
  rms_norm_eps: positiveNumber.default(1e-6),
  layer_types: z.array(z.unknown()).nullish(),
  rope_parameters: ropeParametersSchema.nullish(),
  final_logit_softcapping: positiveNumber.nullish(),
  tie_word_embeddings: z.boolean().nullish(),
  hidden_activation: z.unknown().optional(),
  attention_bias: z.unknown().optional(),
  use_bidirectional_attention: z.unknown().optional(),
};

/** @throws CheckpointError `checkpoint/unsupported` for an activation or a bias that the graphs do not have */
export function checkBuilt(fields: { hidden_activation?: unknown; attention_bias?: unknown }, { file, under }: Place): void {
  const { hidden_activation: activation, attention_bias: bias } = fields;
  if ((activation ?? "gelu_pytorch_tanh") !== "gelu_pytorch_tanh")
    throw unsupported(file, `${under}hidden_activation`, activation, '"gelu_pytorch_tanh"');
  if ((bias ?? false) !== false) throw unsupported(file, `${under}attention_bias`, bias, "false");
}

/** Every `period`-th of `count` layers is full. */
export function periodicTypes(count: number, period: number): LayerType[] {
  return Array.from({ length: count }, (_, index) => ((index + 1) % period === 0 ? FULL : SLIDING));
}

/** @throws CheckpointError `checkpoint/bad-config`, `checkpoint/unsupported` */
export function layerTypes(given: readonly unknown[], count: number, { file, under }: Place): LayerType[] {
  if (given.length !== count) throw badConfig(file, `${under}layer_types: found ${given.length} layers`, `${count}`);
  return given.map((type, index) => {
    if (type === SLIDING || type === FULL) return type;
    throw unsupported(file, `${under}layer_types[${index}]`, type, `"${SLIDING}" or "${FULL}"`);
  });
}

/** Pairs of a head that turn when a share of it does, the frequencies being those of the whole head. */
export function proportionalPairs(share: number, headSize: number): number {
  return Math.floor((share * headSize) / 2);
}

/** The rotation of a layer's heads. @throws CheckpointError `checkpoint/bad-config`, `checkpoint/unsupported` */
export function ropeOf(
  type: LayerType,
  headSize: number,
  parameters: RopeParameters,
  proportional: boolean,
  { file, under }: Place,
): LayerConfig["rope"] {
  const name = `${under}rope_parameters.${type}`;
  const found = parameters[type];
  if (!found) throw badConfig(file, `${name} is missing`, "an object with rope_theta");
  const { rope_theta: theta, rope_type: kind = "default", partial_rotary_factor: share, factor } = found;
  if ((factor ?? 1) !== 1) throw unsupported(file, `${name}.factor`, factor, "1");
  if (kind === "proportional" && proportional) return { theta, pairs: proportionalPairs(share ?? 1, headSize) };
  if (kind !== "default") throw unsupported(file, `${name}.rope_type`, kind, proportional ? '"default" or "proportional"' : '"default"');
  if ((share ?? 1) !== 1) throw unsupported(file, `${name}.partial_rotary_factor`, share, "1");
  return { theta, pairs: headSize / 2 };
}

/** How a file format spells the fields that are held against each other. */
export interface Spelling {
  readonly vocabulary: string;
  readonly hidden: string;
  readonly layers: string;
  readonly query: string;
  readonly keyValue: string;
  readonly headSize: string;
  readonly shared: string;
}

export const JSON_SPELLING: Spelling = {
  vocabulary: "vocab_size",
  hidden: "hidden_size",
  layers: "num_hidden_layers",
  query: "num_attention_heads",
  keyValue: "num_key_value_heads",
  headSize: "head_dim",
  shared: "num_kv_shared_layers",
};

export interface LayerPlan {
  readonly types: readonly LayerType[];
  /** Layers at the end that read the keys and values of the last layer of their type before them. */
  readonly shared: number;
  readonly window: number;
  /** The rest of a layer's settings. `valueIsKey` counts only where a layer owns keys. */
  layer(type: LayerType, index: number): Pick<LayerConfig, "heads" | "rope" | "valueIsKey" | "mlpWidth">;
}

/** @throws CheckpointError `checkpoint/bad-config` when a layer has no one to read keys from, or heads that do not fit */
export function planLayers({ types, shared, window, layer }: LayerPlan, name: Spelling, { file, under }: Place): LayerConfig[] {
  const first = types.length - shared;
  if (first <= 0)
    throw badConfig(file, `${under}${name.shared} ${shared} and ${name.layers} ${types.length}`, "at least one layer with keys of its own");
  const layers: LayerConfig[] = [];
  for (const [index, type] of types.entries()) {
    const settings = layer(type, index);
    const { heads } = settings;
    checkHeads(heads, index, name, { file, under });
    const keysFrom = index < first ? index : types.lastIndexOf(type, first - 1);
    const source = keysFrom === index ? heads : layers[keysFrom]?.heads;
    if (source === undefined)
      throw badConfig(file, `${under}${name.shared} is ${shared}, so layer ${index} has no keys`, `a ${type} layer before layer ${first}`);
    if (source.keyValue !== heads.keyValue || source.size !== heads.size)
      throw badConfig(
        file,
        `${under}${name.headSize} ${heads.size} and ${name.keyValue} ${heads.keyValue} of layer ${index}`,
        `those of layer ${keysFrom}, whose keys it reads: ${source.size} and ${source.keyValue}`,
      );
    const valueIsKey = keysFrom === index && settings.valueIsKey;
    layers.push({ ...settings, valueIsKey, keysFrom, window: type === SLIDING ? window : null });
  }
  return layers;
}

function checkHeads(
  { query, keyValue, size: headSize }: LayerConfig["heads"],
  layer: number,
  name: Spelling,
  { file, under }: Place,
): void {
  if (headSize % 2 !== 0)
    throw badConfig(file, `${under}${name.headSize} of layer ${layer} is ${headSize}`, "an even head size: rotation turns halves");
  if (query % keyValue !== 0)
    throw badConfig(
      file,
      `${under}${name.query} ${query} and ${name.keyValue} ${keyValue} of layer ${layer}`,
      "query heads that share key/value heads evenly",
    );
}

/** @throws CheckpointError `checkpoint/too-large` */
export function checkTable({ vocabularySize, hiddenSize }: FamilyConfig, name: Spelling, { file, under }: Place): void {
  if (Number.isSafeInteger(vocabularySize * hiddenSize)) return;
  const found = `${under}${name.vocabulary} ${quoted(vocabularySize)} × ${name.hidden} ${quoted(hiddenSize)} numbers`;
  throw new CheckpointError("checkpoint/too-large", `${file}: ${found}, expected at most 2^53`, {
    hint: "the config does not describe a model that can be built; fetch it again or correct it",
  });
}

/** A tensor that every token uses whole, under one name in either file format. */
export function whole(name: string, shape: readonly number[], gguf: string): ModelTensor {
  return { name, shape, gguf: { parts: [gguf] }, share: 1 };
}

/** `offset`: what safetensors files leave out of norm weights. `more`: tensors of a layer that not every Gemma has. */
export function gemmaTensors(
  config: FamilyConfig,
  offset: number,
  more: (layer: LayerConfig, index: number) => ModelTensor[],
): ModelTensor[] {
  const { hiddenSize, vocabularySize, tiedHead, layers } = config;
  const norm = (name: string, length: number, gguf: string): ModelTensor => ({ ...whole(name, [length], gguf), offset });
  const table = [vocabularySize, hiddenSize];
  return [
    whole("model.embed_tokens.weight", table, "token_embd.weight"),
    norm("model.norm.weight", hiddenSize, "output_norm.weight"),
    ...(tiedHead ? [] : [whole("lm_head.weight", table, "output.weight")]),
    ...layers.flatMap((layer, index) => {
      const { heads, mlpWidth, keysFrom, valueIsKey } = layer;
      const hf = `model.layers.${index}`;
      const blk = `blk.${index}`;
      const keyRows = heads.keyValue * heads.size;
      const keys = [
        whole(`${hf}.self_attn.k_proj.weight`, [keyRows, hiddenSize], `${blk}.attn_k.weight`),
        norm(`${hf}.self_attn.k_norm.weight`, heads.size, `${blk}.attn_k_norm.weight`),
        ...(valueIsKey ? [] : [whole(`${hf}.self_attn.v_proj.weight`, [keyRows, hiddenSize], `${blk}.attn_v.weight`)]),
      ];
      return [
        norm(`${hf}.input_layernorm.weight`, hiddenSize, `${blk}.attn_norm.weight`),
        whole(`${hf}.self_attn.q_proj.weight`, [heads.query * heads.size, hiddenSize], `${blk}.attn_q.weight`),
        norm(`${hf}.self_attn.q_norm.weight`, heads.size, `${blk}.attn_q_norm.weight`),
        ...(keysFrom === index ? keys : []),
        whole(`${hf}.self_attn.o_proj.weight`, [hiddenSize, heads.query * heads.size], `${blk}.attn_output.weight`),
        norm(`${hf}.post_attention_layernorm.weight`, hiddenSize, `${blk}.post_attention_norm.weight`),
        norm(`${hf}.pre_feedforward_layernorm.weight`, hiddenSize, `${blk}.ffn_norm.weight`),
        whole(`${hf}.mlp.gate_proj.weight`, [mlpWidth, hiddenSize], `${blk}.ffn_gate.weight`),
        whole(`${hf}.mlp.up_proj.weight`, [mlpWidth, hiddenSize], `${blk}.ffn_up.weight`),
        whole(`${hf}.mlp.down_proj.weight`, [hiddenSize, mlpWidth], `${blk}.ffn_down.weight`),
        norm(`${hf}.post_feedforward_layernorm.weight`, hiddenSize, `${blk}.post_ffw_norm.weight`),
        ...more(layer, index),
      ];
    }),
  ];
}
