/**
 * An exported model as found on disk. In: a directory. Out: its manifest. Law: every file the manifest names is there in the size it says
 * (and, when asked, with the contents it says), and none of the names leads out of the directory.
 */
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { z } from "zod";
import { NOTHING_THERE } from "./checkpoint/checkpoint.ts";
import { cacheLayers } from "./checkpoint/model-config.ts";
import { ExportError } from "./errors.ts";
import { hasCode } from "./export/data-file.ts";
import { hashFile } from "./hash-file.ts";
import { MANIFEST_FILE, manifestSchema, MODEL_FILE, type Manifest } from "./manifest.ts";

/** A manifest is some kilobytes: more than this is not one, and is not read. */
const MAX_MANIFEST_BYTES = 2 ** 20;

/** A directory whose files are those that its manifest names. */
export interface OpenedExport {
  /** Absolute. */
  readonly directory: string;
  readonly manifest: Manifest;
}

/**
 * Opens an export. Sizes are always compared; `verify` also compares the SHA-256 of every file, which reads them whole.
 * @throws ExportError `export/no-manifest`, `export/bad-manifest`, `export/missing-file`, `export/wrong-size`, `export/wrong-hash`
 */
export async function openExport(directory: string, options: { readonly verify?: boolean } = {}): Promise<OpenedExport> {
  const absolute = resolve(directory);
  const manifest = await readManifest(absolute);
  for (const file of manifest.files) {
    const path = join(absolute, file.name);
    await checkSize(path, file.bytes);
    if (options.verify === true) await checkHash(path, file.sha256);
  }
  return { directory: absolute, manifest };
}

async function readManifest(directory: string): Promise<Manifest> {
  const path = join(directory, MANIFEST_FILE);
  const found = await stat(path).catch(async (cause: unknown) => {
    throw await noManifest(directory, cause);
  });
  if (!found.isFile()) throw badManifest(path, "is no file"); // a pipe would never end
  const { size } = found;
  if (size > MAX_MANIFEST_BYTES) throw badManifest(path, `has ${size} bytes, expected at most ${MAX_MANIFEST_BYTES}`);
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw badManifest(path, `is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success) throw badManifest(path, `does not fit: ${z.prettifyError(parsed.error)}`, parsed.error);
  checkNames(path, parsed.data);
  return parsed.data;
}

/** What is there in an export's place: most often a checkpoint, or nothing. */
async function noManifest(path: string, cause: unknown): Promise<ExportError> {
  const names = await readdir(path).catch((error: unknown) => (hasCode(error, "ENOENT") ? null : [path]));
  if (names === null)
    return new ExportError("export/no-manifest", `${path}: nothing is there, expected a model`, { hint: NOTHING_THERE, cause });
  const isCheckpoint = names.some((name) => /\.(?:gguf|safetensors)$/.test(name));
  const what = isCheckpoint ? "is a checkpoint, no export yet" : `holds no ${MANIFEST_FILE}`;
  const hint = isCheckpoint
    ? `make it ready with \`orrery export ${path} --out <dir>\` and name that directory`
    : "make a checkpoint ready with `orrery export <checkpoint> --out <dir>` and name that directory; ONNX graphs of others need their config.json beside them";
  return new ExportError("export/no-manifest", `${path} ${what}`, { hint, cause });
}

function checkNames(path: string, { files, cache, config }: Manifest): void {
  const names = new Set(files.map(({ name }) => name));
  const unsafe = files.find(({ name }) => name !== basename(name) || name.includes("\\") || name.includes("\0") || /^\.*$/.test(name));
  if (unsafe !== undefined) throw badManifest(path, `names the file ${JSON.stringify(unsafe.name)}, expected plain file names`);
  if (names.size !== files.length) throw badManifest(path, "names a file twice");
  if (!names.has(MODEL_FILE)) throw badManifest(path, `names no ${MODEL_FILE}`);
  const expected = cacheLayers(config);
  if (JSON.stringify(cache) !== JSON.stringify(expected))
    throw badManifest(path, `has cache shapes for ${cache.length} layers that are not those of its config, which has ${expected.length}`);
}

async function checkSize(path: string, expected: number): Promise<void> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new ExportError("export/missing-file", `${path} is missing; the manifest names it`, {
      hint: "copy or export the model again",
      cause,
    });
  });
  if (!found.isFile() || found.size !== expected)
    throw new ExportError("export/wrong-size", `${path} has ${found.size} bytes, expected ${expected}`, {
      hint: "the copy is cut short or mixed with another export; copy or export the model again",
    });
}

async function checkHash(path: string, expected: string): Promise<void> {
  const found = await hashFile(path);
  if (found !== expected.toLowerCase())
    throw new ExportError("export/wrong-hash", `${path} has SHA-256 ${found}, expected ${expected}`, {
      hint: "the file was changed or damaged; copy or export the model again",
    });
}

function badManifest(path: string, what: string, cause?: unknown): ExportError {
  return new ExportError("export/bad-manifest", `${path} ${what}`, { hint: "export the model again with this version", cause });
}
