import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CheckpointError } from "../errors.ts";
import { openCheckpoint } from "./checkpoint.ts";
import { familyOfModelType } from "./config.ts";
import type { FamilyConfig } from "./checkpoint-family.ts";
import { describeCheckpoint } from "../export/describe-checkpoint.ts";
import type { Checkpoint } from "./tensor.ts";

const goldens = fileURLToPath(new URL("../../fixtures/goldens/", import.meta.url));
const E2B = join(goldens, "gemma4-e2b/model.q8_0.gguf");

type Json = Record<string, unknown>;

function json(path: string): Json {
  return JSON.parse(readFileSync(join(goldens, path), "utf8")) as Json;
}

function parse(config: Json): FamilyConfig {
  return familyOfModelType(config["model_type"], "config.json").fromConfigJson(config, "config.json");
}

async function failure(run: () => unknown): Promise<CheckpointError> {
  try {
    await run();
  } catch (error) {
    if (error instanceof CheckpointError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

let scratch: string;
const opened: Checkpoint[] = [];
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "gemma4-"));
});
afterEach(async () => {
  for (const checkpoint of opened.splice(0)) await checkpoint.close();
  rmSync(scratch, { recursive: true });
});

async function open(path: string): Promise<Checkpoint> {
  const checkpoint = await openCheckpoint(path);
  opened.push(checkpoint);
  return checkpoint;
}

describe("config.json", () => {
  test.each(["gemma4-e2b", "gemma4-e4b", "gemma4-12b", "gemma4-26b-a4b"])("%s: both spellings give one model", (model) => {
    expect(parse(json(`${model}/config.json`))).toEqual(parse(json(`${model}/config.hub.json`)));
  });

  test("layers that share keys read the last of their type before them, and may have a double-wide MLP", () => {
    const { layers, perLayer, softcap, scales } = parse(json("gemma4-e2b/config.hub.json"));
    expect(layers.map(({ keysFrom }) => keysFrom)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 8, 8, 8, 8, 9]);
    expect(layers.map(({ mlpWidth }) => mlpWidth)).toEqual([...Array<number>(10).fill(64), ...Array<number>(5).fill(128)]);
    expect(layers[3]).toMatchObject({ window: 8, heads: { query: 4, keyValue: 1, size: 16 }, rope: { theta: 1e4, pairs: 8 } });
    expect(layers[4]).toMatchObject({ window: null, heads: { query: 4, keyValue: 1, size: 32 }, rope: { theta: 1e6, pairs: 4 } });
    expect({ perLayer, softcap, scales }).toEqual({
      perLayer: { width: 32 },
      softcap: 30,
      scales: { embedding: 8, residual: 1, attention: 1, logits: 1 },
    });
  });

  test("values are keys on full layers only, which have key heads of their own then", () => {
    const { layers, perLayer } = parse(json("gemma4-12b/config.hub.json"));
    expect(layers.map(({ valueIsKey }) => valueIsKey)).toEqual(layers.map(({ window }) => window === null));
    expect(layers.map(({ heads }) => heads.keyValue)).toEqual(layers.map(({ window }) => (window === null ? 1 : 2)));
    expect(perLayer).toBeNull(); // gemma4_unified has no such field
  });

  test("absent fields have transformers' defaults, some of which are not neutral", () => {
    const bare = {
      model_type: "gemma4_text",
      vocab_size: 262_144,
      hidden_size: 64,
      intermediate_size: 64,
      num_hidden_layers: 8,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      num_global_key_value_heads: 1, // counts only where values are keys
    };
    const { layers, ...rest } = parse(bare);
    expect(layers.map(({ window }) => window)).toEqual([512, 512, 512, 512, 512, null, 512, null]);
    expect(layers[5]).toMatchObject({ heads: { keyValue: 2, size: 512 }, rope: { theta: 1e6, pairs: 64 }, valueIsKey: false });
    expect(layers[0]).toMatchObject({ heads: { keyValue: 2, size: 256 }, rope: { theta: 1e4, pairs: 128 } });
    expect(rest).toMatchObject({ softcap: null, perLayer: { width: 256 }, experts: null, tiedHead: true, normEpsilon: 1e-6 });
    expect(parse({ ...bare, model_type: "gemma4_unified_text" })).toMatchObject({
      perLayer: null,
      layers: [{ window: 1024 }, {}, {}, {}, {}, {}, {}, {}],
    });
    expect(parse({ ...bare, attention_k_eq_v: true }).layers[5]).toMatchObject({ heads: { keyValue: 1 }, valueIsKey: true });
  });

  test("the last layer is full, whatever the file says", () => {
    const types = ["full_attention", "sliding_attention"];
    const { layers } = parse({ ...json("gemma4-26b-a4b/config.hub.json"), num_hidden_layers: 2, layer_types: types });
    expect(layers.map(({ window }) => window)).toEqual([null, null]);
  });

  const wrong: [code: string, words: string, change: Json][] = [
    ["bad-config", 'per_layer_config names layer "15"', { per_layer_config: { "15": { head_dim: 32 } } }],
    ["bad-config", 'per_layer_config names layer "04"', { per_layer_config: { "04": { head_dim: 32 }, "4": { head_dim: 16 } } }],
    ["bad-config", 'per_layer_config names layer "x"', { per_layer_config: { x: {} } }],
    ["unsupported", "sliding_window", { per_layer_config: { "04": { sliding_window: 4 } } }],
    ["bad-config", "of layer 14", { per_layer_config: { "14": { head_dim: 64 } } }],
    ["unsupported", "vocab_size_per_layer_input is 16", { vocab_size_per_layer_input: 16 }],
    ["unsupported", "vocab_size_per_layer_input is 262144", { vocab_size_per_layer_input: undefined }],
    ["unsupported", "use_bidirectional_attention", { use_bidirectional_attention: "all" }],
    ["bad-config", "num_experts is null", { enable_moe_block: true }],
    ["bad-config", "num_kv_shared_layers 20 and num_hidden_layers 15", { num_kv_shared_layers: 20 }],
    ["bad-config", "num_kv_shared_layers is 12, so layer 4 has no keys", { num_kv_shared_layers: 12 }],
  ];
  test.each(wrong)("%s: %s", async (code, words, change) => {
    const error = await failure(() => parse({ ...json("gemma4-e2b/config.json"), ...change }));
    expect(error.code).toBe(`checkpoint/${code}`);
    expect(error.message).toContain(words);
  });

  test("what is wrong in a nested text model is named with its path", async () => {
    const config = json("gemma4-e4b/config.json");
    const text = config["text_config"] as Json;
    const odd = await failure(() => parse({ ...config, text_config: { ...text, num_hidden_layers: 0 } }));
    expect(odd).toMatchObject({ code: "checkpoint/bad-config", message: expect.stringContaining("text_config.num_hidden_layers is 0") });
    const other = await failure(() => parse({ ...config, text_config: { ...text, model_type: "gemma3_text" } }));
    expect(other).toMatchObject({ code: "checkpoint/unsupported", message: expect.stringContaining("text_config.model_type") });
    expect(await failure(() => parse({ ...config, text_config: undefined }))).toMatchObject({ code: "checkpoint/bad-config" });
  });
});

/** Every tensor of a checkpoint as float32 safetensors, under other names; `more` tensors of two zeros beside them. */
async function writeSafetensors(
  checkpoint: Checkpoint,
  config: unknown,
  rename: (name: string) => string,
  more: readonly string[],
): Promise<string> {
  const header: Record<string, unknown> = {};
  const pieces: Uint8Array[] = [];
  let at = 0;
  const add = (name: string, shape: readonly number[], floats: Float32Array): void => {
    header[name] = { dtype: "F32", shape, data_offsets: [at, (at += floats.byteLength)] };
    pieces.push(new Uint8Array(floats.buffer));
  };
  for (const tensor of checkpoint.tensors.values())
    if (rename(tensor.name) !== "") add(rename(tensor.name), tensor.shape, await checkpoint.readFloats(tensor));
  for (const name of more) add(name, [2], new Float32Array(2));
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(join(scratch, "model.safetensors"), Buffer.concat([length, text, ...pieces]));
  writeFileSync(join(scratch, "config.json"), JSON.stringify(config));
  return scratch;
}

const IGNORED = [
  "model.layers.10.self_attn.k_proj.weight",
  "model.layers.14.self_attn.v_proj.weight",
  "model.layers.12.self_attn.k_norm.weight",
];

describe("tensors", () => {
  test.each(["model.", "model.language_model.", "language_model.", ""])(
    "safetensors under %p hold the model that the GGUF holds",
    async (prefix) => {
      const gguf = await open(E2B);
      const rename = (name: string): string => name.replace(/^model\./, prefix);
      const root = prefix === "" ? "" : "model.";
      const towers = [`${root}vision_tower.patch.weight`, `${root}embed_audio.weight`, "lm_head.weight"];
      const path = await writeSafetensors(gguf, json("gemma4-e2b/config.hub.json"), rename, [...IGNORED.map(rename), ...towers]);
      const checkpoint = await open(path);
      const { tokens: _, ...config } = checkpoint.config;
      expect(gguf.config).toMatchObject(config);
      expect([...checkpoint.tensors.keys()].toSorted()).toEqual([...gguf.tensors.keys()].toSorted());
      for (const [name, tensor] of checkpoint.tensors)
        expect(
          Buffer.from((await checkpoint.readFloats(tensor)).buffer).equals(Buffer.from((await gguf.readFloats(gguf.tensor(name))).buffer)),
        ).toBe(true);
    },
  );

  test("a layer without a scalar has the scalar 1; keys that a layer needs are missed", async () => {
    const gguf = await open(E2B);
    const config = json("gemma4-e2b/config.json");
    const without = await open(await writeSafetensors(gguf, config, (name) => (name.endsWith("3.layer_scalar") ? "" : name), []));
    expect([...(await without.readFloats(without.tensor("model.layers.3.layer_scalar")))]).toEqual([1]);
    expect([...(await without.readFloats(without.tensor("model.layers.2.layer_scalar")))]).not.toEqual([1]);
    expect(describeCheckpoint(without).parameters.active).toBeLessThan(describeCheckpoint(without).parameters.total);
    const lacking = await writeSafetensors(gguf, config, (name) => (name.endsWith("layers.9.self_attn.k_norm.weight") ? "" : name), []);
    expect(await failure(() => open(lacking))).toMatchObject({
      code: "checkpoint/missing-tensor",
      message: expect.stringContaining("layers.9."),
    });
  });

  test("a tensor that no Gemma has is refused, and so is a key of a layer that is not there", async () => {
    const gguf = await open(E2B);
    for (const name of ["model.layers.0.self_attn.q_proj.bias", "model.layers.15.self_attn.k_proj.weight"]) {
      const path = await writeSafetensors(gguf, json("gemma4-e2b/config.json"), (each) => each, [name]);
      expect(await failure(() => open(path))).toMatchObject({ code: "checkpoint/unsupported", message: expect.stringContaining(name) });
    }
  });

  test("experts may lie in the GGUF as one matrix of gate and up, whose scale is a tensor of its own", async () => {
    const gguf = await open(join(goldens, "gemma4-26b-a4b/model.q4_0.gguf"));
    const { tokens: _, family: __, ...config } = gguf.config;
    expect(config).toEqual(parse(json("gemma4-26b-a4b/config.json")));
    expect(gguf.tensor("model.layers.0.experts.gate_up_proj")).toMatchObject({ shape: [16, 64, 64], runs: [{ rows: 1024 }] });
    expect(await gguf.readFloats(gguf.tensor("model.layers.0.router.per_expert_scale"))).toHaveLength(16);
  });

  test("rope_freqs.weight must say what the config says", async () => {
    const bytes = readFileSync(E2B);
    const path = join(scratch, "model.gguf");
    const stops = Buffer.alloc(4);
    stops.writeFloatLE(1e30);
    const at = bytes.indexOf(Buffer.concat([stops, stops, stops, stops]));
    expect(at).toBeGreaterThan(0);
    bytes.writeFloatLE(2, at + 4);
    writeFileSync(path, bytes);
    expect(await failure(() => open(path))).toMatchObject({
      code: "checkpoint/unsupported",
      message: expect.stringContaining('"rope_freqs.weight [5]": found 2, expected 1e+30'),
    });
  });
});
