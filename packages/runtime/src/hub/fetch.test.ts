/** Fetching from a hub that works: what is asked, what is cached, what goes without a network, who sees the token. */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, statfs, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { COMMIT, entry, FakeHub, noise } from "./fake-hub.test.support.ts";
import { describeHubModel, fetchCheckpoint, type HubModel } from "./fetch.ts";
import type { FetchProgress } from "./progress.ts";
import { cacheDirectory } from "../cache-directory.ts";
import { hubSettings, type HubOptions } from "./settings.ts";

const WEIGHTS = noise(300_000);
const FILES = {
  "config.json": "{}",
  "tokenizer.json": '{"a":1}',
  "README.md": "hello",
  "train.py": "import os",
  "model.safetensors": WEIGHTS,
};
const NAME = "hf:own/tiny";

let hub: FakeHub;
let cache: string;
beforeEach(async () => {
  hub = await FakeHub.start();
  hub.repositories.set("own/tiny", { commit: COMMIT, files: FILES });
  cache = await mkdtemp(join(tmpdir(), "orrery-hub-"));
});
afterEach(async () => {
  await hub.stop();
  await rm(cache, { recursive: true, force: true });
});

function fetched(name = NAME, { endpoint = hub.endpoint, ...options }: HubOptions = {}): Promise<HubModel> {
  return fetchCheckpoint(name, { endpoint, cache, token: "", retry: { attempts: 2, delayMs: 1 }, ...options });
}

test("a model comes with what it needs, and with nothing else", async () => {
  const model = await fetched();
  expect(model).toMatchObject({
    repository: "own/tiny",
    revision: "main",
    commit: COMMIT,
    gguf: null,
    bytes: 300_009,
    cachedBytes: 300_009,
  });
  expect(model.path).toBe(join(cache, "hub", "own--tiny", COMMIT));
  expect((await readdir(model.path)).sort()).toEqual(["config.json", "model.safetensors", "tokenizer.json"]);
  expect(new Uint8Array(await readFile(join(model.path, "model.safetensors")))).toEqual(WEIGHTS);
  expect(await readdir(join(cache, "hub", "own--tiny", "partial"))).toEqual([]);
});

test("what is cached is not fetched again; a whole commit costs no request", async () => {
  const first = await fetched();
  hub.seen.length = 0;
  await expect(fetched()).resolves.toEqual(first);
  expect(hub.seen.map(({ url }) => url.split("?")[0])).toEqual(["/api/models/own/tiny/revision/main"]);
  hub.seen.length = 0;
  await expect(fetched(`${NAME}@${COMMIT}`)).resolves.toMatchObject({ path: first.path });
  await expect(fetched(NAME, { offline: true })).resolves.toEqual(first);
  expect(hub.seen).toEqual([]);
});

test("a file that was cut or deleted in the cache is fetched again, alone", async () => {
  const { path } = await fetched();
  await writeFile(join(path, "tokenizer.json"), "{");
  hub.seen.length = 0;
  await fetched();
  expect(hub.fetched.map(({ url }) => url)).toEqual([`/own/tiny/resolve/${COMMIT}/tokenizer.json`]);
  expect(await readFile(join(path, "tokenizer.json"), "utf8")).toBe(FILES["tokenizer.json"]);
});

test("a new commit takes over what did not change", async () => {
  const before = await fetched();
  const commit = COMMIT.split("").reverse().join("");
  hub.repositories.set("own/tiny", { commit, files: { ...FILES, "config.json": '{"new":1}' } });
  hub.seen.length = 0;
  const after = await fetched();
  expect(after).toMatchObject({ commit });
  expect(hub.fetched.map(({ url }) => url)).toEqual([`/own/tiny/resolve/${commit}/config.json`]);
  expect(await readFile(join(before.path, "config.json"), "utf8")).toBe("{}");
});

test("branches and tags, and the parts of a split .gguf in a folder", async () => {
  const parts = { "Q4/m-00001-of-00002.gguf": noise(5000, 2), "Q4/m-00002-of-00002.gguf": noise(6000, 3), "Q8/m.gguf": noise(10, 4) };
  hub.repositories.set("own/tiny@v2", { commit: "2".repeat(40), files: parts });
  const model = await fetched(`${NAME}/Q4/m-00002-of-00002.gguf@v2`);
  expect(model).toMatchObject({ gguf: "Q4/m-00001-of-00002.gguf", bytes: 11_000 });
  expect(model.path).toBe(join(cache, "hub", "own--tiny", "2".repeat(40), "Q4", "m-00001-of-00002.gguf"));
  for (const file of model.files) expect((await stat(join(model.path, "..", "..", file.path))).size).toBe(file.bytes);
});

test("a branch with the longest of names", async () => {
  const branch = "b".repeat(255);
  hub.repositories.set(`own/tiny@${branch}`, { commit: COMMIT, files: FILES });
  expect((await fetched(`${NAME}@${branch}`)).commit).toBe(COMMIT);
  expect((await fetched(`${NAME}@${branch}`, { offline: true })).commit).toBe(COMMIT);
});

test("a list of files in many pages; what is there already is told without fetching", async () => {
  hub.pageSize = 7;
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`data/${i}.json`, "[]"]));
  hub.repositories.set("own/tiny", { commit: COMMIT, files: { ...many, ...FILES } });
  const options = { endpoint: hub.endpoint, cache, token: "" };
  await expect(describeHubModel(NAME, options)).resolves.toMatchObject({ bytes: 300_009, cachedBytes: 0 });
  expect(hub.fetched).toEqual([]);
  await fetched();
  await expect(describeHubModel(NAME, options)).resolves.toMatchObject({ cachedBytes: 300_009 });
});

test("progress adds up, file by file", async () => {
  const seen: FetchProgress[] = [];
  await fetched(NAME, { onProgress: (progress) => seen.push(progress) });
  const bytes = seen.map((each) => (each.type === "fetch" ? each.bytes : -1));
  expect(bytes).toEqual([...bytes].sort((a, b) => a - b));
  expect(bytes.at(-1)).toBe(300_009);
  expect(new Set(seen.map((each) => each.type === "fetch" && each.file))).toEqual(
    new Set(["config.json", "tokenizer.json", "model.safetensors"]),
  );
});

describe("without a network", () => {
  test("the last known commit is used, and said; what is not cached is hub/offline", async () => {
    const before = await fetched();
    const { endpoint } = hub;
    await hub.stop();
    const seen: FetchProgress[] = [];
    await expect(fetched(NAME, { endpoint, onProgress: (progress) => seen.push(progress) })).resolves.toEqual(before);
    expect(seen).toMatchObject([
      { type: "offline", revision: "main", commit: COMMIT, message: expect.stringContaining("cannot be reached") },
    ]);
    await expect(fetched("hf:own/other", { endpoint })).rejects.toMatchObject({
      code: "hub/offline",
      hint: expect.stringContaining("network"),
    });
    hub = await FakeHub.start();
  });

  test("offline sends no request and says what is missing", async () => {
    await expect(fetched(NAME, { offline: true })).rejects.toMatchObject({ code: "hub/offline", message: expect.stringContaining("main") });
    await describeHubModel(NAME, { endpoint: hub.endpoint, cache, token: "" });
    hub.seen.length = 0;
    await expect(fetched(NAME, { offline: true })).rejects.toMatchObject({
      code: "hub/offline",
      message: expect.stringContaining("3 of 3 files"),
    });
    expect(hub.seen).toEqual([]);
  });

  test("HF_HUB_OFFLINE is the default of offline", async () => {
    for (const [value, offline] of [
      ["1", true],
      ["0", false],
      ["", false],
      ["true", true],
    ] as const)
      expect(await hubSettings({ token: "" }, { HF_HUB_OFFLINE: value })).toMatchObject({ offline });
  });
});

describe("the token", () => {
  test("goes to the hub, and not to its storage", async () => {
    await fetched(NAME, { token: "secret-1" });
    const seen = (at: string): unknown => [...new Set(hub.seen.filter((each) => each.at === at).map(({ authorization }) => authorization))];
    expect(seen("hub")).toEqual(["Bearer secret-1"]);
    expect(seen("storage")).toEqual([undefined]);
  });

  test("does not follow the list of files to another host", async () => {
    const seen: (string | undefined)[] = [];
    const other = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.end("[]");
    });
    await new Promise<void>((ready) => other.listen(0, "127.0.0.1", ready));
    const link = `<http://127.0.0.1:${(other.address() as AddressInfo).port}/next>; rel="next"`;
    hub.fault = ({ url }) =>
      url.includes("/tree/")
        ? {
            status: 200,
            headers: { "content-type": "application/json", link },
            body: JSON.stringify(Object.entries(FILES).map(([path, content]) => entry(path, Buffer.from(content)))),
          }
        : undefined;
    await fetched(NAME, { token: "secret-2" });
    other.close();
    expect(seen).toEqual([undefined]);
  });

  test("is read from HF_TOKEN, else from the file of the login", async () => {
    await mkdir(join(cache, "home"));
    await writeFile(join(cache, "home", "token"), "from-file\n");
    expect(await hubSettings({}, { HF_HOME: join(cache, "home") })).toMatchObject({ token: "from-file" });
    expect(await hubSettings({}, { HF_HOME: join(cache, "home"), HF_TOKEN: "from-env" })).toMatchObject({ token: "from-env" });
    expect(await hubSettings({ token: "given" }, { HF_TOKEN: "from-env" })).toMatchObject({ token: "given" });
    expect(await hubSettings({}, { HF_HOME: join(cache, "nowhere") })).toMatchObject({ token: null });
  });

  test("stands in no error", async () => {
    hub.fault = () => ({ status: 401 });
    const thrown: unknown = await fetched(NAME, { token: "secret-3" }).catch((error: unknown) => error);
    expect(`${JSON.stringify(thrown)} ${String(thrown)} ${String((thrown as Error).stack)}`).not.toContain("secret-3");
    await expect(hubSettings({ token: "secret\n4" })).rejects.toMatchObject({
      code: "hub/bad-token",
      message: expect.not.stringContaining("secret"),
    });
  });
});

test.each([
  "http://example.com",
  "ftp://localhost",
  "nonsense",
  "https://user:pw@example.com",
  "http://127.0.0.1.example.com",
  "https://example.com/?a=1",
])("the endpoint %s is refused, without showing a password", async (endpoint) => {
  const refused = expect.objectContaining({ code: "hub/bad-endpoint", message: expect.not.stringContaining("pw") });
  await expect(hubSettings({ endpoint, token: "" })).rejects.toEqual(refused);
});

test.each(["https://huggingface.co/", "https://mirror.example.com/hf", "http://localhost:8080", "http://[::1]:8080"])(
  "the endpoint %s is taken",
  async (endpoint) => {
    const settings = await hubSettings({}, { HF_ENDPOINT: endpoint, HF_TOKEN: "x" });
    expect(settings.endpoint.href.replace(/\/$/, "")).toBe(endpoint.replace(/\/$/, ""));
  },
);

test("the cache lies where the system keeps caches", () => {
  const home = join("/", "home", "me");
  expect(cacheDirectory({ ORRERY_CACHE: "/there", XDG_CACHE_HOME: "/x" }, "linux", home)).toBe("/there");
  expect(cacheDirectory({ XDG_CACHE_HOME: "/x" }, "darwin", home)).toBe(join("/x", "orrery"));
  expect(cacheDirectory({}, "linux", home)).toBe(join(home, ".cache", "orrery"));
  expect(cacheDirectory({}, "darwin", home)).toBe(join(home, "Library", "Caches", "orrery"));
  expect(cacheDirectory({ LOCALAPPDATA: "/local" }, "win32", home)).toBe(join("/local", "orrery", "cache"));
});

test("more than the disk holds is refused before a byte is fetched, and by how much", async () => {
  const { bavail, bsize } = await statfs(cache);
  const bytes = 2 ** 50;
  expect(bavail * bsize).toBeLessThan(bytes);
  const large = { ...entry("model.safetensors", WEIGHTS), size: bytes, lfs: { oid: "a".repeat(64), size: bytes } };
  hub.repositories.set("own/tiny", { commit: COMMIT, files: FILES, tree: [entry("config.json", Buffer.from("{}")), large] });
  await expect(fetched()).rejects.toMatchObject({ code: "hub/disk-full", message: expect.stringMatching(/: \d+ too few$/) });
  expect(hub.fetched).toEqual([]);
});

test("what an earlier download left needs no room again", async () => {
  const [bytes, left, hash] = [2 ** 50, 2 ** 20, "a".repeat(64)];
  const large = { ...entry("model.safetensors", WEIGHTS), size: bytes, lfs: { oid: hash, size: bytes } };
  hub.repositories.set("own/tiny", { commit: COMMIT, files: FILES, tree: [entry("config.json", Buffer.from("{}")), large] });
  const partial = join(cache, "hub", "own--tiny", "partial");
  await mkdir(partial, { recursive: true });
  await writeFile(join(partial, `${hash}.incomplete`), new Uint8Array(left));
  await expect(fetched()).rejects.toMatchObject({
    code: "hub/disk-full",
    message: expect.stringContaining(`${bytes + 2 - left} bytes are to`),
  });
});
