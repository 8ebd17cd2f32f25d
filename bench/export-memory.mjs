/**
 * Memory and speed of an export, whatever the model's size. In: the size of a synthetic granite-moe checkpoint. Out: per precision the
 * peak resident memory of the exporting process, against two layers, and the rate. Nothing is asserted.
 *
 *   npm run export-memory --prefix bench -- [folder] [layers] [precision …]
 */
import { fork } from "node:child_process";
import { mkdirSync, mkdtempSync, openSync, closeSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { exportModel, openCheckpoint } from "../packages/runtime/dist/index.js";

const CONFIG = {
  model_type: "granitemoeshared",
  vocab_size: 49152,
  hidden_size: 2048,
  intermediate_size: 512,
  shared_intermediate_size: 1024,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  max_position_embeddings: 4096,
  num_local_experts: 32,
  num_experts_per_tok: 8,
  tie_word_embeddings: true,
  bos_token_id: 0,
  eos_token_id: 1,
};

/** Names and shapes as Hugging Face writes them. */
function tensors(layers) {
  const { hidden_size: hidden, intermediate_size: width, shared_intermediate_size: shared, num_local_experts: experts } = CONFIG;
  const keys = (hidden / CONFIG.num_attention_heads) * CONFIG.num_key_value_heads;
  const layer = {
    "input_layernorm.weight": [hidden],
    "self_attn.q_proj.weight": [hidden, hidden],
    "self_attn.k_proj.weight": [keys, hidden],
    "self_attn.v_proj.weight": [keys, hidden],
    "self_attn.o_proj.weight": [hidden, hidden],
    "post_attention_layernorm.weight": [hidden],
    "block_sparse_moe.router.layer.weight": [experts, hidden],
    "block_sparse_moe.input_linear.weight": [experts, 2 * width, hidden],
    "block_sparse_moe.output_linear.weight": [experts, hidden, width],
    "shared_mlp.input_linear.weight": [2 * shared, hidden],
    "shared_mlp.output_linear.weight": [hidden, shared],
  };
  const all = [["model.embed_tokens.weight", [CONFIG.vocab_size, hidden]]];
  for (let i = 0; i < layers; i++) for (const [name, shape] of Object.entries(layer).sort()) all.push([`model.layers.${i}.${name}`, shape]);
  all.push(["model.norm.weight", [hidden]]);
  return all.map(([name, shape]) => ({ name, shape, bytes: 2 * shape.reduce((a, b) => a * b) }));
}

/** BF16, of random numbers: zeros would be quantized faster than real weights. */
function writeCheckpoint(folder, layers) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "config.json"), JSON.stringify({ ...CONFIG, num_hidden_layers: layers }));
  const header = {};
  let offset = 0;
  for (const { name, shape, bytes } of tensors(layers)) header[name] = { dtype: "BF16", shape, data_offsets: [offset, (offset += bytes)] };
  const json = Buffer.from(JSON.stringify(header));
  const file = openSync(join(folder, "model.safetensors"), "w");
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  writeSync(file, length);
  writeSync(file, json);
  const noise = Uint16Array.from(
    { length: 2 ** 23 },
    () => new Uint32Array(Float32Array.of((Math.random() + Math.random() + Math.random() - 1.5) / 25).buffer)[0] >>> 16,
  );
  for (let left = offset; left > 0;) left -= writeSync(file, new Uint8Array(noise.buffer), 0, Math.min(left, noise.byteLength));
  closeSync(file);
  return offset;
}

async function child([checkpoint, out, weights, experts]) {
  const opened = await openCheckpoint(checkpoint);
  await opened.close();
  const before = process.resourceUsage().maxRSS * 1024;
  const began = performance.now();
  const cpu = process.cpuUsage();
  await exportModel(checkpoint, { out, weights, ...(experts === "measured" ? {} : { experts }) });
  const { user, system } = process.cpuUsage(cpu);
  process.send({ before, peak: process.resourceUsage().maxRSS * 1024, ms: performance.now() - began, cpuMs: (user + system) / 1000 });
}

async function parent([folder = tmpdir(), layers = "12", ...precisions]) {
  const directory = mkdtempSync(join(folder, "orrery-export-memory-"));
  try {
    const checkpoint = join(directory, "checkpoint");
    const source = writeCheckpoint(checkpoint, Number(layers));
    const layer =
      tensors(1)
        .slice(1, -1)
        .reduce((sum, { bytes }) => sum + bytes, 0) / 2;
    const mb = (bytes) => (bytes / 1e6).toFixed(0).padStart(6);
    console.log(`checkpoint: ${mb(source)} MB of bf16, ${layers} layers of ${mb(layer)} M numbers`);
    for (const weights of precisions.length > 0 ? precisions : ["float32", "int8", "int4"])
      for (const experts of ["conditional", "merged", "measured"]) {
        const out = join(directory, "model");
        const worker = fork(fileURLToPath(import.meta.url), ["--child", checkpoint, out, weights, experts]);
        const { before, peak, ms, cpuMs } = await new Promise((resolve, reject) => {
          worker.once("message", resolve);
          worker.once("exit", (code) => reject(new Error(`the export ended with ${code}`)));
        });
        rmSync(out, { recursive: true });
        const two = 2 * layer * { float32: 4, int8: 1.0625, int4: 0.5625 }[weights];
        console.log(
          `${weights.padEnd(8)}${experts.padEnd(12)} peak ${mb(peak)} MB (${mb(before)} before), two layers ${mb(two)} MB; ` +
            `${(source / ms / 1000).toFixed(0).padStart(4)} MB/s of source in ${(ms / 1000).toFixed(1)} s, ${(cpuMs / 1000).toFixed(1)} s of CPU`,
        );
      }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const [first, ...rest] = process.argv.slice(2);
if (first === "--child") await child(rest);
else await parent(process.argv.slice(2));
