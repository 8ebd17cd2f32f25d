/** Exports that are cut off: by SIGKILL in a process of their own, by a signal, by a source that changes. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { text } from "node:stream/consumers";
import { hashFile } from "../hash-file.ts";
import { openExport } from "../open-export.ts";
import { exportModel, type ExportOptions } from "./export.ts";

const CHILD = fileURLToPath(new URL("./cut-off.test.support.js", import.meta.url));
const HIDDEN = 512;
const WIDTH = 1024;
const EXPERTS = 4;
const LAYERS = 7;

let parent: string;
let checkpoint: string;
let out: string;
let partial: string;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), "orrery-resume-"));
  [checkpoint, out, partial] = [join(parent, "checkpoint"), join(parent, "model"), join(parent, ".model.partial")];
  await writeCheckpoint(checkpoint, 1);
});
afterEach(async () => {
  await rm(out, { recursive: true, force: true });
  await rm(partial, { recursive: true, force: true });
});
afterAll(() => rm(parent, { recursive: true, force: true }));

/** A granite-moe of 100 MB in bfloat16, whose float32 export has three data files. No two rows of its numbers are alike. */
async function writeCheckpoint(folder: string, seed: number): Promise<void> {
  const layer = {
    "input_layernorm.weight": [HIDDEN],
    "post_attention_layernorm.weight": [HIDDEN],
    "self_attn.q_proj.weight": [HIDDEN, HIDDEN],
    "self_attn.k_proj.weight": [HIDDEN, HIDDEN],
    "self_attn.v_proj.weight": [HIDDEN, HIDDEN],
    "self_attn.o_proj.weight": [HIDDEN, HIDDEN],
    "block_sparse_moe.router.layer.weight": [EXPERTS, HIDDEN],
    "block_sparse_moe.input_linear.weight": [EXPERTS, 2 * WIDTH, HIDDEN],
    "block_sparse_moe.output_linear.weight": [EXPERTS, HIDDEN, WIDTH],
  };
  const shapes: [string, number[]][] = [
    ["model.embed_tokens.weight", [1000, HIDDEN]],
    ["model.norm.weight", [HIDDEN]],
    ...Array.from({ length: LAYERS }, (_, i) =>
      Object.entries(layer).map(([name, shape]): [string, number[]] => [`model.layers.${i}.${name}`, shape]),
    ).flat(),
  ];
  let end = 0;
  const header = Object.fromEntries(
    shapes.map(([name, shape]) => {
      const start = end;
      end += 2 * shape.reduce((product, n) => product * n, 1);
      return [name, { dtype: "BF16", shape, data_offsets: [start, end] }];
    }),
  );
  const json = Buffer.from(JSON.stringify(header));
  const numbers = new Uint16Array(end / 2);
  for (let i = 0, state = seed; i < numbers.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    numbers[i] = 0x3c00 | ((state >>> 16) & 0x81ff); // ±0.008 to ±0.06
  }
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "model.safetensors"), Buffer.concat([length, json, new Uint8Array(numbers.buffer)]));
  const config = {
    model_type: "granitemoe",
    vocab_size: 1000,
    hidden_size: HIDDEN,
    intermediate_size: WIDTH,
    num_hidden_layers: LAYERS,
    num_attention_heads: 8,
    max_position_embeddings: 256,
    num_local_experts: EXPERTS,
    num_experts_per_tok: 2,
    tie_word_embeddings: true,
  };
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
}

/** Exports in a process of its own, which kills itself after `share` of the bytes. Resolves to the bytes done when it began. */
async function inChild(share: number, threads: number): Promise<{ began: number; signal: NodeJS.Signals | null }> {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", CHILD, checkpoint, out, String(share), String(threads)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [told, [, signal]] = await Promise.all([
    text(child.stdout),
    once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>,
  ]);
  return { began: Number(told), signal };
}

function here(options: Partial<ExportOptions> = {}): ReturnType<typeof exportModel> {
  return exportModel(checkpoint, { out, weights: "float32", experts: "merged", ...options });
}

async function contentsOf(directory: string): Promise<Map<string, Buffer>> {
  const names = (await readdir(directory)).sort();
  return new Map(await Promise.all(names.map(async (name) => [name, await readFile(join(directory, name))] as const)));
}

async function expectSame(directory: string, whole: ReadonlyMap<string, Buffer>): Promise<void> {
  const contents = await contentsOf(directory);
  expect([...contents.keys()]).toEqual([...whole.keys()]);
  for (const [name, content] of contents) expect([name, content.equals(whole.get(name)!)]).toEqual([name, true]);
}

let whole: Map<string, Buffer>;
beforeAll(async () => {
  await here({ out: join(parent, "whole"), threads: 1 });
  whole = await contentsOf(join(parent, "whole"));
  expect([...whole.keys()].filter((name) => name.endsWith(".bin"))).toEqual(["weights-0.bin", "weights-1.bin", "weights-2.bin"]);
});

/** The data files that the state beside the target calls finished, with the time of their last change. */
async function finished(): Promise<{ bytes: number; changed: Map<string, bigint> }> {
  const { files } = JSON.parse(await readFile(join(partial, "state"), "utf8")) as { files: { name: string; bytes: number }[] };
  const changed = files.map(async ({ name }) => [name, (await stat(join(partial, "files", name), { bigint: true })).mtimeNs] as const);
  return { bytes: files.reduce((sum, { bytes }) => sum + bytes, 0), changed: new Map(await Promise.all(changed)) };
}

test.each([1, 2])("killed three times, the export of %i threads is continued and ends up the same to the byte", async (threads) => {
  let before = { bytes: 0, changed: new Map<string, bigint>() };
  for (const share of [0.2, 0.6, 0.95]) {
    const { began, signal } = await inChild(share, threads);
    expect(signal).toBe("SIGKILL");
    expect(began).toBeGreaterThanOrEqual(before.bytes);
    await expect(stat(out)).rejects.toThrow("ENOENT");
    before = await finished();
  }
  expect(before.changed.size).toBeGreaterThan(0);
  const { began, signal } = await inChild(1, threads);
  expect(signal).toBeNull();
  expect(began).toBeGreaterThanOrEqual(before.bytes);
  for (const [name, changed] of before.changed) expect((await stat(join(out, name), { bigint: true })).mtimeNs).toBe(changed);
  await expectSame(out, whole);
  expect((await readdir(parent)).sort()).toEqual(["checkpoint", "model", "whole"]);
  await openExport(out, { verify: true });
});

/** Cancels when this share is done. */
async function cancelled(share: number, options: Partial<ExportOptions> = {}): Promise<void> {
  const controller = new AbortController();
  const onProgress: ExportOptions["onProgress"] = ({ bytes, total }) => {
    if (bytes > share * total) controller.abort();
  };
  await expect(here({ threads: 1, ...options, signal: controller.signal, onProgress })).rejects.toMatchObject({ code: "export/cancelled" });
}

/** Exports, and resolves to the bytes that were kept of an earlier attempt (and the first few new ones). */
async function bytesAtBegin(options: Partial<ExportOptions> = {}): Promise<number> {
  let first = 0;
  await here({ ...options, onProgress: ({ bytes }) => void (first ||= bytes) });
  return first;
}

const FILE = 50e6; // less than a data file, more than a chunk

test("cancelled with two threads, it is continued", async () => {
  await cancelled(0.95, { threads: 2 }); // past two of three files, so one of them is surely finished
  expect((await readdir(parent)).sort()).toEqual([".model.partial", "checkpoint", "whole"]);
  expect(await bytesAtBegin()).toBeGreaterThan(FILE);
  await expectSame(out, whole);
});

test("a finished file that was damaged meanwhile is written again", async () => {
  await cancelled(0.7);
  const path = join(partial, "files", "weights-0.bin");
  const bytes = await readFile(path);
  bytes[12_345]! ^= 1;
  await writeFile(path, bytes);
  expect(await bytesAtBegin()).toBeLessThan(FILE);
  await expectSame(out, whole);
});

test("another option starts anew", async () => {
  await cancelled(0.7);
  const { manifest } = await here({ weights: "int8" });
  expect(manifest.weights.precision).toBe("int8");
  await openExport(out, { verify: true });
  expect((await readdir(parent)).sort()).toEqual(["checkpoint", "model", "whole"]);
});

test("a source that was touched starts anew", async () => {
  await cancelled(0.7);
  await utimes(join(checkpoint, "model.safetensors"), new Date(), new Date());
  expect(await bytesAtBegin()).toBeLessThan(FILE);
  await expectSame(out, whole);
});

test("a source that changes during the export is an error, and nothing of it stays", async () => {
  let touched: Promise<void> | undefined;
  const onProgress = (): void => void (touched ??= utimes(join(checkpoint, "model.safetensors"), new Date(), new Date()));
  await expect(here({ onProgress })).rejects.toMatchObject({ code: "export/source-changed" });
  expect((await readdir(parent)).sort()).toEqual(["checkpoint", "whole"]);
});

test("two at once: the second is refused, the first is not disturbed", async () => {
  let second: Promise<unknown> | undefined;
  const onProgress = (): void => void (second ??= here().catch((thrown: unknown) => thrown));
  await here({ onProgress });
  expect(await second).toMatchObject({ code: "export/busy" });
  await expectSame(out, whole);
});

test("the hash of the source is that of its file", async () => {
  const { manifest } = await openExport(join(parent, "whole"));
  expect(manifest.source.sha256).toBe(await hashFile(join(checkpoint, "model.safetensors")));
});
