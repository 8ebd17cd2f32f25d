/**
 * Gemma 3, text only (270M, 1B), from both kinds of file. Sources: gemma4.md section 4, transformers configuration_gemma3.py (defaults),
 * llama.cpp conversion/gemma.py (names; norms are stored as 1 + w).
 */
import { z } from "zod";
import type { CheckpointFamily, FamilyConfig } from "./checkpoint-family.ts";
import { badConfig, layerCount, parseFields, positiveNumber, size, unsupported } from "./config-fields.ts";
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
  ropeOf,
  SLIDING,
  type LayerType,
  type Place,
  type RopeParameters,
  type Spelling,
} from "./gemma.ts";
import { atLayer, checkSame, checkUnscaled, fieldsUnder, GGUF_SPELLING, ggufFields, vocabularyOf } from "./gemma-gguf.ts";
import type { GgufMetadata } from "./gguf.ts";
import type { LayerConfig } from "./model-config.ts";

const PERIOD = 6;

const jsonSchema = z.object({
  ...jsonFields,
  query_pre_attn_scalar: positiveNumber.default(256),
  sliding_window: size.default(4096),
  /** Up to transformers 4, from before layer_types. */
  sliding_window_pattern: layerCount.nullish(),
  _sliding_window_pattern: layerCount.nullish(),
  rope_theta: positiveNumber.nullish(),
  rope_local_base_freq: positiveNumber.nullish(),
  rope_scaling: z.unknown().optional(),
  attn_logit_softcapping: z.unknown().optional(),
});

function fromConfigJson(json: Record<string, unknown>, file: string): FamilyConfig {
  const place: Place = { file, under: "" };
  const f = parseFields(jsonSchema, json, file);
  checkBuilt(f, place);
  for (const [field, neutral] of [
    ["use_bidirectional_attention", false],
    ["attn_logit_softcapping", null],
    ["rope_scaling", null],
  ] as const)
    if ((f[field] ?? neutral) !== neutral) throw unsupported(file, field, f[field], String(neutral));
  const count = f.num_hidden_layers;
  const period = f.sliding_window_pattern ?? f._sliding_window_pattern ?? PERIOD;
  const types = f.layer_types ? layerTypes(f.layer_types, count, place) : periodicTypes(count, period);
  const ropes: RopeParameters = f.rope_parameters ?? {
    [FULL]: { rope_theta: f.rope_theta ?? 1_000_000 },
    [SLIDING]: { rope_theta: f.rope_local_base_freq ?? 10_000 },
  };
  const heads = { query: f.num_attention_heads, keyValue: f.num_key_value_heads, size: f.head_dim };
  const settings = { heads, valueIsKey: false, mlpWidth: f.intermediate_size };
  return gemma3Config(
    {
      vocabularySize: f.vocab_size,
      hiddenSize: f.hidden_size,
      contextLength: f.max_position_embeddings,
      normEpsilon: f.rms_norm_eps,
      softcap: f.final_logit_softcapping ?? null,
      tiedHead: f.tie_word_embeddings ?? true,
      attention: f.query_pre_attn_scalar ** -0.5,
    },
    { types, window: f.sliding_window, layer: (type) => ({ ...settings, rope: ropeOf(type, heads.size, ropes, false, place) }) },
    JSON_SPELLING,
    place,
  );
}

const ggufSchema = z.object({
  ...ggufFields,
  /** No converter writes it; a file that does says it as Gemma 4's do, or as a period. */
  "attention.sliding_window_pattern": z.union([layerCount, z.array(z.boolean())]).default(PERIOD),
});

/** Layers of the 27B, whose attention is not scaled by its head size. */
const LAYERS_27B = 62;

function fromGguf(metadata: GgufMetadata, tensors: { has(name: string): boolean }, file: string): FamilyConfig {
  const place: Place = { file, under: "gemma3." };
  const f = fieldsUnder(ggufSchema, metadata, place);
  const count = f.block_count;
  if (count === LAYERS_27B) throw unsupported(file, "gemma3.block_count", count, "a text model, 270M or 1B");
  checkUnscaled(f, place);
  const headSize = f["attention.key_length"];
  const { "attention.value_length": valueSize, "rope.dimension_count": turned } = f;
  checkSame({ "attention.value_length": valueSize, "rope.dimension_count": turned }, headSize, place);
  const query = atLayer("attention.head_count", f["attention.head_count"], count, place);
  const keyValue = atLayer("attention.head_count_kv", f["attention.head_count_kv"], count, place);
  const mlpWidth = atLayer("feed_forward_length", f.feed_forward_length, count, place);
  const theta = { [FULL]: f["rope.freq_base"], [SLIDING]: f["rope.freq_base_swa"] };
  return gemma3Config(
    {
      vocabularySize: vocabularyOf(f.vocab_size, metadata, place),
      hiddenSize: f.embedding_length,
      contextLength: f.context_length,
      normEpsilon: f["attention.layer_norm_rms_epsilon"],
      softcap: f.final_logit_softcapping ?? null,
      tiedHead: !tensors.has("output.weight"),
      attention: headSize ** -0.5,
    },
    {
      types: ggufTypes(f["attention.sliding_window_pattern"], count, place),
      window: f["attention.sliding_window"],
      layer: (type, index) => ({
        heads: { query: query(index), keyValue: keyValue(index), size: headSize },
        rope: { theta: theta[type], pairs: headSize / 2 },
        valueIsKey: false,
        mlpWidth: mlpWidth(index),
      }),
    },
    GGUF_SPELLING,
    place,
  );
}

function ggufTypes(pattern: number | readonly boolean[], count: number, { file, under }: Place): LayerType[] {
  if (typeof pattern === "number") return periodicTypes(count, pattern);
  if (pattern.length !== count)
    throw badConfig(file, `${under}attention.sliding_window_pattern: found ${pattern.length} layers`, `${count}`);
  return pattern.map((sliding) => (sliding ? SLIDING : FULL));
}

type Facts = Omit<FamilyConfig, "layers" | "scales" | "experts" | "perLayer"> & { readonly attention: number };

interface Layers {
  readonly types: readonly LayerType[];
  readonly window: number;
  layer(type: LayerType, index: number): Pick<LayerConfig, "heads" | "rope" | "valueIsKey" | "mlpWidth">;
}

function gemma3Config({ attention, ...facts }: Facts, layers: Layers, spelling: Spelling, place: Place): FamilyConfig {
  const config: FamilyConfig = {
    ...facts,
    layers: planLayers({ ...layers, shared: 0 }, spelling, place),
    scales: { embedding: Math.sqrt(facts.hiddenSize), residual: 1, attention, logits: 1 },
    experts: null,
    perLayer: null,
  };
  checkTable(config, spelling, place);
  return config;
}

export const gemma3: CheckpointFamily = {
  name: "gemma3",
  modelTypes: ["gemma3_text"],
  architectures: ["gemma3"],
  needsBos: true,
  prefixes: ["model.", "model.language_model.", "language_model.model.", "language_model.", ""],
  fromConfigJson,
  fromGguf,
  tensors: (config) => gemmaTensors(config, 1, () => []),
  derived: () => [],
  /** A tied head that was written all the same. */
  ignores: (name, { tiedHead }) => tiedHead && name === "lm_head.weight",
};
