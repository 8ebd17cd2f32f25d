import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { CheckpointError } from "../errors.ts";
import { openCheckpoint } from "./checkpoint.ts";
import { familyOfArchitecture, familyOfModelType } from "./config.ts";
import type { FamilyConfig } from "./checkpoint-family.ts";
import { readFloatArrays } from "./float-arrays.ts";
import type { GgufValue } from "./gguf-cursor.ts";

const directory = fileURLToPath(new URL("../../fixtures/goldens/gemma3-scalar", import.meta.url));
const good = JSON.parse(readFileSync(`${directory}/config.json`, "utf8")) as Record<string, unknown>;

function parse(change: Record<string, unknown>): FamilyConfig {
  const json = { ...good, ...change };
  return familyOfModelType(json["model_type"], "config.json").fromConfigJson(json, "config.json");
}

function parseGguf(change: Record<string, GgufValue | undefined>): FamilyConfig {
  const metadata = new Map<string, GgufValue>([
    ["gemma3.context_length", 1024],
    ["gemma3.embedding_length", 64],
    ["gemma3.block_count", 8],
    ["gemma3.feed_forward_length", 96],
    ["gemma3.attention.head_count", 4],
    ["gemma3.attention.head_count_kv", 1],
    ["gemma3.attention.key_length", 16],
    ["gemma3.attention.value_length", 16],
    ["gemma3.attention.layer_norm_rms_epsilon", Math.fround(1e-6)],
    ["gemma3.attention.sliding_window", 8],
    ["gemma3.rope.freq_base", 1_000_000],
    ["tokenizer.ggml.tokens", ["a", "b"]],
  ]);
  for (const [key, value] of Object.entries(change)) {
    if (value === undefined) metadata.delete(`gemma3.${key}`);
    else metadata.set(`gemma3.${key}`, value);
  }
  return familyOfArchitecture("gemma3", "m.gguf").fromGguf(metadata, { has: () => false }, "m.gguf");
}

function errorOf(run: () => unknown): CheckpointError {
  try {
    run();
  } catch (error) {
    if (error instanceof CheckpointError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

const windows = ({ layers }: FamilyConfig): (number | null)[] => layers.map(({ window }) => window);

test("every field ends up in the config, and the scale is the config's, not the head's", () => {
  const config = parse({});
  expect(config).toMatchObject({
    vocabularySize: 320,
    hiddenSize: 64,
    scales: { embedding: 8, residual: 1, attention: 20 ** -0.5, logits: 1 },
    softcap: null,
    experts: null,
    perLayer: null,
    tiedHead: true,
  });
  for (const [index, layer] of config.layers.entries()) expect(layer).toMatchObject({ keysFrom: index, valueIsKey: false });
});

test("layer types are read, or every sixth layer is full; the last is what the pattern says", () => {
  const spelt = ["full_attention", "sliding_attention"];
  expect(windows(parse({ num_hidden_layers: 2, layer_types: spelt }))).toEqual([null, 8]);
  const periodic = { num_hidden_layers: 8, layer_types: undefined };
  expect(windows(parse(periodic))).toEqual([8, 8, 8, 8, 8, null, 8, 8]);
  expect(windows(parse({ ...periodic, _sliding_window_pattern: undefined, sliding_window_pattern: 3 }))).toEqual([
    8,
    8,
    null,
    8,
    8,
    null,
    8,
    8,
  ]);
});

test("rotation bases are read by layer type, in the older spelling, or have transformers' defaults", () => {
  const thetas = (change: Record<string, unknown>): number[] =>
    parse({ num_hidden_layers: 2, layer_types: ["sliding_attention", "full_attention"], ...change }).layers.map(({ rope }) => rope.theta);
  expect(thetas({ rope_parameters: { sliding_attention: { rope_theta: 5 }, full_attention: { rope_theta: 7 } } })).toEqual([5, 7]);
  expect(thetas({ rope_parameters: undefined, rope_theta: 9, rope_local_base_freq: 11, rope_scaling: null })).toEqual([11, 9]);
  expect(thetas({ rope_parameters: null })).toEqual([1e4, 1e6]);
});

test.each([
  ["rope_scaling", { rope_scaling: { rope_type: "linear", factor: 8 } }],
  ["rope_type", { rope_parameters: { sliding_attention: { rope_theta: 1 }, full_attention: { rope_theta: 1, rope_type: "linear" } } }],
  ["factor", { rope_parameters: { sliding_attention: { rope_theta: 1 }, full_attention: { rope_theta: 1, factor: 8 } } }],
  ["use_bidirectional_attention", { use_bidirectional_attention: true }],
  ["attn_logit_softcapping", { attn_logit_softcapping: 50 }],
  ["attention_bias", { attention_bias: true }],
  ["hidden_activation", { hidden_activation: "silu" }],
])("%s that is not built is refused by name", (field, change) => {
  const error = errorOf(() => parse(change));
  expect(error.code).toBe("checkpoint/unsupported");
  expect(error.message).toContain(field);
});

test("GGUF: every sixth layer is full, old files lack the sliding base, scale is that of the head", () => {
  const config = parseGguf({});
  expect(windows(config)).toEqual([8, 8, 8, 8, 8, null, 8, 8]);
  expect(config.layers[0]!.rope).toEqual({ theta: 10_000, pairs: 8 });
  expect(config.layers[5]!.rope).toEqual({ theta: 1_000_000, pairs: 8 });
  expect(config).toMatchObject({ vocabularySize: 2, normEpsilon: 1e-6, tiedHead: true, scales: { attention: 0.25 } });
  expect(windows(parseGguf({ "attention.sliding_window_pattern": [true, false, true, true, true, true, true, true] }))).toEqual([
    8,
    null,
    8,
    8,
    8,
    8,
    8,
    8,
  ]);
});

test.each([
  ["checkpoint/bad-config", "gemma3.attention.head_count_kv: found 2", { "attention.head_count_kv": [1, 1] }],
  ["checkpoint/bad-config", "gemma3.attention.sliding_window is 0", { "attention.sliding_window": 0 }],
  ["checkpoint/bad-config", "gemma3.embedding_length is missing", { embedding_length: undefined }],
  ["checkpoint/bad-config", "sliding_window_pattern: found 1 layers, expected 8", { "attention.sliding_window_pattern": [true] }],
  ["checkpoint/unsupported", "gemma3.attention.value_length", { "attention.value_length": 8 }],
  ["checkpoint/unsupported", "gemma3.rope.scaling.factor", { "rope.scaling.factor": 8 }],
  ["checkpoint/unsupported", "gemma3.rope.scaling.type", { "rope.scaling.type": "linear" }],
  ["checkpoint/unsupported", "gemma3.block_count", { block_count: 62 }],
])("GGUF: %s, %s", (code, words, change: Record<string, GgufValue | undefined>) => {
  const error = errorOf(() => parseGguf(change));
  expect(error.code).toBe(code);
  expect(error.message).toContain(words);
});

test("norms of safetensors files are read with the 1 that is left out in them, and cannot be read as stored", async () => {
  const stored = await readFloatArrays(`${directory}/model.safetensors`);
  const checkpoint = await openCheckpoint(directory);
  try {
    for (const name of ["model.norm.weight", "model.layers.1.self_attn.k_norm.weight", "model.layers.0.post_attention_layernorm.weight"]) {
      const tensor = checkpoint.tensor(name);
      expect(await checkpoint.readFloats(tensor)).toEqual(stored.get(name)!.map((w) => w + 1));
      await expect(checkpoint.readStored(tensor)).rejects.toThrow(RangeError);
    }
    const matrix = "model.layers.0.mlp.up_proj.weight";
    expect(await checkpoint.readFloats(checkpoint.tensor(matrix))).toEqual(stored.get(matrix));
  } finally {
    await checkpoint.close();
  }
});
