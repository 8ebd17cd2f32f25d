import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TINY_CONFIG } from "./checkpoint/tiny-config.test.support.ts";
import { MANIFEST_FILE, MODEL_FILE, type Manifest } from "./manifest.ts";
import { openExport } from "./open-export.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "orrery-open-"));
  await writeFile(join(directory, MODEL_FILE), "graph");
  await writeFile(join(directory, "weights-0.bin"), "numbers");
  await writeManifest(MANIFEST);
});
afterEach(() => rm(directory, { recursive: true, force: true }));

function entry(name: string, content: string): Manifest["files"][number] {
  return { name, bytes: content.length, sha256: createHash("sha256").update(content).digest("hex") };
}

const MANIFEST: Manifest = {
  format: 2,
  family: "granite-moe",
  config: TINY_CONFIG,
  source: { name: "tiny.gguf", format: "gguf", sha256: "00" },
  weights: { precision: "int8", accuracyLevel: 4, cache: "float32" },
  experts: { mode: "merged", measured: null, reason: null },
  cache: [{ layer: 0, heads: 1, size: 32, window: null }],
  onnxruntime: "1.30.0",
  files: [entry(MODEL_FILE, "graph"), entry("weights-0.bin", "numbers")],
};

async function writeManifest(manifest: unknown): Promise<void> {
  await writeFile(join(directory, MANIFEST_FILE), typeof manifest === "string" ? manifest : JSON.stringify(manifest));
}

test("a whole export opens, and is what was written", async () => {
  await expect(openExport(directory, { verify: true })).resolves.toEqual({ directory, manifest: MANIFEST });
});

test("a model's own strengths are read where the manifest has them, and refused out of range", async () => {
  const sampling = { copyBias: 4, callOffset: -1.25 };
  await writeManifest({ ...MANIFEST, sampling });
  await expect(openExport(directory)).resolves.toEqual({ directory, manifest: { ...MANIFEST, sampling } });
  for (const wrong of [{ copyBias: -1 }, { copyBias: 21 }, { callOffset: "1" }, { callOffset: -20.5 }, 4]) {
    await writeManifest({ ...MANIFEST, sampling: wrong });
    await expect(openExport(directory)).rejects.toMatchObject({
      code: "export/bad-manifest",
      message: expect.stringContaining("sampling"),
    });
  }
});

test("a directory without a manifest is no export", async () => {
  await rm(join(directory, MANIFEST_FILE));
  await expect(openExport(directory)).rejects.toMatchObject({ code: "export/no-manifest", message: expect.stringContaining("holds no") });
});

test("what is there instead of an export is said", async () => {
  await rm(join(directory, MANIFEST_FILE));
  const said = (path: string, message: string, hint: string): Promise<void> =>
    expect(openExport(path)).rejects.toMatchObject({
      code: "export/no-manifest",
      message: expect.stringContaining(message),
      hint: expect.stringContaining(hint),
    });
  await said(join(directory, "nowhere"), "nothing is there", "hf:owner/name");
  const gguf = join(directory, "model.gguf");
  await writeFile(gguf, "GGUF");
  await said(gguf, "is a checkpoint", `orrery export ${gguf} --out`);
  await said(directory, "is a checkpoint", `orrery export ${directory} --out`);
});

test.each([
  ["is cut short", '{"format": 2', "is not JSON"],
  ["is of another format", { ...MANIFEST, format: 1 }, "format"],
  ["misses a field", { ...MANIFEST, cache: undefined }, "cache"],
  ["has a cache of another depth", { ...MANIFEST, cache: [] }, "0 layers that are not those of its config, which has 1"],
  ["names no model", { ...MANIFEST, files: [entry("weights-0.bin", "numbers")] }, "names no model.onnx"],
  ["names a file twice", { ...MANIFEST, files: [...MANIFEST.files, entry(MODEL_FILE, "graph")] }, "twice"],
  ["is far too large", `"${"x".repeat(2 ** 20)}"`, "expected at most 1048576"],
])("a manifest that %s is refused", async (_, manifest, what) => {
  await writeManifest(manifest);
  await expect(openExport(directory)).rejects.toMatchObject({ code: "export/bad-manifest", message: expect.stringContaining(what) });
});

test.each(["../secret", "/etc/passwd", "a/b", "..", ".", "", "a\\b", "a\0b"])("the file name %j is refused", async (name) => {
  await writeManifest({ ...MANIFEST, files: [...MANIFEST.files, { name, bytes: 0, sha256: "" }] });
  await expect(openExport(directory)).rejects.toMatchObject({
    code: "export/bad-manifest",
    message: expect.stringContaining("plain file names"),
  });
});

test("a missing file is named", async () => {
  await rm(join(directory, "weights-0.bin"));
  await expect(openExport(directory)).rejects.toMatchObject({
    code: "export/missing-file",
    message: expect.stringContaining("weights-0.bin"),
  });
});

test("a file of another size is named, with both sizes", async () => {
  await writeFile(join(directory, "weights-0.bin"), "number");
  await expect(openExport(directory)).rejects.toMatchObject({
    code: "export/wrong-size",
    message: expect.stringContaining("6 bytes, expected 7"),
  });
});

test("a changed file of the same size is found when the hashes are asked for", async () => {
  await writeFile(join(directory, "weights-0.bin"), "numberz");
  await expect(openExport(directory)).resolves.toBeDefined();
  await expect(openExport(directory, { verify: true })).rejects.toMatchObject({
    code: "export/wrong-hash",
    message: expect.stringContaining("weights-0.bin"),
  });
});
