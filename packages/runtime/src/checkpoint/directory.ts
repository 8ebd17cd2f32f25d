/**
 * The files of a checkpoint directory. In: a directory. Out: which weights it holds and where its JSON files are. Law: no file outside the
 * directory is ever opened, whether an index names it or a link leads to it.
 */
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, sep } from "node:path";
import { CheckpointError } from "../errors.ts";
import { MANIFEST_FILE } from "../manifest.ts";
import { namesOfParts } from "./gguf-split.ts";
import { isRecord, quoted, readJsonObject } from "./json.ts";

export const CONFIG_FILE = "config.json";
export const GENERATION_CONFIG_FILE = "generation_config.json";
const WEIGHTS_FILE = "model.safetensors";
const INDEX_FILE = "model.safetensors.index.json";

const COMPLETE = "give a directory with config.json and model.safetensors, or one with a .gguf file or all parts of one";

export class CheckpointDirectory {
  readonly path: string;
  readonly #names: ReadonlySet<string>;
  /** Real paths of the directories that files may lie in. */
  readonly #roots: readonly string[];

  private constructor(path: string, names: ReadonlySet<string>, roots: readonly string[]) {
    this.path = path;
    this.#names = names;
    this.#roots = roots;
  }

  static async open(path: string): Promise<CheckpointDirectory> {
    const root = await realpath(path);
    // The hub's cache keeps files in blobs/ and links to them from snapshots/<revision>/, and from folders in it.
    const revision = [root, dirname(root)].find((place) => basename(dirname(place)) === "snapshots");
    const roots = revision === undefined ? [root] : [root, join(dirname(dirname(revision)), "blobs")];
    return new CheckpointDirectory(path, new Set(await readdir(path)), roots);
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  ending(suffix: string): readonly string[] {
    return [...this.#names].filter((name) => name.endsWith(suffix)).toSorted();
  }

  /** Absolute path of a file of the directory. @throws CheckpointError `checkpoint/unsafe-path`, `checkpoint/missing-file` */
  async file(name: string, namedBy: string = this.path): Promise<string> {
    if (name === "" || name === "." || name === ".." || /[/\\\0]/.test(name)) {
      throw new CheckpointError("checkpoint/unsafe-path", `${namedBy}: names the file ${quoted(name)}, expected a plain file name`, {
        hint: "weights lie beside their index; do not use this checkpoint if it is not yours",
      });
    }
    if (!this.has(name)) {
      throw new CheckpointError("checkpoint/missing-file", `${namedBy}: ${quoted(name)} is missing in ${this.path}`, { hint: COMPLETE });
    }
    const path = join(this.path, name);
    const real = await realpath(path).catch(() => path);
    if (real === path || this.#roots.some((root) => real.startsWith(root + sep))) return path;
    throw new CheckpointError("checkpoint/unsafe-path", `${path}: is a link to ${real}, expected a file inside the directory`, {
      hint: "copy the file into the directory if you trust it",
    });
  }

  /** A text, or null where there is no such file. @throws CheckpointError `checkpoint/too-large`, `checkpoint/unsafe-path` */
  async text(name: string, maxBytes: number): Promise<string | null> {
    if (!this.has(name)) return null;
    const file = await this.file(name);
    const { size } = await stat(file);
    if (size <= maxBytes) return readFile(file, "utf8");
    throw new CheckpointError("checkpoint/too-large", `${file}: has ${size} bytes, expected at most ${maxBytes}`, {
      hint: "fetch the file again, from a source you trust",
    });
  }

  /** An object, or `{}` where there is no such file; `file` is its path for messages. */
  async json(name: string): Promise<{ readonly json: Record<string, unknown>; readonly file: string }> {
    return { json: this.has(name) ? await readJsonObject(await this.file(name)) : {}, file: join(this.path, name) };
  }
}

/** What a directory's weights are. `places` maps each tensor to its file when an index says so. */
export type Weights =
  | { readonly format: "gguf"; readonly files: readonly string[] }
  | { readonly format: "safetensors"; readonly files: readonly string[]; readonly places: ReadonlyMap<string, string> | null };

/** @throws CheckpointError `checkpoint/missing-file`, `checkpoint/unsupported` when it is not clear which file is meant, and as the index */
export async function findWeights(directory: CheckpointDirectory): Promise<Weights> {
  if (directory.has(INDEX_FILE)) return readIndex(directory);
  const safetensors = directory.ending(".safetensors");
  if (directory.has(WEIGHTS_FILE) || safetensors.length === 1) {
    const file = await directory.file(directory.has(WEIGHTS_FILE) ? WEIGHTS_FILE : safetensors[0]!);
    return { format: "safetensors", files: [file], places: null };
  }
  if (safetensors.length > 1) await directory.file(INDEX_FILE);
  const ggufs = directory.ending(".gguf");
  if (ggufs.length === 0) throw noWeights(directory);
  const parts = namesOfParts(ggufs[0]!);
  if (ggufs.every((name) => parts.includes(name))) return { format: "gguf", files: await ggufFiles(directory, parts) };
  throw new CheckpointError(
    "checkpoint/unsupported",
    `${directory.path}: found ${ggufs.length} .gguf files, expected one or the parts of one: ${ggufs.map(quoted).join(", ")}`,
    {
      hint: "name the file instead of the directory",
    },
  );
}

/** A model that is ready to run is easily taken for a checkpoint. */
function noWeights(directory: CheckpointDirectory): CheckpointError {
  const { path } = directory;
  const missing = (what: string, hint: string): CheckpointError =>
    new CheckpointError("checkpoint/missing-file", `${path}: ${what}`, { hint });
  if (directory.has(MANIFEST_FILE))
    return missing("is an export already, expected a checkpoint", "run it as it is, or name the checkpoint that it was made of");
  if (directory.has("onnx") || directory.ending(".onnx").length > 0)
    return missing("holds ONNX graphs, expected a checkpoint", "run them as they are, or fetch the weights that they were made of");
  return missing(`${quoted(WEIGHTS_FILE)} is missing, and there is no .gguf file`, COMPLETE);
}

/** The file of that path and, where it is a part of a model, all others, in order. @throws CheckpointError `checkpoint/missing-file`, `checkpoint/unsafe-path` */
export async function findGguf(path: string): Promise<readonly string[]> {
  const names = namesOfParts(basename(path));
  if (names.length === 1) return [path];
  const directory = await CheckpointDirectory.open(dirname(path));
  const files = await ggufFiles(directory, names);
  return files.with(names.indexOf(basename(path)), path); // named by the caller, so it may be a link
}

async function ggufFiles(directory: CheckpointDirectory, names: readonly string[]): Promise<readonly string[]> {
  const files: string[] = [];
  for (const name of names) files.push(await directory.file(name));
  return files;
}

/** `{ weight_map: { tensor: file } }`. Every file is beside the index. */
async function readIndex(directory: CheckpointDirectory): Promise<Weights> {
  const index = await directory.file(INDEX_FILE);
  const map = (await readJsonObject(index))["weight_map"];
  if (!isRecord(map)) {
    throw new CheckpointError("checkpoint/bad-json", `${index}: weight_map is ${quoted(map)}, expected an object`, { hint: COMPLETE });
  }
  const files = new Map<string, string>();
  const places = new Map<string, string>();
  for (const [tensor, name] of Object.entries(map)) {
    if (typeof name !== "string") {
      throw new CheckpointError("checkpoint/bad-json", `${index}: ${quoted(tensor)} is in ${quoted(name)}, expected a file name`, {
        hint: COMPLETE,
      });
    }
    const file = files.get(name) ?? (await directory.file(name, index));
    files.set(name, file);
    places.set(tensor, file);
  }
  return { format: "safetensors", files: [...files.values()].toSorted(), places };
}
