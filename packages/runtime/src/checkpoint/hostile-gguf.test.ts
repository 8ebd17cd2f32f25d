/** A whole, tiny GGUF model, written here and then broken in every way: what comes out is a checkpoint or a CheckpointError. */
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CheckpointError } from "../errors.ts";
import { rowBytes } from "./dequantize.ts";
import { openCheckpoint } from "./checkpoint.ts";
import { GGML_TYPES } from "./ggml-types.ts";
import type { StoredType } from "./tensor.ts";

const scratch = mkdtempSync(join(tmpdir(), "hostile-gguf-"));
const file = join(scratch, "model.gguf");
afterAll(() => rmSync(scratch, { recursive: true }));

type Value = { u32: number } | { u64: bigint } | { f32: number } | { text: string } | { texts: string[] } | { i32s: number[] };
type Info = readonly [shape: readonly number[], type: StoredType | "I32"];

const TYPE_NUMBER = new Map([...GGML_TYPES].map(([number, { name }]) => [name, number]));

const u32 = (n: number) => Buffer.from(new Uint32Array([n]).buffer);
const u64 = (n: number) => Buffer.from(new BigUint64Array([BigInt(n)]).buffer);
const text = (s: string) => Buffer.concat([u64(Buffer.byteLength(s)), Buffer.from(s)]);

function encode(value: Value): Buffer {
  if ("u32" in value) return Buffer.concat([u32(4), u32(value.u32)]);
  if ("u64" in value) return Buffer.concat([u32(10), Buffer.from(new BigUint64Array([value.u64]).buffer)]);
  if ("f32" in value) return Buffer.concat([u32(6), Buffer.from(new Float32Array([value.f32]).buffer)]);
  if ("text" in value) return Buffer.concat([u32(8), text(value.text)]);
  if ("texts" in value) return Buffer.concat([u32(9), u32(8), u64(value.texts.length), ...value.texts.map(text)]);
  return Buffer.concat([u32(9), u32(5), u64(value.i32s.length), Buffer.from(new Int32Array(value.i32s).buffer)]);
}

function write(metadata: Record<string, Value>, tensors: Record<string, Info>): { bytes: Buffer; headerBytes: number } {
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

const METADATA: Record<string, Value> = {
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

const TENSORS: Record<string, Info> = {
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

async function openBytes(bytes: Uint8Array): Promise<CheckpointError | undefined> {
  writeFileSync(file, bytes);
  return outcome();
}

async function outcome(): Promise<CheckpointError | undefined> {
  try {
    const checkpoint = await openCheckpoint(file);
    for (const tensor of checkpoint.tensors.values()) await checkpoint.readFloats(tensor, 0, 1);
    await checkpoint.close();
    return undefined;
  } catch (error) {
    if (error instanceof CheckpointError) return error;
    throw error;
  }
}

test("the file opens as written", async () => {
  expect(await openBytes(write(METADATA, TENSORS).bytes)).toBeUndefined();
});

test("with any byte of the header flipped the file opens or is refused as a checkpoint", async () => {
  const { bytes, headerBytes } = write(METADATA, TENSORS);
  writeFileSync(file, bytes);
  const descriptor = openSync(file, "r+");
  let refused = 0;
  for (let at = 0; at < headerBytes; at++) {
    for (const flip of at % 2 === 0 ? [0x01, 0xff] : [0x80]) {
      writeSync(descriptor, Uint8Array.of(bytes[at]! ^ flip), 0, 1, at);
      if (await outcome()) refused++;
    }
    writeSync(descriptor, bytes, at, 1, at);
  }
  closeSync(descriptor);
  expect(refused).toBeGreaterThan(headerBytes / 2);
}, 30_000);

test("a tensor with parts of two types gives floats, and no stored bytes", async () => {
  writeFileSync(file, write(METADATA, TENSORS).bytes);
  const checkpoint = await openCheckpoint(file);
  const tensor = checkpoint.tensor("model.layers.0.block_sparse_moe.input_linear.weight");
  expect(tensor.runs.map((run) => [run.type, run.rows])).toEqual([
    ["Q4_0", 32],
    ["Q4_1", 32],
    ["Q4_0", 32],
    ["Q4_1", 32],
  ]);
  expect(await checkpoint.readFloats(tensor)).toHaveLength(2 * 64 * 32);
  await expect(checkpoint.readStored(tensor)).rejects.toMatchObject({ code: "checkpoint/mixed-types" });
  expect(() => checkpoint.tensor("model.nothing")).toThrow(expect.objectContaining({ code: "checkpoint/missing-tensor" }));
  await checkpoint.close();
});

function without<T>(record: Record<string, T>, key: string): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => name !== key));
}

test.each<[what: string, metadata: Record<string, Value>, tensors: Record<string, Info>, code: string, words: RegExp]>([
  ["a bias", METADATA, { ...TENSORS, "blk.0.attn_q.bias": [[32], "F32"] }, "unsupported", /attn_q\.bias/],
  ["a missing expert matrix", METADATA, without(TENSORS, "blk.0.ffn_up_exps.weight"), "missing-tensor", /ffn_up_exps.*\[2,32,32\]/],
  [
    "a matrix of another shape",
    METADATA,
    { ...TENSORS, "blk.0.attn_k.weight": [[32, 32], "F32"] },
    "shape",
    /attn_k.*found \[32,32\], expected \[16,32\]/,
  ],
  ["a type that is not read", METADATA, { ...TENSORS, "output_norm.weight": [[32], "I32"] }, "unknown-dtype", /output_norm.*found I32/],
  ["a missing size", without(METADATA, "granitemoe.block_count"), TENSORS, "bad-config", /granitemoe\.block_count/],
  ["no layers", { ...METADATA, "granitemoe.block_count": { u32: 0 } }, TENSORS, "bad-config", /block_count is 0/],
  [
    "a count past 2^53",
    { ...METADATA, "granitemoe.block_count": { u64: 2n ** 60n } },
    TENSORS,
    "bad-config",
    /block_count is 1152921504606846976/,
  ],
  ["a part of a split model", { ...METADATA, "split.count": { u32: 2 } }, TENSORS, "unsupported", /split\.count is 2/],
  ["heads that do not divide", { ...METADATA, "granitemoe.attention.head_count": { u32: 3 } }, TENSORS, "bad-config", /head_count 3/],
  [
    "more chosen than there are",
    { ...METADATA, "granitemoe.expert_used_count": { u32: 3 } },
    TENSORS,
    "bad-config",
    /expert_used_count 3.*expert_count 2/,
  ],
  ["a scale of NaN", { ...METADATA, "granitemoe.logit_scale": { f32: NaN } }, TENSORS, "bad-config", /logit_scale/],
  [
    "a scaled rotation",
    { ...METADATA, "granitemoe.rope.scaling.type": { text: "yarn" } },
    TENSORS,
    "unsupported",
    /rope\.scaling\.type.*yarn/,
  ],
  ["a stop id outside", { ...METADATA, "tokenizer.ggml.eos_token_id": { u32: 4 } }, TENSORS, "bad-config", /token id 4/],
  ["a token twice", { ...METADATA, "tokenizer.ggml.tokens": { texts: ["x", "a", "b", "a"] } }, TENSORS, "bad-config", /"a" as 1 and as 3/],
  ["a merge without parts", { ...METADATA, "tokenizer.ggml.merges": { texts: ["ab"] } }, TENSORS, "bad-config", /merges\[0\] is "ab"/],
  ["token types for other tokens", { ...METADATA, "tokenizer.ggml.token_type": { i32s: [1] } }, TENSORS, "bad-config", /token_type has 1/],
])("%s is refused", async (_, metadata, tensors, code, words) => {
  const error = await openBytes(write(metadata, tensors).bytes);
  expect(error?.code).toBe(`checkpoint/${code}`);
  expect(error?.message).toMatch(words);
  expect(error?.message).toContain(file);
});

test("a prototype's name as a metadata key or a tensor changes no prototype", async () => {
  const hostile = { ...METADATA, constructor: { text: "x" } } as Record<string, Value>;
  Object.defineProperty(hostile, "__proto__", { value: { texts: ["polluted"] }, enumerable: true });
  expect(await openBytes(write(hostile, TENSORS).bytes)).toBeUndefined();
  expect(Object.keys(Object.prototype)).toEqual([]);
});
