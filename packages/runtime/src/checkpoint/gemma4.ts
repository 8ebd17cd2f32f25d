/**
 * Gemma 4, the text decoder of all five sizes, from both kinds of file. Sources: gemma4.md sections 1 to 3, transformers
 * configuration_gemma4.py (defaults), llama.cpp conversion/gemma.py (names). Law: vision and audio towers are left out, nothing else is.
 */
import { z } from "zod";
import type { CheckpointFamily, DerivedTensor, FamilyConfig, ModelTensor } from "./checkpoint-family.ts";
import { badConfig, expertCount, parseFields, size, unsupported } from "./config-fields.ts";
import {
  checkBuilt,
  checkTable,
  FULL,
  gemmaTensors,
  JSON_SPELLING,
  jsonFields,
  layerTypes,
  periodicTypes,
  planLayers,
  proportionalPairs,
  ropeOf,
  SLIDING,
  whole,
  type LayerPlan,
  type LayerType,
  type Place,
  type RopeParameters,
  type Spelling,
} from "./gemma.ts";
import { atLayer, checkSame, checkUnscaled, fieldsUnder, GGUF_SPELLING, ggufFields, vocabularyOf } from "./gemma-gguf.ts";
import type { GgufMetadata } from "./gguf.ts";
import { quoted } from "./json.ts";

/** Share of the heads of full layers that turns. GGUF files say it only by `rope_freqs.weight`. */
const FULL_SHARE = 0.25;
const PERIOD = 6;

const natural = z.int().nonnegative();

const DEFAULT_ROPES: RopeParameters = {
  [SLIDING]: { rope_theta: 10_000 },
  [FULL]: { rope_theta: 1_000_000, rope_type: "proportional", partial_rotary_factor: FULL_SHARE },
};

const textSchema = z.object({
  ...jsonFields,
  model_type: z.unknown().optional(),
  global_head_dim: size.nullish(),
  num_global_key_value_heads: size.nullish(),
  per_layer_config: z.record(z.string(), z.looseObject({ head_dim: size.optional(), num_key_value_heads: size.optional() })).nullish(),
  sliding_window: size.optional(),
  attention_k_eq_v: z.boolean().default(false),
  num_kv_shared_layers: natural.default(0),
  use_double_wide_mlp: z.boolean().default(false),
  hidden_size_per_layer_input: natural.nullish(),
  vocab_size_per_layer_input: size.default(262_144),
  enable_moe_block: z.boolean().default(false),
  num_experts: expertCount.nullish(),
  top_k_experts: expertCount.nullish(),
  moe_intermediate_size: size.nullish(),
});

type Text = z.infer<typeof textSchema>;

const outerSchema = z.object({ text_config: z.record(z.string(), z.unknown()), tie_word_embeddings: z.boolean().nullish() });

/** `gemma4` and `gemma4_unified` hold the text model one level down, where it is called `…_text`. */
function fromConfigJson(json: Record<string, unknown>, file: string): FamilyConfig {
  const outerType = String(json["model_type"]);
  if (outerType.endsWith("_text")) return fromText(json, outerType, true, { file, under: "" });
  const { text_config: text, tie_word_embeddings: tied } = parseFields(outerSchema, json, file);
  const type = text["model_type"] ?? `${outerType}_text`;
  if (type !== `${outerType}_text`) throw unsupported(file, "text_config.model_type", type, quoted(`${outerType}_text`));
  return fromText(text, `${outerType}_text`, tied ?? true, { file, under: "text_config." });
}

function fromText(text: Record<string, unknown>, type: string, tied: boolean, place: Place): FamilyConfig {
  const { file, under } = place;
  const f = parseFields(textSchema, text, file, under);
  checkBuilt(f, place);
  const unified = type === "gemma4_unified_text";
  const seeing = f.use_bidirectional_attention ?? null;
  if (seeing !== null && seeing !== "vision") throw unsupported(file, `${under}use_bidirectional_attention`, seeing, 'null or "vision"');

  const types = f.layer_types ? layerTypes(f.layer_types, f.num_hidden_layers, place) : periodicTypes(f.num_hidden_layers, PERIOD);
  types[types.length - 1] = FULL; // as transformers does, whatever the file says
  const width = f.hidden_size_per_layer_input ?? (unified ? 0 : 256);
  if (width > 0 && f.vocab_size_per_layer_input !== f.vocab_size)
    throw unsupported(file, `${under}vocab_size_per_layer_input`, f.vocab_size_per_layer_input, `vocab_size ${f.vocab_size}`);
  const ropes = f.rope_parameters ?? DEFAULT_ROPES;
  const headsAt = jsonHeads(f, types, place);
  const firstShared = types.length - f.num_kv_shared_layers;
  return gemma4Config(
    {
      vocabularySize: f.vocab_size,
      hiddenSize: f.hidden_size,
      contextLength: f.max_position_embeddings,
      normEpsilon: f.rms_norm_eps,
      softcap: f.final_logit_softcapping ?? null,
      tiedHead: f.tie_word_embeddings ?? tied,
      perLayer: width === 0 ? null : { width },
      experts: jsonExperts(f, place),
    },
    {
      types,
      shared: f.num_kv_shared_layers,
      window: f.sliding_window ?? (unified ? 1024 : 512),
      layer: (kind, index) => {
        const heads = headsAt(index);
        return {
          heads,
          rope: ropeOf(kind, heads.size, ropes, true, place),
          valueIsKey: kind === FULL && f.attention_k_eq_v,
          mlpWidth: f.intermediate_size * (f.use_double_wide_mlp && index >= firstShared ? 2 : 1),
        };
      },
    },
    JSON_SPELLING,
    place,
  );
}

/** Heads of each layer: what full layers have of their own is spelt flat, or layer by layer. */
function jsonHeads(
  f: Text,
  types: readonly LayerType[],
  place: Place,
): (layer: number) => { query: number; keyValue: number; size: number } {
  const all = { query: f.num_attention_heads, keyValue: f.num_key_value_heads, size: f.head_dim };
  const own = f.per_layer_config ? overrides(f.per_layer_config, types.length, place) : null;
  if (own !== null)
    return (layer) => {
      const { head_dim: headSize, num_key_value_heads: keyValue } = own.get(layer) ?? {};
      return { ...all, size: headSize ?? all.size, keyValue: keyValue ?? all.keyValue };
    };
  const keyValue = (f.attention_k_eq_v ? f.num_global_key_value_heads : null) ?? all.keyValue;
  const full = { ...all, size: f.global_head_dim ?? 512, keyValue };
  return (layer) => (types[layer] === FULL ? full : all);
}

type Overrides = NonNullable<Text["per_layer_config"]>;

/** Keys are layer numbers, padded with zeros. @throws CheckpointError `checkpoint/bad-config`, `checkpoint/unsupported` */
function overrides(given: Overrides, layers: number, { file, under }: Place): ReadonlyMap<number, Overrides[string]> {
  const found = new Map<number, Overrides[string]>();
  for (const [key, fields] of Object.entries(given)) {
    const layer = /^\d{1,9}$/.test(key) ? Number(key) : NaN;
    if (!(layer < layers) || found.has(layer))
      throw badConfig(file, `${under}per_layer_config names layer ${quoted(key)}`, `each of the layers 0 to ${layers - 1} once at most`);
    const other = Object.keys(fields).find((field) => field !== "head_dim" && field !== "num_key_value_heads");
    if (other !== undefined)
      throw unsupported(file, `${under}per_layer_config.${key}`, { [other]: fields[other] }, "head_dim and num_key_value_heads only");
    found.set(layer, fields);
  }
  return found;
}

function jsonExperts(f: Text, place: Place): FamilyConfig["experts"] {
  if (!f.enable_moe_block) return null;
  const given = (field: "num_experts" | "top_k_experts" | "moe_intermediate_size"): number => {
    const value = f[field];
    if (value === undefined || value === null)
      throw badConfig(
        place.file,
        `${place.under}${field} is ${value === null ? "null" : "missing"}`,
        "a number, since enable_moe_block is true",
      );
    return value;
  };
  const experts = { count: given("num_experts"), perToken: given("top_k_experts"), width: given("moe_intermediate_size") };
  return checkedExperts(experts, "top_k_experts", "num_experts", place);
}

function checkedExperts(
  experts: NonNullable<FamilyConfig["experts"]>,
  perToken: string,
  count: string,
  { file, under }: Place,
): FamilyConfig["experts"] {
  if (experts.perToken <= experts.count) return experts;
  const found = `${under}${perToken} ${experts.perToken} and ${count} ${experts.count}`;
  throw badConfig(file, found, "at most as many chosen as there are");
}

const ggufSchema = z.object({
  ...ggufFields,
  "attention.key_length_swa": size,
  "attention.value_length_swa": size.optional(),
  "rope.dimension_count_swa": size.optional(),
  "attention.sliding_window_pattern": z.array(z.boolean()),
  "attention.shared_kv_layers": natural.default(0),
  embedding_length_per_layer_input: natural.default(0),
  expert_count: natural.default(0),
  expert_used_count: expertCount.optional(),
  expert_feed_forward_length: size.optional(),
});

function fromGguf(metadata: GgufMetadata, tensors: { has(name: string): boolean }, file: string): FamilyConfig {
  const place: Place = { file, under: "gemma4." };
  const f = fieldsUnder(ggufSchema, metadata, place);
  const count = f.block_count;
  checkUnscaled(f, place);
  const headSize = { [FULL]: f["attention.key_length"], [SLIDING]: f["attention.key_length_swa"] };
  const { "attention.value_length": valueSize, "rope.dimension_count": turned } = f;
  const { "attention.value_length_swa": valueSizeSwa, "rope.dimension_count_swa": turnedSwa } = f;
  checkSame({ "attention.value_length": valueSize, "rope.dimension_count": turned }, headSize[FULL], place);
  checkSame({ "attention.value_length_swa": valueSizeSwa, "rope.dimension_count_swa": turnedSwa }, headSize[SLIDING], place);
  const sliding = f["attention.sliding_window_pattern"];
  if (sliding.length !== count)
    throw badConfig(file, `gemma4.attention.sliding_window_pattern: found ${sliding.length} layers`, `${count}`);
  const query = atLayer("attention.head_count", f["attention.head_count"], count, place);
  const keyValue = atLayer("attention.head_count_kv", f["attention.head_count_kv"], count, place);
  const mlpWidth = atLayer("feed_forward_length", f.feed_forward_length, count, place);
  const width = f.embedding_length_per_layer_input;
  const firstFull = sliding.indexOf(false);
  /** The first full layer speaks for all: a single layer without values would be a damaged file. */
  const valueIsKey = firstFull >= 0 && !tensors.has(`blk.${firstFull}.attn_v.weight`);
  return gemma4Config(
    {
      vocabularySize: vocabularyOf(f.vocab_size, metadata, place),
      hiddenSize: f.embedding_length,
      contextLength: f.context_length,
      normEpsilon: f["attention.layer_norm_rms_epsilon"],
      softcap: f.final_logit_softcapping ?? null,
      tiedHead: !tensors.has("output.weight"),
      perLayer: width === 0 ? null : { width },
      experts: ggufExperts(f, place),
    },
    {
      types: sliding.map((slides) => (slides ? SLIDING : FULL)),
      shared: f["attention.shared_kv_layers"],
      window: f["attention.sliding_window"],
      layer: (kind, index) => ({
        heads: { query: query(index), keyValue: keyValue(index), size: headSize[kind] },
        rope:
          kind === FULL
            ? { theta: f["rope.freq_base"], pairs: proportionalPairs(FULL_SHARE, headSize[FULL]) }
            : { theta: f["rope.freq_base_swa"], pairs: headSize[SLIDING] / 2 },
        valueIsKey: kind === FULL && valueIsKey,
        mlpWidth: mlpWidth(index),
      }),
    },
    GGUF_SPELLING,
    place,
  );
}

function ggufExperts(f: z.infer<typeof ggufSchema>, place: Place): FamilyConfig["experts"] {
  const { expert_count: count, expert_used_count: perToken, expert_feed_forward_length: width } = f;
  if (count === 0) return null;
  if (perToken === undefined || width === undefined)
    throw badConfig(
      place.file,
      `${place.under}${perToken === undefined ? "expert_used_count" : "expert_feed_forward_length"} is missing`,
      `a number, since expert_count is ${count}`,
    );
  return checkedExperts({ count, perToken, width }, "expert_used_count", "expert_count", place);
}

type Facts = Omit<FamilyConfig, "layers" | "scales">;

function gemma4Config(facts: Facts, layers: LayerPlan, spelling: Spelling, place: Place): FamilyConfig {
  const config: FamilyConfig = {
    ...facts,
    layers: planLayers(layers, spelling, place),
    scales: { embedding: Math.sqrt(facts.hiddenSize), residual: 1, attention: 1, logits: 1 },
  };
  checkTable(config, spelling, place);
  return config;
}

function tensors(config: FamilyConfig): readonly ModelTensor[] {
  const { vocabularySize, hiddenSize, layers, perLayer, experts } = config;
  const list = gemmaTensors(config, 0, (_, index) => {
    const scalar: ModelTensor = {
      ...whole(`model.layers.${index}.layer_scalar`, [1], `blk.${index}.layer_output_scale.weight`),
      absent: 1,
    };
    return [scalar, ...perLayerTensors(config, index), ...(experts === null ? [] : expertTensors(hiddenSize, experts, index))];
  });
  if (perLayer === null) return list;
  const columns = layers.length * perLayer.width;
  return [
    ...list,
    {
      ...whole("model.embed_tokens_per_layer.weight", [vocabularySize, columns], "per_layer_token_embd.weight"),
      share: 1 / vocabularySize,
    },
    whole("model.per_layer_model_projection.weight", [columns, hiddenSize], "per_layer_model_proj.weight"),
    whole("model.per_layer_projection_norm.weight", [perLayer.width], "per_layer_proj_norm.weight"),
  ];
}

function perLayerTensors({ hiddenSize, perLayer }: FamilyConfig, index: number): ModelTensor[] {
  if (perLayer === null) return [];
  const hf = `model.layers.${index}`;
  return [
    whole(`${hf}.per_layer_input_gate.weight`, [perLayer.width, hiddenSize], `blk.${index}.inp_gate.weight`),
    whole(`${hf}.per_layer_projection.weight`, [hiddenSize, perLayer.width], `blk.${index}.proj.weight`),
    whole(`${hf}.post_per_layer_input_norm.weight`, [hiddenSize], `blk.${index}.post_norm.weight`),
  ];
}

function expertTensors(hiddenSize: number, { count, perToken, width }: NonNullable<FamilyConfig["experts"]>, index: number): ModelTensor[] {
  const hf = `model.layers.${index}`;
  const blk = `blk.${index}`;
  const share = perToken / count;
  return [
    whole(`${hf}.router.proj.weight`, [count, hiddenSize], `${blk}.ffn_gate_inp.weight`),
    whole(`${hf}.router.scale`, [hiddenSize], `${blk}.ffn_gate_inp.scale`),
    whole(`${hf}.router.per_expert_scale`, [count], `${blk}.ffn_down_exps.scale`),
    {
      name: `${hf}.experts.gate_up_proj`,
      shape: [count, 2 * width, hiddenSize],
      gguf: { merged: `${blk}.ffn_gate_up_exps.weight`, parts: [`${blk}.ffn_gate_exps.weight`, `${blk}.ffn_up_exps.weight`] },
      share,
    },
    { ...whole(`${hf}.experts.down_proj`, [count, hiddenSize, width], `${blk}.ffn_down_exps.weight`), share },
    whole(`${hf}.pre_feedforward_layernorm_2.weight`, [hiddenSize], `${blk}.pre_ffw_norm_2.weight`),
    whole(`${hf}.post_feedforward_layernorm_1.weight`, [hiddenSize], `${blk}.post_ffw_norm_1.weight`),
    whole(`${hf}.post_feedforward_layernorm_2.weight`, [hiddenSize], `${blk}.post_ffw_norm_2.weight`),
  ];
}

/** The angles of full layers are divided by these: 1 for pairs that turn, a number that stops the others. */
function derived({ layers }: FamilyConfig): readonly DerivedTensor[] {
  const full = layers.find(({ window }) => window === null);
  if (full === undefined) return [];
  const { pairs } = full.rope;
  return [{ name: "rope_freqs.weight", length: full.heads.size / 2, at: (pair) => (pair < pairs ? 1 : 1e30) }];
}

/** Eyes and ears, under any of the prefixes. */
const TOWERS = /^(model\.)?(vision_tower|audio_tower|embed_vision|embed_audio|vision_embedder)\./;
const KEYS = /^(?:model\.layers|blk)\.(\d+)\.(?:self_attn\.(?:k_proj|v_proj|k_norm)|attn_k|attn_v|attn_k_norm)\.weight$/;

function ignores(name: string, { layers, tiedHead }: FamilyConfig): boolean {
  if (TOWERS.test(name) || (tiedHead && name === "lm_head.weight")) return true;
  const layer = Number(KEYS.exec(name)?.[1] ?? NaN);
  return layer < layers.length && layers[layer]!.keysFrom !== layer;
}

export const gemma4: CheckpointFamily = {
  name: "gemma4",
  modelTypes: ["gemma4", "gemma4_text", "gemma4_unified", "gemma4_unified_text"],
  architectures: ["gemma4"],
  needsBos: true,
  prefixes: ["model.", "model.language_model.", "language_model.model.", "language_model.", ""],
  fromConfigJson,
  fromGguf,
  tensors,
  derived,
  ignores,
};
