import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Manifest } from "../manifest.ts";
import { openSession } from "./open.ts";

const FIXTURE = fileURLToPath(new URL("../../fixtures/session/", import.meta.url));
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "orrery-session-"));
  await cp(FIXTURE, directory, { recursive: true });
});
afterEach(() => rm(directory, { recursive: true }));

/** Changes the copied manifest. */
async function edit(change: (manifest: Manifest) => void) {
  const path = join(directory, "manifest.json");
  const manifest = JSON.parse(await readFile(path, "utf8"));
  change(manifest);
  await writeFile(path, JSON.stringify(manifest));
}

test("a session tells what its manifest says", async () => {
  const session = await openSession(directory);
  expect([session.contextLength, session.vocabularySize]).toEqual([1024, 16]);
  await session.dispose();
  await session.dispose();
});

test("an export that is not whole is refused before it is mapped", async () => {
  await truncate(join(directory, "model.onnx"), 5000);
  await expect(openSession(directory)).rejects.toMatchObject({ code: "export/wrong-size" });
  await rm(join(directory, "manifest.json"));
  await expect(openSession(directory)).rejects.toMatchObject({ code: "export/no-manifest" });
});

test("a model file that is no graph gives onnxruntime's reason", async () => {
  await writeFile(join(directory, "model.onnx"), "not a graph");
  await edit((manifest) => (manifest.files[0]!.bytes = "not a graph".length));
  await expect(openSession(directory)).rejects.toMatchObject({
    code: "session/load-failed",
    message: expect.stringContaining("model.onnx"),
  });
});

test("another major version of onnxruntime is refused, another minor one is not", async () => {
  await edit((manifest) => (manifest.onnxruntime = "2.0.0"));
  await expect(openSession(directory)).rejects.toMatchObject({
    code: "session/version-mismatch",
    message: expect.stringContaining("2.0.0"),
  });
  await edit((manifest) => (manifest.onnxruntime = "1.2.3"));
  await (await openSession(directory)).dispose();
});

test("a graph with another vocabulary than the manifest's is refused", async () => {
  await edit((manifest) => (manifest.config.vocabularySize = 17));
  await expect(openSession(directory)).rejects.toMatchObject({
    code: "session/wrong-graph",
    message: expect.stringContaining("logits [R, 16], the manifest says [any, 17]"),
  });
});

test("a graph with fewer layers than the manifest is refused", async () => {
  await edit((manifest) => {
    manifest.config.layers.push({ ...manifest.config.layers[0]!, keysFrom: manifest.config.layers.length });
    manifest.cache.push({ ...manifest.cache[0]!, layer: manifest.cache.length });
  });
  await expect(openSession(directory)).rejects.toMatchObject({ code: "session/wrong-graph" });
});

test.each([{ threads: 0 }, { threads: 1.5 }, { chunk: 0 }, { chunk: Number.NaN }])("options %j are refused", async (options) => {
  await expect(openSession(directory, options)).rejects.toMatchObject({ code: "session/bad-option" });
});

test("a profile is written where it was asked for", async () => {
  const session = await openSession(directory, { profile: join(directory, "profile") });
  await session.createSequence().append([1, 2]);
  await session.dispose();
  expect((await readdir(directory)).filter((name) => name.startsWith("profile")).length).toBe(1);
});

test("a process that forgets to dispose ends by itself, and one that waits for dispose ends in order", async () => {
  const module = JSON.stringify(new URL(`./open${import.meta.url.slice(-3)}`, import.meta.url).href);
  const script = (end: string) =>
    `const { openSession } = await import(${module}); const session = await openSession(${JSON.stringify(FIXTURE)});
     const logits = await session.createSequence().append([1, 2, 3]); ${end} console.log(logits.length);`;
  for (const end of ["", "await session.dispose();"]) {
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script(end)], { timeout: 20_000 });
    expect(stdout).toBe("16\n");
  }
}, 30_000);

test("a process with a long command line loads a model and lives", async () => {
  const module = JSON.stringify(new URL(`./open${import.meta.url.slice(-3)}`, import.meta.url).href);
  const script = `const { openSession } = await import(${module}); await (await openSession(${JSON.stringify(FIXTURE)})).dispose(); console.log("alive");`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script, "--", "word ".repeat(12_000)]);
  expect(stdout).toBe("alive\n");
}, 30_000);
