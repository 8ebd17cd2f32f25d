/** Packed weights end to end: bit for bit the numbers of a plain load, really mapped, and nothing that is wrong with them fails a load. */
import { mkdir, mkdtemp, open, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { exportModel } from "../export/export.ts";
import { readExternal } from "../onnx/external-data.ts";
import { fromRoot } from "../prepack/graph.ts";
import { openSession } from "./open.ts";
import { isLarge } from "./prepacked.ts";
import { savePacked } from "./save-packed.ts";
import type { Prepacked, PrepackedMode } from "./session.ts";

const GOLDENS = fileURLToPath(new URL("../../fixtures/goldens/", import.meta.url));
const IDS = Array.from({ length: 24 }, (_, i) => (i * 37 + 11) % 320);
const cacheBefore = process.env.ORRERY_CACHE;

let parent: string;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), "orrery-prepacked-"));
});
beforeEach(async () => {
  process.env.ORRERY_CACHE = await mkdtemp(join(parent, "cache-"));
});
afterAll(async () => {
  if (cacheBefore === undefined) delete process.env.ORRERY_CACHE;
  else process.env.ORRERY_CACHE = cacheBefore;
  await rm(parent, { recursive: true });
});

type Exported = Omit<Parameters<typeof exportModel>[1], "out">;
async function exported(name: string, options: Exported): Promise<string> {
  const out = await mkdtemp(join(parent, "model-"));
  await exportModel(join(GOLDENS, name), { ...options, out });
  return out;
}

/** Bytes of the logits of a prefill and of two steps, and what became of the packed weights. */
async function computed(directory: string, prepacked: PrepackedMode, threads = 1): Promise<{ logits: Buffer; prepacked: Prepacked }> {
  const session = await openSession(directory, { prepacked, threads });
  try {
    const sequence = session.createSequence();
    const parts = [await sequence.append(IDS, { logits: "all" }), await sequence.append([5]), await sequence.append([300])];
    expect(parts.every((part) => part.every(Number.isFinite))).toBe(true);
    return {
      logits: Buffer.concat(parts.map((part) => new Uint8Array(part.buffer, part.byteOffset, part.byteLength))),
      prepacked: session.prepacked,
    };
  } finally {
    await session.dispose();
  }
}

/** The blobs that a load mapped. */
function pathOf(prepacked: Prepacked): string {
  if (!prepacked.mapped) throw new Error("not mapped", { cause: prepacked.reason });
  return prepacked.path;
}

async function keysOf(prepacked: Prepacked): Promise<string[]> {
  const text = await readFile(join(dirname(pathOf(prepacked)), "index.json"), "utf8");
  return (JSON.parse(text.slice(65)) as { packed: { key: string }[] }).packed.map(({ key }) => key);
}

/** Overwrites all blobs with zeros. */
async function zero(path: string): Promise<void> {
  const file = await open(path, "r+");
  const { size } = await file.stat();
  await file.write(Buffer.alloc(size), 0, size, 0);
  await file.close();
}

/** What ONNX Runtime packs of the whole model's weights (not of constants in the graph itself): its keys, which hash the packed bytes. */
async function wholeModelKeys(directory: string): Promise<string[]> {
  const path = join(directory, "model.onnx");
  const weights = new Set(readExternal(await readFile(path)).map(({ name }) => name));
  const target = await mkdtemp(join(parent, "whole-"));
  const graph = join(target, "whole.onnx");
  await savePacked({ ...fromRoot(path, await readFile(path)), graph, weights: "whole.bin", atLeast: 4096 });
  const saved = readExternal(await readFile(graph)).filter(({ name }) => weights.has(name));
  return saved.flatMap(({ packed }) => packed.map(({ key }) => key));
}

describe.each([
  ["granitemoe-shared", { weights: "float32", experts: "conditional" }, 4 * 8],
  ["granitemoe-shared", { weights: "int8", experts: "conditional" }, 4 * 8],
  ["granitemoe", { weights: "int8", experts: "merged" }, 4 * 2],
  ["granitemoe", { weights: "int4", experts: "merged" }, 4 * 2],
] as const)("%s, %j", (name, options, weights) => {
  test("first load, second load and plain load give the same bits, at one thread and at two", async () => {
    const directory = await exported(name, options);
    for (const threads of [1, 2]) {
      const plain = await computed(directory, "off", threads);
      expect(plain.prepacked).toEqual({ mapped: false, reason: null });
      const first = await computed(directory, "on", threads);
      const second = await computed(directory, "on", threads);
      expect(pathOf(second.prepacked)).toBe(pathOf(first.prepacked));
      expect(first.logits.equals(plain.logits)).toBe(true);
      expect(second.logits.equals(plain.logits)).toBe(true);
      // Several of one kind: back to back, as ONNX Runtime writes them, the second would be misaligned and compute NaN.
      const kind = options.weights === "float32" ? "FusedMatMul" : "MatMulNBits";
      expect((await keysOf(second.prepacked)).filter((key) => key.startsWith(`${kind}+`)).length).toBeGreaterThanOrEqual(weights);
    }
  }, 60_000);

  test("packed in slices, every weight has the bytes that it has when the whole model is packed", async () => {
    const directory = await exported(name, options);
    const { prepacked } = await computed(directory, "on");
    expect(new Set(await keysOf(prepacked))).toEqual(new Set(await wholeModelKeys(directory)));
  }, 60_000);
});

describe("a cache that is not in order", () => {
  let directory: string;
  let plain: Buffer;
  beforeAll(async () => {
    directory = await exported("granitemoe", { weights: "int8", experts: "merged" });
    plain = (await computed(directory, "off")).logits;
  }, 60_000);

  test("the blobs are what is computed with, and `verify` sees that they were changed", async () => {
    const path = pathOf((await computed(directory, "on")).prepacked);
    await zero(path);
    expect((await computed(directory, "on")).logits.equals(plain)).toBe(false);
    const mended = await computed(directory, "verify");
    expect(mended.prepacked.mapped).toBe(true);
    expect(mended.logits.equals(plain)).toBe(true);
    expect((await computed(directory, "on")).logits.equals(plain)).toBe(true);
  }, 60_000);

  test.each([
    ["blobs cut short", (path: string) => truncate(path, 4096)],
    ["no blobs", (path: string) => rm(path)],
    ["an index cut short", (path: string) => truncate(join(dirname(path), "index.json"), 200)],
    ["an index changed", (path: string) => writeFile(join(dirname(path), "index.json"), `${"0".repeat(64)}\n{}`)],
    ["an empty index", (path: string) => writeFile(join(dirname(path), "index.json"), "")],
  ])(
    "%s: made again",
    async (_, damage) => {
      const path = pathOf((await computed(directory, "on")).prepacked);
      await damage(path);
      const again = await computed(directory, "on");
      expect(pathOf(again.prepacked)).toBe(path);
      expect(again.logits.equals(plain)).toBe(true);
    },
    60_000,
  );

  test("a cache that cannot be written: the model loads, and says why nothing is mapped", async () => {
    await writeFile(join(process.env.ORRERY_CACHE!, "packed"), "a file where a directory should be");
    const { logits, prepacked } = await computed(directory, "on");
    expect(prepacked).toMatchObject({
      mapped: false,
      reason: { code: "session/prepack-failed", message: expect.stringContaining(process.env.ORRERY_CACHE!) },
    });
    expect(logits.equals(plain)).toBe(true);
  }, 60_000);

  test("what was packed for another machine, or left by a crash long ago, is removed; what another process is making is not", async () => {
    const path = pathOf((await computed(directory, "on")).prepacked);
    const models = dirname(dirname(path));
    await rm(dirname(path), { recursive: true });
    await mkdir(join(models, "another-machine"));
    await mkdir(join(models, ".partial-now"));
    await computed(directory, "on");
    expect((await readdir(models)).toSorted()).toEqual([".partial-now", dirname(path).slice(models.length + 1)]);
  }, 60_000);

  test("sessions that load at once share one cache, whoever makes it", async () => {
    const results = await Promise.all([computed(directory, "on"), computed(directory, "on"), computed(directory, "on")]);
    for (const { logits, prepacked } of results) {
      expect(prepacked.mapped).toBe(true);
      expect(logits.equals(plain)).toBe(true);
    }
    expect(new Set(results.map(({ prepacked }) => pathOf(prepacked))).size).toBe(1);
  }, 60_000);

  test("a model is large when its files take a quarter of the memory", () => {
    expect([isLarge(2 ** 30, 2 ** 32), isLarge(2 ** 30 - 1, 2 ** 32)]).toEqual([true, false]);
  });

  test("a small model is not kept unless asked, and a mode that does not exist is refused", async () => {
    expect((await computed(directory, "auto")).prepacked).toEqual({ mapped: false, reason: null });
    expect(await readdir(process.env.ORRERY_CACHE!)).toEqual([]);
    await expect(openSession(directory, { prepacked: "sometimes" as PrepackedMode })).rejects.toMatchObject({ code: "session/bad-option" });
  }, 60_000);
});

test("a model with nothing to map loads the plain way", async () => {
  const fixture = fileURLToPath(new URL("../../fixtures/session/", import.meta.url));
  const session = await openSession(fixture, { prepacked: "on" });
  expect(session.prepacked).toMatchObject({ mapped: false, reason: { code: "session/prepack-failed" } });
  await session.dispose();
});
