/** From a name on the hub to tokens: a real small checkpoint is fetched, exported into the cache and run; nothing leaves this machine. */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { exportModel } from "./export/export.ts";
import type { LoadProgress } from "./hub-model.ts";
import { COMMIT, FakeHub } from "./hub/fake-hub.test.support.ts";
import { loadModel, type LoadedModel, type LoadOptions } from "./model.ts";
import { GEMMA4_FORMAT } from "./prompt/format.ts";

const FIXTURES = fileURLToPath(new URL("../fixtures/", import.meta.url));
const NAME = "hf:own/granite-tiny";

/** Every byte is a token; behind them come the control tokens of the chat format. */
function byteTokenizer(): object {
  const printable = (byte: number): boolean => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let other = 256;
  const bytes = Array.from({ length: 256 }, (_, byte) => [String.fromCodePoint(printable(byte) ? byte : other++), byte + 3] as const);
  const { name: _name, calls: _calls, thoughtChannel: _channel, begin, end, ...controls } = GEMMA4_FORMAT;
  const special = [
    ["<pad>", 0] as const,
    [end, 1] as const,
    [begin, 2] as const,
    ...Object.values(controls).map((text, i) => [text, 259 + i] as const),
  ];
  return {
    added_tokens: special.map(([content, id]) => ({ id, content, special: true, normalized: false })),
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: false },
    decoder: { type: "ByteLevel" },
    model: { type: "BPE", vocab: Object.fromEntries([...special, ...bytes]), merges: [] },
  };
}

let hub: FakeHub;
let cache: string;
let files: Record<string, Uint8Array | string>;
beforeEach(async () => {
  hub = await FakeHub.start();
  cache = await mkdtemp(join(tmpdir(), "orrery-hub-model-"));
  const golden = join(FIXTURES, "goldens", "granitemoe");
  files = {
    "config.json": await readFile(join(golden, "config.json")),
    "tokenizer.json": JSON.stringify(byteTokenizer()),
    "tokenizer_config.json": "{}",
    "model.safetensors": await readFile(join(golden, "model.safetensors")),
    "pytorch_model.bin": "never fetched",
  };
  hub.repositories.set("own/granite-tiny", { commit: COMMIT, files });
});
afterEach(async () => {
  await hub.stop();
  await rm(cache, { recursive: true, force: true });
});

function options(more: LoadOptions = {}): LoadOptions {
  const network = { endpoint: hub.endpoint, cache, token: "", retry: { attempts: 2, delayMs: 1 } };
  return { threads: 1, precision: "float32", ...more, hub: { ...network, ...more.hub } };
}

async function continuation(model: LoadedModel): Promise<string> {
  try {
    let text = "";
    for await (const delta of model.generate("Once upon a time", { maxTokens: 12 })) text += delta;
    return text;
  } finally {
    await model.dispose();
  }
}

const exportsOf = async (): Promise<string[]> => (await readdir(join(cache, "exports", "own--granite-tiny"))).sort();

test("a name on the hub is fetched, exported once and loaded; it continues text as the checkpoint itself does", async () => {
  const seen: LoadProgress[] = [];
  const model = await loadModel(NAME, options({ onProgress: (each) => seen.push(each) }));
  expect(model).toMatchObject({ id: "own/granite-tiny", manifest: { weights: { precision: "float32" } } });
  expect([...new Set(seen.map(({ type }) => type))]).toEqual(["fetch", "export"]);
  const text = await continuation(model);
  expect(text.length).toBeGreaterThan(0);

  const local = join(cache, "local");
  await cp(join(cache, "hub", "own--granite-tiny", COMMIT), local, { recursive: true });
  await exportModel(local, { out: join(cache, "local-export"), weights: "float32" });
  await expect(loadModel(join(cache, "local-export"), { threads: 1 }).then(continuation)).resolves.toBe(text);

  // The second time nothing is fetched or exported, and offline nothing is asked.
  hub.seen.length = 0;
  const again: LoadProgress[] = [];
  const offline = { offline: true };
  await expect(loadModel(NAME, options({ hub: offline, onProgress: (each) => again.push(each) })).then(continuation)).resolves.toBe(text);
  expect({ again, seen: hub.seen }).toEqual({ again: [], seen: [] });
  expect(hub.seen.some(({ url }) => url.includes("pytorch"))).toBe(false);
});

test("each precision is exported by itself; a damaged export is made again", async () => {
  for (const precision of ["float32", "int8"] as const) await (await loadModel(NAME, options({ precision }))).dispose();
  const names = await exportsOf();
  expect(names).toEqual([expect.stringMatching(`^${COMMIT}-float32-\\d`), expect.stringMatching(`^${COMMIT}-int8-\\d`)]);
  await writeFile(join(cache, "exports", "own--granite-tiny", names[1]!, "model.onnx"), "cut");
  const text = await loadModel(NAME, options({ precision: "int8" })).then(continuation);
  expect(text.length).toBeGreaterThan(0);
});

test("loads at the same time share one download, and each gets a whole export", async () => {
  const texts = await Promise.all([1, 2].map(() => loadModel(NAME, options()).then(continuation)));
  expect(texts[0]).toBe(texts[1]);
  expect(hub.seen.filter(({ at }) => at === "storage").length).toBe(1);
  expect((await exportsOf()).length).toBe(1);
});

test("a signal ends it between two weights, and leaves no half export", async () => {
  const controller = new AbortController();
  const stopped = loadModel(
    NAME,
    options({ signal: controller.signal, onProgress: (each) => each.type === "export" && controller.abort() }),
  );
  await expect(stopped).rejects.toMatchObject({ code: "hub/aborted" });
  expect(await exportsOf()).toEqual([]);
});

test("a .gguf is named with its file", async () => {
  const gguf = await readFile(join(FIXTURES, "checkpoint", "granitemoe-shared.q4_0.gguf"));
  hub.repositories.set("own/granite-tiny", { commit: COMMIT, files: { "Q4/model.gguf": gguf, "other.gguf": "x" } });
  await expect(loadModel(`${NAME}/Q4/model.gguf`, options()).then(continuation)).resolves.toEqual(expect.any(String));
  expect(await exportsOf()).toEqual([expect.stringMatching(`^${COMMIT}-Q4%2Fmodel.gguf-float32-`)]);
});

test("a directory with a checkpoint is no export, and says how it becomes one", async () => {
  const hint = expect.stringContaining("orrery export");
  await expect(loadModel(join(FIXTURES, "goldens", "granitemoe"))).rejects.toMatchObject({ code: "export/no-manifest", hint });
  await expect(loadModel(join(FIXTURES, "checkpoint", "types.gguf"))).rejects.toMatchObject({ code: "export/no-manifest", hint });
});

test("a wait for another process's export is told, and what to do when that process is gone", async () => {
  const told: string[] = [];
  const stop = new AbortController();
  const onProgress = (progress: LoadProgress): void => {
    if (progress.type !== "busy") return;
    told.push(progress.message);
    stop.abort();
  };
  await (await loadModel(NAME, options())).dispose();
  const exports = join(cache, "exports", "own--granite-tiny");
  const [name] = await readdir(exports);
  await rm(join(exports, name!), { recursive: true });
  const lock = "lock.1.1.00000000-0000-0000-0000-000000000000.elsewhere";
  await mkdir(join(exports, `.${name}.partial`));
  await writeFile(join(exports, `.${name}.partial`, lock), "");
  await expect(loadModel(NAME, options({ signal: stop.signal, onProgress }))).rejects.toMatchObject({ code: "hub/aborted" });
  expect(told).toEqual([expect.stringContaining(lock)]);
  expect(told[0]).toContain("delete that file");
});
