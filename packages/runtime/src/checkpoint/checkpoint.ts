/**
 * Opens a checkpoint. In: a .gguf file or any part of one, or a directory with config.json and safetensors, or with one .gguf. Out: one closed config
 * and tensors under Hugging Face names, whatever the format. Law: all headers are checked before it is returned; weights are read only when asked for.
 */
import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { CheckpointError } from "../errors.ts";
import { CHAT_TEMPLATE_FILE, TOKENIZER_CONFIG_FILE, TOKENIZER_FILE } from "../manifest.ts";
import { familyOfArchitecture, familyOfModelType } from "./config.ts";
import { dequantize, rowBytes } from "./dequantize.ts";
import { CheckpointDirectory, CONFIG_FILE, findGguf, findWeights, GENERATION_CONFIG_FILE, type Weights } from "./directory.ts";
import { architectureOf, readGguf } from "./gguf.ts";
import { joinParts } from "./gguf-split.ts";
import { tokenizerFromGguf, type TokenizerFiles } from "./gguf-tokenizer.ts";
import { quoted, readJsonObject } from "./json.ts";
import { checkDerived } from "./derived.ts";
import { layoutGguf, layoutHuggingFace } from "./layout.ts";
import type { ModelConfig } from "./model-config.ts";
import { visitRows } from "./read-rows.ts";
import { readSafetensors } from "./safetensors.ts";
import type { StoredTensor, TensorTable } from "./stored-tensor.ts";
import type { Checkpoint, StoredType, Tensor } from "./tensor.ts";
import { tokensFromGguf, tokensFromJson, type Needs } from "./token-ids.ts";
import { WeightFile } from "./weight-file.ts";

const HASH_BYTES = 1 << 20;
/** Sixty times the largest chat template we know (Gemma 4's, 17 kB). */
const MAX_TEMPLATE_BYTES = 1 << 20;

/** The hint for a path that leads nowhere. */
export const NOTHING_THERE = "check the path; a model of the Hugging Face hub is named hf:owner/name";

/**
 * Opens a checkpoint; close it when done. A directory's tokenizer.json goes before the tokenizer inside its GGUF; a .gguf file that is
 * named itself stands alone, whatever lies beside it.
 * @throws CheckpointError `checkpoint/…`; see docs/errors.md
 */
export async function openCheckpoint(path: string): Promise<Checkpoint> {
  const absolute = resolve(path);
  const found = await stat(absolute).catch((cause: unknown) => {
    throw new CheckpointError("checkpoint/missing-file", `${absolute}: nothing is there, expected a .gguf file or a directory`, {
      hint: NOTHING_THERE,
      cause,
    });
  });
  if (!found.isDirectory()) return openGguf(absolute, await findGguf(absolute), null);
  const directory = await CheckpointDirectory.open(absolute);
  const weights = await findWeights(directory);
  return weights.format === "gguf" ? openGguf(absolute, weights.files, directory) : openSafetensors(directory, weights);
}

async function openGguf(path: string, parts: readonly string[], directory: CheckpointDirectory | null): Promise<Checkpoint> {
  return withFiles(parts, async (files) => {
    const header = joinParts(parts.map((part) => ({ file: part, ...readGguf(files.get(part)!) })));
    const file = parts[0]!;
    const family = familyOfArchitecture(architectureOf(header.metadata, file), file);
    const config = family.fromGguf(header.metadata, header.tensors, file);
    const needs = { vocabularySize: config.vocabularySize, needsBos: family.needsBos };
    const beside = directory === null ? [] : await stopIdsBeside(directory, needs);
    const tokens = tokensFromGguf(header.metadata, beside, needs, file);
    const derived = family.derived(config);
    const tensors = layoutGguf({
      wanted: family.tensors(config),
      stored: header.tensors,
      where: parts.length === 1 ? file : dirname(file),
      prefixes: [],
      ignores: (name) => derived.some((tensor) => tensor.name === name) || family.ignores(name, config),
    });
    checkDerived(derived, header.tensors, files);
    const tokenizer = (directory && (await tokenizerBeside(directory))) ?? tokenizerFromGguf(header.metadata, file);
    return new FileCheckpoint({ path, format: "gguf", config: { family: family.name, ...config, tokens }, tokenizer, tensors }, files);
  });
}

async function openSafetensors(directory: CheckpointDirectory, weights: Weights & { format: "safetensors" }): Promise<Checkpoint> {
  const configFile = await directory.file(CONFIG_FILE);
  return withFiles(weights.files, async (files) => {
    const stored = tensorsOf(files, weights.places);
    const json = await readJsonObject(configFile);
    const family = familyOfModelType(json["model_type"], configFile);
    const config = family.fromConfigJson(json, configFile);
    const tokens = tokensFromJson(
      {
        config: { json, file: configFile },
        generation: await directory.json(GENERATION_CONFIG_FILE),
        tokenizer: await directory.json(TOKENIZER_CONFIG_FILE),
      },
      { vocabularySize: config.vocabularySize, needsBos: family.needsBos },
    );
    const where = weights.files.length === 1 ? weights.files[0]! : directory.path;
    const tensors = layoutHuggingFace({
      wanted: family.tensors(config),
      stored,
      where,
      prefixes: family.prefixes,
      ignores: (name) => family.ignores(name, config),
    });
    const facts = { path: directory.path, format: "safetensors", config: { family: family.name, ...config, tokens } } as const;
    return new FileCheckpoint({ ...facts, tokenizer: await tokenizerBeside(directory), tensors }, files);
  });
}

/** Opens files, and closes them again when what follows fails. */
async function withFiles(
  paths: readonly string[],
  use: (files: ReadonlyMap<string, WeightFile>) => Promise<Checkpoint>,
): Promise<Checkpoint> {
  const files = new Map<string, WeightFile>();
  try {
    for (const path of paths) files.set(path, await WeightFile.open(path));
    return await use(files);
  } catch (error) {
    for (const file of files.values()) await file.close();
    throw error;
  }
}

/** All shards' tensors; with an index, exactly those it names, each from the shard it names. */
function tensorsOf(files: ReadonlyMap<string, WeightFile>, places: ReadonlyMap<string, string> | null): TensorTable {
  const shards = new Map<string, TensorTable>();
  for (const [path, file] of files) shards.set(path, readSafetensors(file));
  if (places === null) return [...shards.values()][0]!;
  const tensors = new Map<string, StoredTensor>();
  for (const [name, path] of places) {
    const tensor = shards.get(path)?.get(name);
    if (tensor === undefined) {
      throw new CheckpointError("checkpoint/missing-tensor", `${path}: tensor ${quoted(name)} is missing, which the index places there`, {
        hint: "the index and the weights belong to different versions; fetch both again",
      });
    }
    tensors.set(name, tensor);
  }
  return tensors;
}

async function tokenizerBeside(directory: CheckpointDirectory): Promise<TokenizerFiles | null> {
  if (!directory.has(TOKENIZER_FILE)) return null;
  const json = await readJsonObject(await directory.file(TOKENIZER_FILE));
  const config = (await directory.json(TOKENIZER_CONFIG_FILE)).json;
  const template = await directory.text(CHAT_TEMPLATE_FILE, MAX_TEMPLATE_BYTES);
  return { json, config: template === null ? config : { ...config, chat_template: template } };
}

/** A GGUF can name one end of turn; a config.json beside it may list more. */
async function stopIdsBeside(directory: CheckpointDirectory, needs: Needs): Promise<readonly number[]> {
  const none = { json: {}, file: directory.path };
  const generation = await directory.json(GENERATION_CONFIG_FILE);
  return tokensFromJson({ config: await directory.json(CONFIG_FILE), generation, tokenizer: none }, needs).stop;
}

type Facts = Pick<Checkpoint, "path" | "format" | "config" | "tokenizer" | "tensors">;

class FileCheckpoint implements Checkpoint {
  readonly path: string;
  readonly format: "gguf" | "safetensors";
  readonly config: ModelConfig;
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly tokenizer: TokenizerFiles | null;
  readonly #files: ReadonlyMap<string, WeightFile>;

  constructor(facts: Facts, files: ReadonlyMap<string, WeightFile>) {
    this.path = facts.path;
    this.format = facts.format;
    this.config = facts.config;
    this.tensors = facts.tensors;
    this.tokenizer = facts.tokenizer;
    this.#files = files;
  }

  tensor(name: string): Tensor {
    const tensor = this.tensors.get(name);
    if (tensor) return tensor;
    throw new CheckpointError("checkpoint/missing-tensor", `${this.path}: ${this.config.family} has no tensor ${quoted(name)}`, {
      hint: "list the tensors with `orrery inspect`",
    });
  }

  async readFloats(tensor: Tensor, start = 0, end = tensor.rows): Promise<Float32Array> {
    checkRange(tensor, start, end);
    const floats = new Float32Array((end - start) * tensor.columns);
    await visitRows(tensor, [start, end], this.#files, (type, bytes, first, numbers) => dequantize(type, bytes, floats, first, numbers));
    if (tensor.offset !== 0) for (let i = 0; i < floats.length; i++) floats[i]! += tensor.offset;
    return floats;
  }

  async readStored(tensor: Tensor, start = 0, end = tensor.rows): Promise<{ type: StoredType; bytes: Uint8Array }> {
    checkRange(tensor, start, end);
    const { type } = tensor.runs[0] ?? { type: "F32" };
    const other = tensor.runs.find((run) => run.type !== type);
    if (other) {
      throw new CheckpointError(
        "checkpoint/mixed-types",
        `${this.path}: tensor ${quoted(tensor.name)} is stored in ${type} and ${other.type}, expected one type`,
        {
          hint: "read it as floats",
        },
      );
    }
    if (tensor.offset !== 0) throw new RangeError(`${tensor.name} is not what is stored: read it as floats`);
    const bytes = new Uint8Array((end - start) * rowBytes(type, tensor.columns));
    await visitRows(tensor, [start, end], this.#files, (_, piece, first) => bytes.set(piece, rowBytes(type, first)));
    return { type, bytes };
  }

  async hash(before: (share: number) => Promise<void> = async () => {}): Promise<string> {
    const hash = createHash("sha256");
    const buffer = new Uint8Array(HASH_BYTES);
    const files = [...this.#files.values()];
    const total = files.reduce((sum, { size }) => sum + size, 0);
    let done = 0;
    for (const file of files) {
      for (let at = 0; at < file.size; at += HASH_BYTES) {
        const part = buffer.subarray(0, Math.min(HASH_BYTES, file.size - at));
        await before((done += part.length) / total);
        await file.readInto(part, at);
        hash.update(part);
      }
    }
    return hash.digest("hex");
  }

  async close(): Promise<void> {
    for (const file of this.#files.values()) await file.close();
  }
}

/** A caller's mistake, not a file's. */
function checkRange(tensor: Tensor, start: number, end: number): void {
  if (Number.isInteger(start) && Number.isInteger(end) && 0 <= start && start <= end && end <= tensor.rows) return;
  throw new RangeError(`rows [${start}, ${end}) of ${tensor.name}, which has ${tensor.rows}`);
}
