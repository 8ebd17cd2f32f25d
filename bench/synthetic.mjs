/** Exports and GGUF files of a given shape with made-up weights. The same shape gives the same bytes. */
import { createHash } from "node:crypto";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { cacheLayers, encodeModel, familyOf } from "../packages/runtime/dist/graph-entry.js";
import { writeDataFile } from "../packages/runtime/dist/export/data-file.js";
import { planDataFiles, weightTable } from "../packages/runtime/dist/export/plan.js";
import { planQuantized } from "../packages/runtime/dist/weights/storage.js";
import { synthesize } from "../packages/runtime/dist/weights/synthetic.js";

/** An export of `config` in `directory`, made unless it is there. @returns the directory */
export async function syntheticExport(directory, config, precision, { experts = config.experts ? "conditional" : "none" } = {}) {
  if (existsSync(join(directory, "manifest.json"))) return directory;
  mkdirSync(directory, { recursive: true });
  const family = familyOf(config.family);
  const build = { experts, accuracyLevel: precision === "float32" ? 0 : 4, sparseHead: true };
  const specs = family.weights(config, build);
  const planned = planDataFiles(specs.map((spec) => ({ spec, storage: planQuantized(spec, precision) })));
  for (const file of planned) await writeDataFile(directory, file, synthesize, () => {});
  const table = weightTable(planned);
  const files = planned.map(({ name }) => ({ name, bytes: statSync(join(directory, name)).size, sha256: "0".repeat(64) }));
  const graph = family.build(config, table, build);
  const model = encodeModel(graph);
  writeFileSync(join(directory, "model.onnx"), model);
  files.push({ name: "model.onnx", bytes: model.length, sha256: createHash("sha256").update(model).digest("hex") });
  const manifest = {
    format: 2,
    family: config.family,
    config,
    source: { name: "synthetic", format: "safetensors", sha256: "" },
    weights: { precision, accuracyLevel: build.accuracyLevel, sparseHead: graph.inputs.some(({ name }) => name === "candidates") },
    experts: { mode: experts, measured: null },
    cache: cacheLayers(config),
    onnxruntime: JSON.parse(readFileSync(new URL("../node_modules/onnxruntime-node/package.json", import.meta.url))).version,
    files,
  };
  writeFileSync(join(directory, "manifest.json"), JSON.stringify(manifest));
  return directory;
}

const TYPES = { f32: { id: 0, block: 1, bytes: 4 }, q4_0: { id: 2, block: 32, bytes: 18 }, q8_0: { id: 8, block: 32, bytes: 34 } };

/** A GGUF of `config` (gemma3, or gemma4 without per-layer embeddings) for llama.cpp; matrices as `type`, the embedding as `head`. */
export function syntheticGguf(path, config, { type = "q4_0", head = type } = {}) {
  if (existsSync(path)) return path;
  const tensors = ggufTensors(config, type, head);
  const header = [];
  const push = (buffer) => header.push(buffer);
  const u32 = (n) => push(Buffer.from(new Uint32Array([n]).buffer));
  const u64 = (n) => push(Buffer.from(new BigUint64Array([BigInt(n)]).buffer));
  const text = (s) => (u64(Buffer.byteLength(s)), push(Buffer.from(s)));
  const values = {
    u32: [4, u32],
    f32: [6, (x) => push(Buffer.from(new Float32Array([x]).buffer))],
    bool: [7, (x) => push(Buffer.from([x ? 1 : 0]))],
    string: [8, text],
    i32: [5, u32],
  };
  const metadata = ggufMetadata(config);
  push(Buffer.from("GGUF"));
  u32(3);
  u64(tensors.length);
  u64(metadata.length);
  for (const [key, kind, value] of metadata) {
    text(key);
    const [id, write] = values[kind];
    if (Array.isArray(value)) {
      u32(9);
      u32(id);
      u64(value.length);
      for (const item of value) write(item);
    } else {
      u32(id);
      write(value);
    }
  }
  let offset = 0;
  for (const tensor of tensors) {
    text(tensor.name);
    u32(tensor.shape.length);
    for (const n of tensor.shape.toReversed()) u64(n);
    u32(TYPES[tensor.type].id);
    u64(offset);
    offset += Math.ceil(bytesOf(tensor) / 32) * 32;
  }
  const handle = openSync(path, "w");
  const head_ = Buffer.concat(header);
  writeSync(handle, head_);
  writeSync(handle, new Uint8Array(-head_.length & 31));
  for (const tensor of tensors) writeTensor(handle, tensor);
  closeSync(handle);
  return path;
}

const numbersOf = ({ shape }) => shape.reduce((a, b) => a * b, 1);
const bytesOf = (tensor) => (numbersOf(tensor) / TYPES[tensor.type].block) * TYPES[tensor.type].bytes;

function writeTensor(handle, tensor) {
  const { block, bytes } = TYPES[tensor.type];
  const total = bytesOf(tensor);
  if (block === 1) {
    const ones = new Float32Array(numbersOf(tensor)).fill(1);
    const random = tensor.name.includes("ffn_gate_inp.weight") ? ones.map((_, i) => Math.sin(i * 12.9898) * 0.05) : ones;
    writeSync(handle, new Uint8Array(random.buffer));
  } else {
    // Blocks whose half-precision scale keeps activations near 1; the rest of each block is any bits.
    const limit = Math.sqrt(3 / tensor.shape.at(-1)) / (block === 32 && bytes === 18 ? 8 : 128);
    const scale = halfBits(limit);
    const chunk = new Uint8Array(bytes * 65536);
    let state = 1;
    for (let i = 0; i < chunk.length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      chunk[i] = state >>> 24;
    }
    for (let at = 0; at < chunk.length; at += bytes) [chunk[at], chunk[at + 1]] = [scale & 255, scale >> 8];
    for (let left = total; left > 0; left -= chunk.length) writeSync(handle, chunk.subarray(0, Math.min(left, chunk.length)));
  }
  writeSync(handle, new Uint8Array(-total & 31));
}

/** A positive number as IEEE half precision, rounded down. */
function halfBits(x) {
  const exponent = Math.floor(Math.log2(x));
  if (exponent < -14) return Math.floor(x / 2 ** -24);
  return ((exponent + 15) << 10) | Math.floor((x / 2 ** exponent - 1) * 1024);
}

function ggufTensors(config, type, head) {
  const { hiddenSize: h, vocabularySize, layers, experts } = config;
  const list = [
    { name: "token_embd.weight", type: head, shape: [vocabularySize, h] },
    { name: "output_norm.weight", type: "f32", shape: [h] },
  ];
  if (config.family === "gemma4") list.push({ name: "rope_freqs.weight", type: "f32", shape: [256] });
  layers.forEach(({ heads, mlpWidth, valueIsKey }, i) => {
    const put = (name, kind, ...shape) => list.push({ name: `blk.${i}.${name}`, type: kind, shape });
    put("attn_norm.weight", "f32", h);
    put("attn_q.weight", type, heads.query * heads.size, h);
    put("attn_k.weight", type, heads.keyValue * heads.size, h);
    if (!valueIsKey) put("attn_v.weight", type, heads.keyValue * heads.size, h);
    put("attn_output.weight", type, h, heads.query * heads.size);
    put("attn_q_norm.weight", "f32", heads.size);
    put("attn_k_norm.weight", "f32", heads.size);
    put("post_attention_norm.weight", "f32", h);
    put("ffn_norm.weight", "f32", h);
    put("ffn_gate.weight", type, mlpWidth, h);
    put("ffn_up.weight", type, mlpWidth, h);
    put("ffn_down.weight", type, h, mlpWidth);
    put("post_ffw_norm.weight", "f32", h);
    if (config.family === "gemma4") put("layer_output_scale.weight", "f32", 1);
    if (!experts) return;
    for (const norm of ["post_ffw_norm_1", "post_ffw_norm_2", "pre_ffw_norm_2"]) put(`${norm}.weight`, "f32", h);
    put("ffn_gate_inp.weight", "f32", experts.count, h);
    put("ffn_gate_inp.scale", "f32", h);
    put("ffn_gate_up_exps.weight", type, experts.count, 2 * experts.width, h);
    put("ffn_down_exps.weight", type, experts.count, h, experts.width);
    put("ffn_down_exps.scale", "f32", experts.count);
  });
  return list;
}

function ggufMetadata(config) {
  const a = config.family;
  const { layers, experts, vocabularySize } = config;
  const sliding = layers.find(({ window }) => window !== null);
  const full = layers.find(({ window }) => window === null) ?? sliding;
  const tokens = Array.from({ length: vocabularySize }, (_, i) =>
    i < 4 ? ["<pad>", "<eos>", "<bos>", "<unk>"][i] : i < 260 ? `<0x${(i - 4).toString(16).toUpperCase().padStart(2, "0")}>` : `t${i}`,
  );
  return [
    ["general.architecture", "string", a],
    ["general.name", "string", "synthetic"],
    [`${a}.context_length`, "u32", config.contextLength],
    [`${a}.embedding_length`, "u32", config.hiddenSize],
    [`${a}.block_count`, "u32", layers.length],
    [`${a}.attention.head_count`, "u32", full.heads.query],
    [`${a}.attention.layer_norm_rms_epsilon`, "f32", 1e-6],
    [`${a}.rope.freq_base`, "f32", 1e6],
    [`${a}.rope.freq_base_swa`, "f32", 1e4],
    [`${a}.attention.sliding_window`, "u32", sliding.window],
    [`${a}.feed_forward_length`, "u32", full.mlpWidth],
    [`${a}.attention.key_length`, "u32", full.heads.size],
    [`${a}.attention.value_length`, "u32", full.heads.size],
    ...(a === "gemma3"
      ? [[`${a}.attention.head_count_kv`, "u32", full.heads.keyValue]]
      : [
          [`${a}.attention.head_count_kv`, "i32", layers.map(({ heads }) => heads.keyValue)],
          [`${a}.attention.key_length_swa`, "u32", sliding.heads.size],
          [`${a}.attention.value_length_swa`, "u32", sliding.heads.size],
          [`${a}.rope.dimension_count`, "u32", full.heads.size],
          [`${a}.rope.dimension_count_swa`, "u32", sliding.heads.size],
          [`${a}.attention.sliding_window_pattern`, "bool", layers.map(({ window }) => window !== null)],
          [`${a}.attention.shared_kv_layers`, "u32", 0],
          [`${a}.embedding_length_per_layer_input`, "u32", 0],
          [`${a}.final_logit_softcapping`, "f32", 30],
        ]),
    ...(experts
      ? [
          [`${a}.expert_count`, "u32", experts.count],
          [`${a}.expert_used_count`, "u32", experts.perToken],
          [`${a}.expert_feed_forward_length`, "u32", experts.width],
        ]
      : []),
    ["tokenizer.ggml.model", "string", a === "gemma3" ? "llama" : "gemma4"],
    ["tokenizer.ggml.tokens", "string", tokens],
    ["tokenizer.ggml.scores", "f32", tokens.map((_, i) => -i)],
    ["tokenizer.ggml.token_type", "i32", tokens.map((_, i) => (i < 3 ? 3 : i === 3 ? 2 : i < 260 ? 6 : 1))],
    ...(a === "gemma3" ? [] : [["tokenizer.ggml.merges", "string", ["t 2"]]]),
    ["tokenizer.ggml.add_bos_token", "bool", true],
    ["tokenizer.ggml.add_space_prefix", "bool", false],
    ["tokenizer.ggml.bos_token_id", "u32", 2],
    ["tokenizer.ggml.eos_token_id", "u32", 1],
    ["tokenizer.ggml.padding_token_id", "u32", 0],
    ["tokenizer.ggml.unknown_token_id", "u32", 3],
  ];
}
