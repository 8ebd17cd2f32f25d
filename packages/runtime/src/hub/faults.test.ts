/** Fetching from a hub, over a network, or beside processes that fail: nothing wrong is kept, nothing right is fetched twice, all ends. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { COMMIT, entry, FakeHub, noise, sha256, type Fault } from "./fake-hub.test.support.ts";
import { fetchCheckpoint, type HubModel } from "./fetch.ts";
import type { FetchProgress } from "./progress.ts";
import type { HubOptions } from "./settings.ts";

const WEIGHTS = noise(3_000_000);
/** As many bytes, but others. */
const OTHER = noise(3_000_000, 9);
const FILES = { "config.json": "{}", "model.safetensors": WEIGHTS };

let hub: FakeHub;
let cache: string;
let progress: FetchProgress[];
beforeEach(async () => {
  hub = await FakeHub.start();
  hub.repositories.set("own/tiny", { commit: COMMIT, files: FILES });
  cache = await mkdtemp(join(tmpdir(), "orrery-hub-"));
  progress = [];
});
afterEach(async () => {
  await hub.stop();
  await rm(cache, { recursive: true, force: true });
});

function fetched(options: HubOptions = {}): Promise<HubModel> {
  const retry = { attempts: 3, delayMs: 1 };
  return fetchCheckpoint("hf:own/tiny", {
    endpoint: hub.endpoint,
    cache,
    token: "",
    retry,
    onProgress: (each) => progress.push(each),
    ...options,
  });
}

/** The faults of the first requests to the storage, in order; then none. */
function storageFaults(...faults: readonly Fault[]): void {
  let next = 0;
  hub.fault = ({ at }) => (at === "storage" ? faults[next++] : undefined);
}

/** The fault of every answer to a path that has `part` in it. */
function always(part: string, fault: Fault): void {
  hub.fault = ({ url }) => (url.includes(part) ? fault : undefined);
}

const ranges = (): (string | undefined)[] => hub.seen.filter(({ at }) => at === "storage").map(({ range }) => range);
const partial = async (): Promise<string[]> => readdir(join(cache, "hub", "own--tiny", "partial"));
/** Waits until so many bytes of a download under way are on the disk. */
async function received(bytes: number): Promise<void> {
  for (;;) {
    const names = await partial().catch(() => []);
    const sizes = await Promise.all(
      names.map((name) =>
        stat(join(cache, "hub", "own--tiny", "partial", name)).then(
          ({ size }) => size,
          () => 0,
        ),
      ),
    );
    if (Math.max(0, ...sizes) >= bytes) return;
    await pause(10);
  }
}
const isWhole = async ({ path }: HubModel): Promise<void> =>
  expect(sha256(await readFile(join(path, "model.safetensors")))).toBe(sha256(WEIGHTS));
/** Nothing of the weights has the name of a finished file. */
async function nothingIsThere(): Promise<void> {
  expect(await readdir(join(cache, "hub", "own--tiny", COMMIT)).catch(() => [])).not.toContain("model.safetensors");
}

describe("cuts", () => {
  test("a cut body goes on where it was cut", async () => {
    storageFaults({ cutAfter: 1_000_000 }, { cutAfter: 500_000 });
    await isWhole(await fetched());
    expect(ranges()).toEqual([undefined, expect.stringMatching(/^bytes=\d+-$/), expect.stringMatching(/^bytes=\d+-$/)]);
    const [second, third] = ranges()
      .slice(1)
      .map((range) => Number(/\d+/.exec(range!)![0]));
    expect(second).toBeGreaterThan(0);
    expect(third).toBeGreaterThan(second!);
    expect(progress.filter(({ type }) => type === "retry").length).toBe(2);
  });

  test("one that brings nothing new ends with hub/interrupted, and the next call goes on", async () => {
    storageFaults({ cutAfter: 900_000 }, { cutAfter: 0 }, { cutAfter: 0 });
    await expect(fetched()).rejects.toMatchObject({ code: "hub/interrupted", hint: expect.stringContaining("goes on") });
    await nothingIsThere();
    expect(await partial()).toEqual([`${sha256(WEIGHTS)}.incomplete`]);
    hub.seen.length = 0;
    await isWhole(await fetched());
    expect(ranges()).toEqual([expect.stringMatching(/^bytes=[1-9]\d*-$/)]);
    expect(await partial()).toEqual([]);
  });

  test("more cuts than attempts are survived as long as each brings something", async () => {
    const large = noise(14_000_000, 5);
    hub.repositories.set("own/tiny", { commit: COMMIT, files: { ...FILES, "model.safetensors": large } });
    storageFaults(...Array.from({ length: 6 }, () => ({ cutAfter: 2_000_000 })));
    const { path } = await fetched();
    expect(sha256(await readFile(join(path, "model.safetensors")))).toBe(sha256(large));
    expect(ranges().length).toBe(7);
  });

  test("a server without ranges begins anew, and is not asked for ever", async () => {
    storageFaults({ cutAfter: 2_000_000 }, { ranges: "unknown" });
    await isWhole(await fetched());
    await rm(cache, { recursive: true });
    hub.fault = ({ at }) => (at === "storage" ? { ranges: "unknown", cutAfter: 2_000_000 } : undefined);
    hub.seen.length = 0;
    await expect(fetched()).rejects.toMatchObject({ code: "hub/interrupted" });
    expect(ranges().length).toBeLessThan(8);
  });

  test("a range that begins elsewhere is not glued on", async () => {
    storageFaults({ cutAfter: 1_000_000 }, { ranges: "shifted" });
    await expect(fetched()).rejects.toMatchObject({ code: "hub/bad-answer", message: expect.stringContaining("from another") });
    await nothingIsThere();
  });
});

describe("time", () => {
  test("an answer that does not come is hub/timeout", async () => {
    always("/sha256/", { stallAfter: 0 });
    await expect(fetched({ timeoutMs: 100 })).rejects.toMatchObject({ code: "hub/timeout", message: expect.stringContaining("0.1 s") });
  });

  test("a body that stops is gone on with; one that drips is as good as stopped", async () => {
    storageFaults({ stallAfter: 1_000_000 });
    await isWhole(await fetched({ timeoutMs: 200 }));
    await rm(cache, { recursive: true });
    always("/sha256/", { trickle: 5 });
    await expect(fetched({ timeoutMs: 100 })).rejects.toMatchObject({ code: "hub/timeout" });
  });

  test("a signal stops at once, and leaves what came for the next time", async () => {
    always("/sha256/", { stallAfter: 1_000_000 });
    const controller = new AbortController();
    const stopped = fetched({ signal: controller.signal });
    await received(1_000_000);
    controller.abort();
    await expect(stopped).rejects.toMatchObject({ code: "hub/aborted" });
    expect(await partial()).toEqual([`${sha256(WEIGHTS)}.incomplete`]);
    hub.fault = () => undefined;
    hub.seen.length = 0;
    await isWhole(await fetched());
    expect(ranges()[0]).toMatch(/^bytes=[1-9]/);
    await expect(fetched({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "hub/aborted" });
  });
});

describe("refusals", () => {
  test.each([
    [{ status: 401, headers: { "x-error-code": "GatedRepo" } }, "hub/gated", "accept the licence at"],
    [{ status: 403, headers: { "x-error-code": "GatedRepo" } }, "hub/gated", "/own/tiny"],
    [{ status: 401 }, "hub/unauthorized", "HF_TOKEN"],
    [{ status: 403 }, "hub/unauthorized", "HF_TOKEN"],
    [{ status: 401, headers: { "x-error-code": "RepoNotFound" } }, "hub/not-found", "HF_TOKEN"],
    [{ status: 404, headers: { "x-error-code": "EntryNotFound" } }, "hub/not-found", "/own/tiny"],
    [{ status: 418 }, "hub/bad-answer", "HF_ENDPOINT"],
    [{ status: 429, headers: { "retry-after": "3000" } }, "hub/unavailable", "in 3000 s"],
    [{ status: 503 }, "hub/unavailable", "later"],
  ])("%j of a file is %s", async (fault, code, hint) => {
    always("/resolve/", fault);
    await expect(fetched()).rejects.toMatchObject({ code, hint: expect.stringContaining(hint) });
    await nothingIsThere();
  });

  test("a repository, a revision and a file that are not there are told apart", async () => {
    const options = { endpoint: hub.endpoint, cache, token: "x" };
    const message = (name: string): Promise<unknown> => fetchCheckpoint(name, options).then(String, (error: Error) => error.message);
    expect(await message("hf:own/none")).toContain("the repository is not on the hub");
    expect(await message("hf:own/tiny@none")).toContain("the revision none is not on the hub");
    expect(await message("hf:own/tiny/none.gguf")).toContain('the file "none.gguf" is not on the hub');
  });

  test.each([500, 502, 408, 429])("status %d, then fine", async (status) => {
    const left = new Map([
      ["/revision/", 2],
      ["/tree/", 2],
      ["config.json", 2],
      ["/sha256/", 2],
    ]);
    hub.fault = ({ url }) => {
      const [part, count] = [...left].find(([each]) => url.includes(each)) ?? ["", 0];
      left.set(part, count - 1);
      return count > 0 ? { status, headers: { "retry-after": "0" } } : undefined;
    };
    await isWhole(await fetched());
  });

  test("the storage's 403 is an expired link: the hub is asked for a new one", async () => {
    storageFaults({ status: 403 });
    await isWhole(await fetched());
    expect(hub.fetched.filter(({ url }) => url.endsWith("model.safetensors")).length).toBe(2);
  });

  test("redirects in a circle and to other protocols end", async () => {
    always("/resolve/", { status: 302, headers: { location: `/own/tiny/resolve/${COMMIT}/config.json` } });
    await expect(fetched()).rejects.toMatchObject({ code: "hub/bad-answer", message: expect.stringContaining("more than 5 times") });
    for (const location of ["http://example.com/x", "file:///etc/passwd", "ftp://localhost/x", "//"]) {
      always("/resolve/", { status: 302, headers: { location } });
      await expect(fetched()).rejects.toMatchObject({ code: "hub/bad-answer", message: expect.stringContaining("no https address") });
    }
  });
});

describe("wrong contents", () => {
  test("other bytes of the same number are hub/wrong-hash, and nothing of them is left", async () => {
    always("/sha256/", { content: OTHER });
    await expect(fetched()).rejects.toMatchObject({ code: "hub/wrong-hash", message: expect.stringContaining(sha256(WEIGHTS)) });
    await nothingIsThere();
    expect(await partial()).toEqual([]);
    await rm(cache, { recursive: true });
    always("config.json", { content: Buffer.from("[]"), headers: { etag: "none" } });
    await expect(fetched()).rejects.toMatchObject({ code: "hub/wrong-hash", message: expect.stringContaining("git hash") });
    hub.fault = () => undefined;
    await isWhole(await fetched());
  });

  test("a file that changes between cut and resume is not glued together", async () => {
    storageFaults({ cutAfter: 1_000_000 }, { cutAfter: 0 }, { cutAfter: 0 });
    await expect(fetched()).rejects.toMatchObject({ code: "hub/interrupted" });
    always("/sha256/", { content: OTHER });
    await expect(fetched()).rejects.toMatchObject({ code: "hub/wrong-hash" });
    always("/resolve/", { headers: { "x-linked-etag": `"${"f".repeat(64)}"` } });
    await expect(fetched()).rejects.toMatchObject({ code: "hub/wrong-hash", message: expect.stringContaining("f".repeat(64)) });
    hub.fault = () => undefined;
    hub.repositories.set("own/tiny", { commit: "1".repeat(40), files: { ...FILES, "model.safetensors": OTHER } });
    const { path } = await fetched();
    expect(sha256(await readFile(join(path, "model.safetensors")))).toBe(sha256(OTHER));
  });

  test.each([
    ["shorter", noise(2_000_000)],
    ["longer", noise(4_000_000)],
  ])("a %s file is hub/wrong-size", async (_, content) => {
    always("/sha256/", { content });
    await expect(fetched()).rejects.toMatchObject({ code: "hub/wrong-size", message: expect.stringContaining("expected 3000000") });
    await nothingIsThere();
  });

  test("an endless body is left after the file's size", async () => {
    always("/sha256/", { endless: true });
    await expect(fetched()).rejects.toMatchObject({ code: "hub/wrong-size", message: expect.stringContaining("more than 3000000") });
  });

  test("a partial file with damaged bytes is found out and fetched anew", async () => {
    const folder = join(cache, "hub", "own--tiny", "partial");
    await mkdir(folder, { recursive: true });
    for (const length of [1000, WEIGHTS.length, WEIGHTS.length + 5]) {
      await writeFile(join(folder, `${sha256(WEIGHTS)}.incomplete`), noise(length, 7));
      await isWhole(await fetched());
      await rm(join(cache, "hub", "own--tiny", COMMIT), { recursive: true });
    }
  });

  test.each([
    ["not JSON", { status: 200, headers: { "content-type": "text/html" }, body: "<html>please sign in</html>" }],
    ["no list", { status: 200, body: "null" }],
    ["a list of nonsense", { status: 200, body: "[1]" }],
    ["a negative size", { status: 200, body: JSON.stringify([{ ...entry("config.json", Buffer.from("{}")), size: -1 }]) }],
    ["a size that is no number", { status: 200, body: '[{"type":"file","path":"config.json","size":1e999,"oid":"0"}]' }],
    ["an id that is a path", { status: 200, body: JSON.stringify([{ ...entry("config.json", Buffer.from("{}")), oid: "../../../x" }]) }],
    ["a huge body", { status: 200, body: `[${" ".repeat(34 * 2 ** 20)}]` }],
  ])("a list of files that is %s is hub/bad-answer", async (_, fault) => {
    always("/tree/", fault);
    await expect(fetched()).rejects.toMatchObject({ code: "hub/bad-answer", hint: expect.stringContaining("HF_ENDPOINT") });
  });

  test("a list of files without end is left", async () => {
    const link = `<${hub.endpoint}/api/models/own/tiny/tree/x?cursor=0>; rel="next"`;
    always("/tree/", { status: 200, headers: { "content-type": "application/json", link }, body: "[]" });
    await expect(fetched()).rejects.toMatchObject({ code: "hub/bad-answer", message: expect.stringContaining("200 pages") });
  });

  test.each([
    "../../x.safetensors",
    "/etc/x.json",
    "..\\x.json",
    "C:/x.json",
    "a/../x.gguf",
    "x\0.json",
    "con.json",
    "a//b.json",
    "a./b.json",
  ])("the file name %j is hub/unsafe-path, and nothing is fetched", async (path) => {
    const tree = [...Object.entries(FILES).map(([name, content]) => entry(name, Buffer.from(content))), entry(path, Buffer.from("x"))];
    hub.repositories.set("own/tiny", { commit: COMMIT, files: FILES, tree });
    await expect(fetched()).rejects.toMatchObject({ code: "hub/unsafe-path" });
    expect(hub.fetched).toEqual([]);
  });
});

describe("other processes", () => {
  test("calls at the same time share one download", async () => {
    const models = await Promise.all([fetched(), fetched(), fetched()]);
    for (const model of models) await isWhole(model);
    expect(ranges()).toEqual([undefined]);
    expect(progress.some(({ type }) => type === "waiting")).toBe(true);
    expect(await partial()).toEqual([]);
  });

  test("what a killed process left is gone on with", async () => {
    always("/sha256/", { stallAfter: 2_000_000 });
    const script = `const { fetchCheckpoint } = await import(${JSON.stringify(fileURLToPath(new URL("fetch.js", import.meta.url)))});
      const options = ${JSON.stringify({ endpoint: hub.endpoint, cache, token: "" })};
      await fetchCheckpoint("hf:own/tiny", options);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "ignore", "inherit"] });
    await received(2_000_000);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(await partial()).toEqual([expect.stringMatching(/^[0-9a-f]{64}\.[0-9a-f]{12}-\d+-[0-9a-f]{8}\.incomplete$/)]);
    hub.fault = () => undefined;
    hub.seen.length = 0;
    await isWhole(await fetched());
    expect(ranges()).toEqual([expect.stringMatching(/^bytes=[1-9]\d*-$/)]);
    expect(await partial()).toEqual([]);
  });
});
