import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CheckpointError } from "../errors.ts";
import { rowBytes } from "./dequantize.ts";
import { checkpointFacts } from "./describe.ts";
import { openCheckpoint } from "./checkpoint.ts";
import type { Checkpoint } from "./tensor.ts";

const fixtures = fileURLToPath(new URL("../../fixtures/checkpoint/", import.meta.url));
const hostile = `${fixtures}hostile/`;
const directory = fileURLToPath(new URL("../../fixtures/goldens/granitemoe-shared", import.meta.url));
const q4 = join(fixtures, "granitemoe-shared.q4_0.gguf");
const f32 = join(fixtures, "granitemoe-shared.f32.gguf");

let scratch: string;
const opened: Checkpoint[] = [];

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "checkpoint-"));
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

async function errorOf(path: string): Promise<CheckpointError> {
  const error: unknown = await open(path).then(
    () => new Error("it opened"),
    (thrown: unknown) => thrown,
  );
  if (error instanceof CheckpointError) return error;
  throw error;
}

/** A copy of the safetensors fixture with a changed header; the data stays. */
function changed(change: (header: Record<string, { dtype: string; shape: number[]; data_offsets: number[] }>) => void): string {
  const bytes = readFileSync(join(directory, "model.safetensors"));
  const end = 8 + Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.toString("utf8", 8, end)) as Parameters<typeof change>[0];
  change(header);
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const path = join(scratch, "changed");
  mkdirSync(path);
  cpSync(join(directory, "config.json"), join(path, "config.json"));
  writeFileSync(join(path, "model.safetensors"), Buffer.concat([length, text, bytes.subarray(end)]));
  return path;
}

test("a model has the same tensors, bit for bit, as safetensors and as GGUF", async () => {
  const [a, b] = [await open(directory), await open(f32)];
  expect([...b.tensors.keys()]).toEqual([...a.tensors.keys()]);
  expect(a.tensors.size).toBe(2 + 4 * 11);
  for (const [name, tensor] of a.tensors) {
    const other = b.tensor(name);
    expect([name, other.shape, other.rows, other.columns]).toEqual([name, tensor.shape, tensor.rows, tensor.columns]);
    const [x, y] = [await a.readFloats(tensor), await b.readFloats(other)];
    expect([name, Buffer.from(x.buffer).equals(Buffer.from(y.buffer))]).toEqual([name, true]);
  }
});

test("a model has the same config as safetensors and as GGUF, but for the token that the GGUF says is not written first", async () => {
  const [a, b] = [await open(directory), await open(f32)];
  expect(a.config.tokens).toEqual({ bos: 2, stop: [1] });
  expect(b.config).toEqual({ ...a.config, tokens: { bos: null, stop: [1] } });
});

test("rows read in parts are the rows of the whole, in every kind of layout", async () => {
  const checkpoint = await open(q4);
  for (const name of [
    "self_attn.q_proj",
    "self_attn.v_proj",
    "block_sparse_moe.input_linear",
    "block_sparse_moe.output_linear",
    "shared_mlp.input_linear",
  ]) {
    const tensor = checkpoint.tensor(`model.layers.1.${name}.weight`);
    const whole = await checkpoint.readFloats(tensor);
    const stored = await checkpoint.readStored(tensor);
    expect(stored.type).toBe("Q4_0");
    for (const [start, end] of [
      [0, 1],
      [3, 3],
      [5, 23],
      [tensor.rows - 1, tensor.rows],
    ] as const) {
      expect(await checkpoint.readFloats(tensor, start, end)).toEqual(whole.slice(start * tensor.columns, end * tensor.columns));
      const row = rowBytes("Q4_0", tensor.columns);
      expect((await checkpoint.readStored(tensor, start, end)).bytes).toEqual(stored.bytes.slice(start * row, end * row));
    }
  }
});

test("quantized weights lie near the floats they were made of, in Hugging Face's order of rows", async () => {
  const [a, b] = [await open(directory), await open(q4)];
  for (const [name, tensor] of a.tensors) {
    const [x, y] = [await a.readFloats(tensor), await b.readFloats(b.tensor(name))];
    const [square, error] = [x.reduce((sum, v) => sum + v * v, 0), x.reduce((sum, v, i) => sum + (v - y[i]!) ** 2, 0)];
    expect([name, error / square < 0.02]).toEqual([name, true]);
  }
});

test("rows outside a tensor are a RangeError", async () => {
  const checkpoint = await open(q4);
  const tensor = checkpoint.tensor("model.norm.weight");
  await expect(checkpoint.readFloats(tensor, 0, 2)).rejects.toThrow(RangeError);
  await expect(checkpoint.readStored(tensor, -1)).rejects.toThrow(RangeError);
});

test("the hash is the SHA-256 of the weight files", async () => {
  expect(await (await open(q4)).hash()).toBe(createHash("sha256").update(readFileSync(q4)).digest("hex"));
});

test("the facts count parameters and bytes by type", async () => {
  const { parameters, stored, tensors, config } = checkpointFacts(await open(q4));
  expect(config.family).toBe("granite-moe");
  expect(parameters).toEqual({ total: 318_016 });
  expect(tensors).toBe(46);
  expect(stored.map(({ type, bytes }) => [type, bytes])).toEqual([
    ["Q4_0", 165_888],
    ["Q8_0", 21_760],
    ["F32", 10_496],
  ]);
});

test("a GGUF alone brings its tokenizer", async () => {
  const { json, config } = (await open(q4)).tokenizer!;
  expect(json).toMatchObject({ model: { type: "BPE" }, pre_tokenizer: { pretokenizers: [{ type: "Digits" }, { type: "ByteLevel" }] } });
  const { model, added_tokens: added } = json as {
    model: { vocab: Record<string, number>; merges: string[][] };
    added_tokens: { content: string }[];
  };
  expect(Object.keys(model.vocab)).toHaveLength(320);
  expect(model.vocab["<|eos|>"]).toBe(1);
  expect(model.merges.slice(0, 2)).toEqual([
    ["t", "h"],
    ["th", "e"],
  ]);
  expect(added.map((token) => token.content)).toEqual(["<|pad|>", "<|eos|>", "<|bos|>", "<|unk|>"]);
  expect(config).toMatchObject({ bos_token: "<|bos|>", eos_token: "<|eos|>", add_bos_token: false });
});

test("a directory with a GGUF uses the tokenizer and the stop ids beside it", async () => {
  cpSync(q4, join(scratch, "model.gguf"));
  writeFileSync(join(scratch, "tokenizer.json"), `{"mine":true}`);
  writeFileSync(join(scratch, "config.json"), `{"eos_token_id":[4,1]}`);
  const checkpoint = await open(scratch);
  expect(checkpoint.format).toBe("gguf");
  expect(checkpoint.tokenizer).toEqual({ json: { mine: true }, config: {} });
  writeFileSync(join(scratch, "chat_template.jinja"), "{{ mine }}");
  expect((await open(scratch)).tokenizer).toEqual({ json: { mine: true }, config: { chat_template: "{{ mine }}" } });
  writeFileSync(join(scratch, "chat_template.jinja"), " ".repeat(1 << 21));
  expect(await errorOf(scratch)).toMatchObject({ code: "checkpoint/too-large" });
  expect(checkpoint.config.tokens.stop).toEqual([1, 4]);
});

test("generation_config.json and tokenizer_config.json have the last word on stop and start", async () => {
  const path = changed(() => {});
  writeFileSync(join(path, "generation_config.json"), `{"eos_token_id":[9,7,9]}`);
  writeFileSync(join(path, "tokenizer_config.json"), `{"add_bos_token":false}`);
  expect((await open(path)).config.tokens).toEqual({ bos: null, stop: [9, 7] });
  writeFileSync(join(path, "generation_config.json"), `{"eos_token_id":320}`);
  expect(await errorOf(path)).toMatchObject({ code: "checkpoint/bad-config", message: expect.stringContaining("320") });
});

test("a model in shards opens by its index", async () => {
  const path = changed(() => {});
  cpSync(join(path, "model.safetensors"), join(path, "model-00001-of-00001.safetensors"));
  rmSync(join(path, "model.safetensors"));
  const names = [...(await open(directory)).tensors.keys()];
  const index = { weight_map: Object.fromEntries(names.map((name) => [name, "model-00001-of-00001.safetensors"])) };
  writeFileSync(join(path, "model.safetensors.index.json"), JSON.stringify(index));
  expect((await open(path)).tensors.size).toBe(names.length);
});

test("an unknown family is refused, and the known ones are named", async () => {
  const gguf = await errorOf(`${hostile}gguf/unknown-architecture.gguf`);
  expect(gguf).toMatchObject({ code: "checkpoint/unsupported", message: expect.stringMatching(/nonesuch.*granitemoe/) });
  const other = join(scratch, "other");
  cpSync(`${hostile}checkpoint/good`, other, { recursive: true });
  const config = JSON.parse(readFileSync(join(other, "config.json"), "utf8")) as Record<string, unknown>;
  rmSync(join(other, "config.json"));
  writeFileSync(join(other, "config.json"), JSON.stringify({ ...config, model_type: "nonesuch" }));
  const json = await errorOf(other);
  expect(json).toMatchObject({ code: "checkpoint/unsupported", message: expect.stringMatching(/nonesuch.*gemma3_text.*granitemoe/) });
});

const K = "model.layers.2.self_attn.k_proj.weight";

test("a missing tensor is named with the shape it should have", async () => {
  const path = changed((header) => {
    header["other"] = header[K]!;
    delete header[K];
  });
  expect(await errorOf(path)).toMatchObject({
    code: "checkpoint/missing-tensor",
    message: expect.stringMatching(/model\.safetensors.*k_proj.*expected \[32,64\]/),
  });
});

test("a tensor of another shape is named with both", async () => {
  const path = changed((header) => (header[K]!.shape = [64, 32]));
  expect(await errorOf(path)).toMatchObject({
    code: "checkpoint/shape",
    message: expect.stringMatching(/k_proj.*found \[64,32\], expected \[32,64\]/),
  });
});

test("a tensor in a type that is not read is named with it", async () => {
  const path = changed((header) => (header[K]!.dtype = "U32"));
  expect(await errorOf(path)).toMatchObject({ code: "checkpoint/unknown-dtype", message: expect.stringMatching(/k_proj.*U32/) });
});

test("a tensor that the family has no place for is refused, not dropped", async () => {
  const path = changed((header) => {
    const { data_offsets } = header[K]!;
    header["model.layers.2.self_attn.k_proj.bias"] = { dtype: "F32", shape: [0], data_offsets: [data_offsets[0]!, data_offsets[0]!] };
  });
  expect(await errorOf(path)).toMatchObject({ code: "checkpoint/unsupported", message: expect.stringContaining("k_proj.bias") });
});

test("a tied head that was written all the same is left out", async () => {
  const path = changed((header) => {
    header["lm_head.weight"] = { dtype: "F32", shape: [0], data_offsets: [0, 0] };
  });
  expect((await open(path)).tensors.has("lm_head.weight")).toBe(false);
});

test("a link out of the directory is not followed, one into the hub's cache is", async () => {
  const path = join(scratch, "linked");
  mkdirSync(path);
  cpSync(join(directory, "config.json"), join(path, "config.json"));
  symlinkSync(join(directory, "model.safetensors"), join(path, "model.safetensors"));
  expect(await errorOf(path)).toMatchObject({ code: "checkpoint/unsafe-path" });

  const snapshot = join(scratch, "snapshots", "abc");
  mkdirSync(snapshot, { recursive: true });
  mkdirSync(join(scratch, "blobs"));
  cpSync(join(directory, "model.safetensors"), join(scratch, "blobs", "1"));
  cpSync(join(directory, "config.json"), join(snapshot, "config.json"));
  symlinkSync("../../blobs/1", join(snapshot, "model.safetensors"));
  expect((await open(snapshot)).tensors.size).toBe(46);
});

test.each([
  ["[]", "bad-json"],
  ['{"model_type": "granitemoe", "rms_norm_eps": NaN}', "bad-json"],
  ['{"model_type": "granitemoe", "vocab_', "bad-json"],
  ['{"model_type": "granitemoe", "model_type": "granitemoeshared"}', "duplicate"],
])("config.json %s is refused", async (text, code) => {
  const path = changed(() => {});
  writeFileSync(join(path, "config.json"), text);
  expect(await errorOf(path)).toMatchObject({ code: `checkpoint/${code}`, message: expect.stringContaining("config.json") });
});

test("sizes whose product is past 2^53 are refused", async () => {
  const path = changed(() => {});
  const config = JSON.parse(readFileSync(join(directory, "config.json"), "utf8")) as object;
  writeFileSync(join(path, "config.json"), JSON.stringify({ ...config, vocab_size: 2 ** 40, hidden_size: 2 ** 40 }));
  expect(await errorOf(path)).toMatchObject({ code: "checkpoint/too-large" });
});

test("a model that is ready to run is told from a checkpoint", async () => {
  const ready = mkdtempSync(join(scratch, "ready-"));
  writeFileSync(join(ready, "model.onnx"), "");
  expect(await errorOf(ready)).toMatchObject({ code: "checkpoint/missing-file", message: expect.stringContaining("holds ONNX graphs") });
  writeFileSync(join(ready, "manifest.json"), "{}");
  expect(await errorOf(ready)).toMatchObject({ code: "checkpoint/missing-file", message: expect.stringContaining("an export already") });
});

test("a path that leads nowhere, an empty directory, two GGUFs: each says what it expected", async () => {
  expect(await errorOf(join(scratch, "nowhere"))).toMatchObject({ code: "checkpoint/missing-file" });
  expect(await errorOf(scratch)).toMatchObject({ code: "checkpoint/missing-file", message: expect.stringContaining("model.safetensors") });
  writeFileSync(join(scratch, "a.gguf"), "");
  writeFileSync(join(scratch, "b.gguf"), "");
  expect(await errorOf(scratch)).toMatchObject({ code: "checkpoint/unsupported", message: expect.stringContaining("a.gguf") });
  expect(await errorOf(join(directory, "config.json"))).toMatchObject({ code: "checkpoint/bad-header" });
});
