/**
 * Granite MoE, with or without an MLP that every token passes, from both kinds of file. Sources: transformers configuration_granitemoe.py
 * and configuration_granitemoeshared.py (defaults), llama.cpp convert_hf_to_gguf.py (names, split of gate and up, order of q and k rows).
 */
import { z } from "zod";
import { badConfig, expertCount, float32, layerCount, parseFields, positiveNumber, size, unsupported } from "./config-fields.ts";
import type { CheckpointFamily, FamilyConfig, ModelTensor } from "./checkpoint-family.ts";
import type { GgufMetadata } from "./gguf.ts";
import type { LayerConfig } from "./model-config.ts";

/** Sizes have no default: one that is guessed would be refuted by the weights anyway. */
const jsonSchema = z.object({
  model_type: z.enum(["granitemoe", "granitemoeshared"]),
  vocab_size: size,
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: layerCount,
  num_attention_heads: size,
  num_key_value_heads: size.nullish(),
  head_dim: size.nullish(),
  max_position_embeddings: size,
  rms_norm_eps: positiveNumber.default(1e-6),
  num_local_experts: expertCount,
  num_experts_per_tok: expertCount,
  /** Newer transformers read granitemoe and granitemoeshared alike; only the latter writes it. */
  shared_intermediate_size: z.int().nonnegative().nullish(),
  embedding_multiplier: positiveNumber.default(1),
  residual_multiplier: positiveNumber.default(1),
  attention_multiplier: positiveNumber.default(1),
  logits_scaling: positiveNumber.default(1),
  tie_word_embeddings: z.boolean().default(false),
  /** Up to transformers 4 at the top level, from 5 on in rope_parameters. */
  rope_theta: positiveNumber.nullish(),
  rope_parameters: z
    .object({ rope_theta: positiveNumber.nullish(), rope_type: z.unknown().optional(), partial_rotary_factor: z.unknown().optional() })
    .nullish(),
  rope_scaling: z.unknown().optional(),
  hidden_act: z.unknown().optional(),
  attention_bias: z.unknown().optional(),
});

/** Names of the fields that are held against each other, as the file spells them. */
interface Spelling {
  readonly hidden: string;
  readonly query: string;
  readonly keyValue: string;
  readonly headSize: string;
  readonly experts: string;
  readonly perToken: string;
}

const JSON_SPELLING: Spelling = {
  hidden: "hidden_size",
  query: "num_attention_heads",
  keyValue: "num_key_value_heads",
  headSize: "head_dim",
  experts: "num_local_experts",
  perToken: "num_experts_per_tok",
};

function fromConfigJson(json: Record<string, unknown>, file: string): FamilyConfig {
  const f = parseFields(jsonSchema, json, file);
  const ropeType = f.rope_parameters?.rope_type ?? "default";
  if (ropeType !== "default") throw unsupported(file, "rope_parameters.rope_type", ropeType, '"default"');
  const turned = f.rope_parameters?.partial_rotary_factor ?? 1;
  if (turned !== 1) throw unsupported(file, "rope_parameters.partial_rotary_factor", turned, "1");
  if (f.rope_scaling !== undefined && f.rope_scaling !== null) throw unsupported(file, "rope_scaling", f.rope_scaling, "null");
  if ((f.hidden_act ?? "silu") !== "silu") throw unsupported(file, "hidden_act", f.hidden_act, '"silu"');
  if ((f.attention_bias ?? false) !== false) throw unsupported(file, "attention_bias", f.attention_bias, "false");

  const query = f.num_attention_heads;
  const config: FamilyConfig = {
    vocabularySize: f.vocab_size,
    hiddenSize: f.hidden_size,
    contextLength: f.max_position_embeddings,
    normEpsilon: f.rms_norm_eps,
    layers: equalLayers(f.num_hidden_layers, {
      heads: { query, keyValue: f.num_key_value_heads ?? query, size: f.head_dim ?? f.hidden_size / query },
      theta: f.rope_parameters?.rope_theta ?? f.rope_theta ?? 10_000,
      mlpWidth: f.shared_intermediate_size ?? 0,
    }),
    scales: {
      embedding: f.embedding_multiplier,
      residual: f.residual_multiplier,
      attention: f.attention_multiplier,
      logits: f.logits_scaling,
    },
    softcap: null,
    perLayer: null,
    experts: { count: f.num_local_experts, perToken: f.num_experts_per_tok, width: f.intermediate_size },
    tiedHead: f.tie_word_embeddings,
  };
  return checked(config, JSON_SPELLING, file);
}

const ggufSchema = z.object({
  "granitemoe.vocab_size": size.optional(),
  "granitemoe.embedding_length": size,
  "granitemoe.feed_forward_length": size,
  "granitemoe.block_count": layerCount,
  "granitemoe.context_length": size,
  "granitemoe.attention.head_count": size,
  "granitemoe.attention.head_count_kv": size.optional(),
  "granitemoe.attention.key_length": size.optional(),
  "granitemoe.attention.value_length": size.optional(),
  "granitemoe.attention.layer_norm_rms_epsilon": float32,
  "granitemoe.rope.freq_base": float32.default(10_000),
  "granitemoe.rope.dimension_count": size.optional(),
  "granitemoe.rope.scaling.type": z.unknown().optional(),
  "granitemoe.expert_count": expertCount,
  "granitemoe.expert_used_count": expertCount,
  "granitemoe.expert_shared_feed_forward_length": z.int().nonnegative().default(0),
  // llama.cpp demands these four, so there is no default to follow.
  "granitemoe.embedding_scale": float32,
  "granitemoe.residual_scale": float32,
  "granitemoe.attention.scale": float32,
  "granitemoe.logit_scale": float32,
  "tokenizer.ggml.tokens": z.array(z.unknown()).optional(),
});

const GGUF_SPELLING: Spelling = {
  hidden: "granitemoe.embedding_length",
  query: "granitemoe.attention.head_count",
  keyValue: "granitemoe.attention.head_count_kv",
  headSize: "granitemoe.attention.key_length",
  experts: "granitemoe.expert_count",
  perToken: "granitemoe.expert_used_count",
};

function fromGguf(metadata: GgufMetadata, tensors: { has(name: string): boolean }, file: string): FamilyConfig {
  const f = parseFields(ggufSchema, Object.fromEntries(metadata), file);
  const vocabularySize = f["granitemoe.vocab_size"] ?? f["tokenizer.ggml.tokens"]?.length;
  if (vocabularySize === undefined) throw badConfig(file, "granitemoe.vocab_size is missing", "it, or tokenizer.ggml.tokens to count");
  const scaling = f["granitemoe.rope.scaling.type"] ?? "none";
  if (scaling !== "none") throw unsupported(file, "granitemoe.rope.scaling.type", scaling, '"none"');

  const query = f["granitemoe.attention.head_count"];
  const headSize = f["granitemoe.attention.key_length"] ?? f["granitemoe.embedding_length"] / query;
  for (const key of ["granitemoe.attention.value_length", "granitemoe.rope.dimension_count"] as const) {
    if ((f[key] ?? headSize) !== headSize) throw unsupported(file, key, f[key], `the head size ${headSize}`);
  }
  const config: FamilyConfig = {
    vocabularySize,
    hiddenSize: f["granitemoe.embedding_length"],
    contextLength: f["granitemoe.context_length"],
    normEpsilon: f["granitemoe.attention.layer_norm_rms_epsilon"],
    layers: equalLayers(f["granitemoe.block_count"], {
      heads: { query, keyValue: f["granitemoe.attention.head_count_kv"] ?? query, size: headSize },
      theta: f["granitemoe.rope.freq_base"],
      mlpWidth: f["granitemoe.expert_shared_feed_forward_length"],
    }),
    scales: {
      embedding: f["granitemoe.embedding_scale"],
      residual: f["granitemoe.residual_scale"],
      attention: f["granitemoe.attention.scale"],
      logits: f["granitemoe.logit_scale"],
    },
    softcap: null,
    perLayer: null,
    experts: {
      count: f["granitemoe.expert_count"],
      perToken: f["granitemoe.expert_used_count"],
      width: f["granitemoe.feed_forward_length"],
    },
    tiedHead: !tensors.has("output.weight"),
  };
  return checked(config, GGUF_SPELLING, file);
}

/** Every layer of a Granite is like the others. */
function equalLayers(count: number, layer: { heads: LayerConfig["heads"]; theta: number; mlpWidth: number }): LayerConfig[] {
  const { heads, theta, mlpWidth } = layer;
  const rope = { theta, pairs: heads.size / 2 };
  return Array.from({ length: count }, (_, keysFrom) => ({ heads, window: null, rope, keysFrom, valueIsKey: false, mlpWidth }));
}

function checked(config: FamilyConfig, name: Spelling, file: string): FamilyConfig {
  const { hiddenSize } = config;
  const { heads } = config.layers[0]!;
  const experts = config.experts!;
  if (!Number.isInteger(heads.size)) {
    throw badConfig(file, `${name.hidden} ${hiddenSize} and ${name.query} ${heads.query}`, "heads that divide the width");
  }
  if (heads.size % 2 !== 0) throw badConfig(file, `${name.headSize} is ${heads.size}`, "an even head size: rotation turns halves");
  if (heads.query % heads.keyValue !== 0) {
    throw badConfig(
      file,
      `${name.query} ${heads.query} and ${name.keyValue} ${heads.keyValue}`,
      "query heads that share key/value heads evenly",
    );
  }
  if (experts.perToken > experts.count) {
    throw badConfig(
      file,
      `${name.perToken} ${experts.perToken} and ${name.experts} ${experts.count}`,
      "at most as many chosen as there are",
    );
  }
  return config;
}

function tensors(config: FamilyConfig): readonly ModelTensor[] {
  const { hiddenSize, vocabularySize } = config;
  const experts = config.experts!; // Granite MoE always has them
  const whole = (name: string, shape: readonly number[], gguf: string): ModelTensor => ({ name, shape, gguf: { parts: [gguf] }, share: 1 });

  const list = [
    whole("model.embed_tokens.weight", [vocabularySize, hiddenSize], "token_embd.weight"),
    whole("model.norm.weight", [hiddenSize], "output_norm.weight"),
  ];
  if (!config.tiedHead) list.push(whole("lm_head.weight", [vocabularySize, hiddenSize], "output.weight"));

  const share = experts.perToken / experts.count;
  for (const [i, { heads, mlpWidth: sharedWidth }] of config.layers.entries()) {
    const queryRows = heads.query * heads.size;
    const keyRows = heads.keyValue * heads.size;
    const hf = `model.layers.${i}`;
    const blk = `blk.${i}`;
    const pairs = heads.size;
    list.push(
      whole(`${hf}.input_layernorm.weight`, [hiddenSize], `${blk}.attn_norm.weight`),
      { name: `${hf}.self_attn.q_proj.weight`, shape: [queryRows, hiddenSize], gguf: { parts: [`${blk}.attn_q.weight`], pairs }, share: 1 },
      { name: `${hf}.self_attn.k_proj.weight`, shape: [keyRows, hiddenSize], gguf: { parts: [`${blk}.attn_k.weight`], pairs }, share: 1 },
      whole(`${hf}.self_attn.v_proj.weight`, [keyRows, hiddenSize], `${blk}.attn_v.weight`),
      whole(`${hf}.self_attn.o_proj.weight`, [hiddenSize, queryRows], `${blk}.attn_output.weight`),
      whole(`${hf}.post_attention_layernorm.weight`, [hiddenSize], `${blk}.ffn_norm.weight`),
      whole(`${hf}.block_sparse_moe.router.layer.weight`, [experts.count, hiddenSize], `${blk}.ffn_gate_inp.weight`),
      {
        name: `${hf}.block_sparse_moe.input_linear.weight`,
        shape: [experts.count, 2 * experts.width, hiddenSize],
        gguf: { parts: [`${blk}.ffn_gate_exps.weight`, `${blk}.ffn_up_exps.weight`] },
        share,
      },
      {
        name: `${hf}.block_sparse_moe.output_linear.weight`,
        shape: [experts.count, hiddenSize, experts.width],
        gguf: { parts: [`${blk}.ffn_down_exps.weight`] },
        share,
      },
    );
    if (sharedWidth === 0) continue;
    list.push(
      {
        name: `${hf}.shared_mlp.input_linear.weight`,
        shape: [2 * sharedWidth, hiddenSize],
        gguf: { parts: [`${blk}.ffn_gate_shexp.weight`, `${blk}.ffn_up_shexp.weight`] },
        share: 1,
      },
      whole(`${hf}.shared_mlp.output_linear.weight`, [hiddenSize, sharedWidth], `${blk}.ffn_down_shexp.weight`),
    );
  }
  return list;
}

export const graniteMoe: CheckpointFamily = {
  name: "granite-moe",
  modelTypes: ["granitemoe", "granitemoeshared"],
  architectures: ["granitemoe"],
  needsBos: false,
  fromConfigJson,
  fromGguf,
  prefixes: ["model."],
  tensors,
  derived: () => [],
  /** A tied head that was written all the same, and the rotation's frequencies, which old transformers saved as a buffer. */
  ignores: (name, config) => (config.tiedHead && name === "lm_head.weight") || name.endsWith(".rotary_emb.inv_freq"),
};
