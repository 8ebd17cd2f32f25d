/** A whole, tiny GGUF model, written here and then broken in every way: what comes out is a checkpoint or a CheckpointError. */
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CheckpointError } from "../errors.ts";
import { openCheckpoint } from "./checkpoint.ts";
import { METADATA, TENSORS, writeGguf, type Info, type Value } from "./gguf-writer.test.support.ts";

const scratch = mkdtempSync(join(tmpdir(), "hostile-gguf-"));
const file = join(scratch, "model.gguf");
afterAll(() => rmSync(scratch, { recursive: true }));

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
  expect(await openBytes(writeGguf(METADATA, TENSORS).bytes)).toBeUndefined();
});

test("with any byte of the header flipped the file opens or is refused as a checkpoint", async () => {
  const { bytes, headerBytes } = writeGguf(METADATA, TENSORS);
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
  writeFileSync(file, writeGguf(METADATA, TENSORS).bytes);
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
  const error = await openBytes(writeGguf(metadata, tensors).bytes);
  expect(error?.code).toBe(`checkpoint/${code}`);
  expect(error?.message).toMatch(words);
  expect(error?.message).toContain(file);
});

test("a prototype's name as a metadata key or a tensor changes no prototype", async () => {
  const hostile = { ...METADATA, constructor: { text: "x" } } as Record<string, Value>;
  Object.defineProperty(hostile, "__proto__", { value: { texts: ["polluted"] }, enumerable: true });
  expect(await openBytes(writeGguf(hostile, TENSORS).bytes)).toBeUndefined();
  expect(Object.keys(Object.prototype)).toEqual([]);
});
