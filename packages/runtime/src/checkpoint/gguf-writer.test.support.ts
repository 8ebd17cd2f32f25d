/** Writes GGUF files for tests, and a tiny Granite MoE in every kind of block. */
import { rowBytes } from "./dequantize.ts";
import { GGML_TYPES } from "./ggml-types.ts";
import type { StoredType } from "./tensor.ts";

export type Value =
  { u16: number } | { u32: number } | { u64: bigint } | { f32: number } | { text: string } | { texts: string[] } | { i32s: number[] };
export type Info = readonly [shape: readonly number[], type: StoredType | "I32"];

const TYPE_NUMBER = new Map([...GGML_TYPES].map(([number, { name }]) => [name, number]));

const u32 = (n: number) => Buffer.from(new Uint32Array([n]).buffer);
const u64 = (n: number) => Buffer.from(new BigUint64Array([BigInt(n)]).buffer);
const text = (s: string) => Buffer.concat([u64(Buffer.byteLength(s)), Buffer.from(s)]);

function encode(value: Value): Buffer {
  if ("u16" in value) return Buffer.concat([u32(2), Buffer.from(new Uint16Array([value.u16]).buffer)]);
  if ("u32" in value) return Buffer.concat([u32(4), u32(value.u32)]);
  if ("u64" in value) return Buffer.concat([u32(10), Buffer.from(new BigUint64Array([value.u64]).buffer)]);
  if ("f32" in value) return Buffer.concat([u32(6), Buffer.from(new Float32Array([value.f32]).buffer)]);
  if ("text" in value) return Buffer.concat([u32(8), text(value.text)]);
  if ("texts" in value) return Buffer.concat([u32(9), u32(8), u64(value.texts.length), ...value.texts.map(text)]);
  return Buffer.concat([u32(9), u32(5), u64(value.i32s.length), Buffer.from(new Int32Array(value.i32s).buffer)]);
}

/** A file with these tensors, all zeros, one after the other. */
export function writeGguf(metadata: Record<string, Value>, tensors: Record<string, Info>): { bytes: Buffer; headerBytes: number } {
  const parts: Buffer[] = [Buffer.from("GGUF"), u32(3), u64(Object.keys(tensors).length), u64(Object.keys(metadata).length)];
  for (const [key, value] of Object.entries(metadata)) parts.push(text(key), encode(value));
  let offset = 0;
  for (const [name, [shape, type]] of Object.entries(tensors)) {
    const numbers = shape.reduce((a, b) => a * b, 1);
    parts.push(text(name), u32(shape.length), ...shape.toReversed().map(u64), u32(TYPE_NUMBER.get(type)!), u64(offset));
    const bytes = type === "I32" ? numbers * 4 : rowBytes(type, numbers);
    offset += Math.ceil(bytes / 32) * 32;
  }
  const header = Buffer.concat(parts);
  return { bytes: Buffer.concat([header, Buffer.alloc((-header.length & 31) + offset)]), headerBytes: header.length };
}

export const METADATA: Record<string, Value> = {
  "general.architecture": { text: "granitemoe" },
  "granitemoe.block_count": { u32: 1 },
  "granitemoe.context_length": { u32: 64 },
  "granitemoe.embedding_length": { u32: 32 },
  "granitemoe.feed_forward_length": { u32: 32 },
  "granitemoe.attention.head_count": { u32: 2 },
  "granitemoe.attention.head_count_kv": { u32: 1 },
  "granitemoe.attention.layer_norm_rms_epsilon": { f32: 1e-5 },
  "granitemoe.expert_count": { u32: 2 },
  "granitemoe.expert_used_count": { u32: 1 },
  "granitemoe.attention.scale": { f32: 0.25 },
  "granitemoe.embedding_scale": { f32: 12 },
  "granitemoe.residual_scale": { f32: 0.22 },
  "granitemoe.logit_scale": { f32: 6 },
  "tokenizer.ggml.model": { text: "gpt2" },
  "tokenizer.ggml.pre": { text: "smollm" },
  "tokenizer.ggml.tokens": { texts: ["<end>", "a", "b", "ab"] },
  "tokenizer.ggml.token_type": { i32s: [3, 1, 1, 1] },
  "tokenizer.ggml.merges": { texts: ["a b"] },
  "tokenizer.ggml.eos_token_id": { u32: 0 },
};

export const TENSORS: Record<string, Info> = {
  "token_embd.weight": [[4, 32], "Q8_0"],
  "output_norm.weight": [[32], "F32"],
  "blk.0.attn_norm.weight": [[32], "F32"],
  "blk.0.attn_q.weight": [[32, 32], "Q5_1"],
  "blk.0.attn_k.weight": [[16, 32], "Q5_0"],
  "blk.0.attn_v.weight": [[16, 32], "F16"],
  "blk.0.attn_output.weight": [[32, 32], "BF16"],
  "blk.0.ffn_norm.weight": [[32], "F32"],
  "blk.0.ffn_gate_inp.weight": [[2, 32], "F32"],
  "blk.0.ffn_gate_exps.weight": [[2, 32, 32], "Q4_0"],
  "blk.0.ffn_up_exps.weight": [[2, 32, 32], "Q4_1"],
  "blk.0.ffn_down_exps.weight": [[2, 32, 32], "Q4_0"],
};
