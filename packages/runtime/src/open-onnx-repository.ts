/**
 * A directory in the layout of onnx-community, Optimum or onnxruntime-genai. In: the directory. Out: the graphs to load, and what config.json
 * says of them. Law: a graph is found by its name alone, and no file outside the directory is opened.
 *
 *   onnx/decoder_model_merged_q4.onnx  onnx/embed_tokens_q4.onnx   a decoder and the tables it is fed from
 *   onnx/model_q4.onnx                                             one graph
 *   model.onnx                                                     beside config.json, or as genai_config.json names it
 */
import { readdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { z } from "zod";
import { badConfig, parseFields, size, layerCount } from "./checkpoint/config-fields.ts";
import { CheckpointDirectory, CONFIG_FILE, GENERATION_CONFIG_FILE } from "./checkpoint/directory.ts";
import { isRecord, quoted } from "./checkpoint/json.ts";
import type { ModelConfig } from "./checkpoint/model-config.ts";
import { tokensFromJson } from "./checkpoint/token-ids.ts";
import { ExportError } from "./errors.ts";
import { MANIFEST_FILE, TOKENIZER_CONFIG_FILE } from "./manifest.ts";

const GENAI_CONFIG_FILE = "genai_config.json";
const FOLDER = "onnx";
/** What a decoder's file is called, without `.onnx` and the suffix of its variant. */
const DECODERS = ["decoder_model_merged", "model"] as const;
/** Optimum's older layout: this graph beside decoder_model.onnx, which takes no past. */
const WITH_PAST = "decoder_with_past_model";
const EMBEDDING = "embed_tokens";

/**
 * Variants in the order in which one is chosen: the fastest on a CPU first. Kernels for float16 convert what they read at every step,
 * so those come last. A file without a suffix is `fp32`.
 */
export const VARIANTS = ["q4", "quantized", "int8", "uint8", "fp32", "q4f16", "fp16"] as const;
/** transformers.js says q8 where the file says quantized. */
const ALIASES: ReadonlyMap<string, string> = new Map([["q8", "quantized"]]);

/** What the config says that the graphs must agree with. */
export interface OnnxRepositoryConfig {
  readonly contextLength: number;
  readonly vocabularySize: number;
  /** Layers at most; null where no file says. */
  readonly layers: number | null;
  /** Numbers of key heads, and sizes of a head, that a layer may have; empty where no file says. */
  readonly keyHeads: readonly number[];
  readonly headSizes: readonly number[];
  readonly tokens: ModelConfig["tokens"];
}

/** A model whose graphs take the past and give the present: `past_key_values.{i}.key` and its like. */
export interface OnnxRepository {
  /** Absolute. */
  readonly directory: string;
  /** Which of its variants was chosen; null where genai_config.json names the file. */
  readonly variant: string | null;
  /** All its variants; none where genai_config.json names the file. */
  readonly variants: readonly string[];
  /** Absolute paths; weights lie beside them. `embedding`: the graph that makes `inputs_embeds`, where the decoder does not. */
  readonly decoder: string;
  readonly embedding: string | null;
  readonly config: OnnxRepositoryConfig;
}

/**
 * Opens such a directory; null when it is none, or is an export of ours.
 * @param variant A suffix of its files (`q4`, `fp16`, …; `fp32` for none). Default: the first of {@link VARIANTS} that is there.
 * @throws ExportError `export/unknown-variant`, `export/unmerged-decoder`; CheckpointError `checkpoint/…` for a config that cannot be read, or a link that leads out
 */
export async function openOnnxRepository(path: string, variant?: string): Promise<OnnxRepository | null> {
  const absolute = resolve(path);
  const names = await readdir(absolute).catch((): string[] => []);
  if (names.includes(MANIFEST_FILE) || !(names.includes(CONFIG_FILE) || names.includes(GENAI_CONFIG_FILE))) return null;
  const directory = await CheckpointDirectory.open(absolute);
  const genai = directory.has(GENAI_CONFIG_FILE) ? await readGenai(directory) : null;
  const graphs = genai === null ? await findGraphs(directory, variant) : await namedGraphs(directory, genai, variant);
  return graphs === null ? null : { directory: absolute, ...graphs, config: await readConfig(directory, genai) };
}

type Graphs = Pick<OnnxRepository, "variant" | "variants" | "decoder" | "embedding">;

async function findGraphs(root: CheckpointDirectory, wanted: string | undefined): Promise<Graphs | null> {
  const folder = root.has(FOLDER) ? await CheckpointDirectory.open(await root.file(FOLDER)) : null;
  const directories = [...(folder === null ? [] : [folder]), root];
  for (const directory of directories)
    for (const stem of DECODERS) {
      const decoders = variantsOf(directory, stem);
      if (decoders.size === 0) continue;
      const variant = chosen(decoders, wanted, directory.path);
      const tables = variantsOf(directory, EMBEDDING);
      const table = tables.get(variant) ?? tables.get(best(tables) ?? "");
      return {
        variant,
        variants: [...decoders.keys()].toSorted(),
        decoder: await directory.file(decoders.get(variant)!),
        embedding: table === undefined ? null : await directory.file(table),
      };
    }
  for (const directory of directories) if (variantsOf(directory, WITH_PAST).size > 0) throw unmerged(directory.path);
  return null;
}

function unmerged(path: string): ExportError {
  return new ExportError(
    "export/unmerged-decoder",
    `${path} holds a decoder in two graphs, one of them ${WITH_PAST}.onnx for when there is a past`,
    {
      hint: "take decoder_model_merged.onnx, which is both in one (optimum-cli merges them), or make the checkpoint ready with `orrery export`",
    },
  );
}

/** File names by variant. */
function variantsOf(directory: CheckpointDirectory, stem: string): ReadonlyMap<string, string> {
  const variants = new Map<string, string>();
  for (const name of directory.ending(".onnx")) {
    const match = /^(?:_([A-Za-z0-9]+))?\.onnx$/.exec(name.startsWith(stem) ? name.slice(stem.length) : "_");
    if (match !== null) variants.set(match[1] ?? "fp32", name);
  }
  return variants;
}

function best(variants: ReadonlyMap<string, string>): string | undefined {
  return VARIANTS.find((variant) => variants.has(variant)) ?? variants.keys().next().value;
}

/** @throws ExportError `export/unknown-variant` */
function chosen(variants: ReadonlyMap<string, string>, wanted: string | undefined, path: string): string {
  const variant = wanted === undefined ? best(variants)! : (ALIASES.get(wanted) ?? wanted);
  if (variants.has(variant)) return variant;
  throw unknownVariant(`${path} has no variant ${quoted(wanted)}, found ${[...variants.keys()].toSorted().join(", ")}`);
}

/** Variants are files to choose from, which an export, or a directory with genai_config.json, does not have. */
export function unknownVariant(message: string): ExportError {
  return new ExportError("export/unknown-variant", message, { hint: "name one that is there, or leave `variant` out" });
}

const id = z.int().nonnegative();
const file = z.object({ filename: z.string() });
const genaiSchema = z.object({
  model: z.object({
    context_length: size.nullish(),
    vocab_size: size.nullish(),
    bos_token_id: id.nullish(),
    eos_token_id: z.union([id, z.array(id)]).nullish(),
    decoder: file,
    embedding: file.nullish(),
  }),
});
type Genai = z.infer<typeof genaiSchema>["model"];

async function readGenai(directory: CheckpointDirectory): Promise<Genai> {
  const { json, file: path } = await directory.json(GENAI_CONFIG_FILE);
  return parseFields(genaiSchema, json, path).model;
}

async function namedGraphs(directory: CheckpointDirectory, genai: Genai, wanted: string | undefined): Promise<Graphs> {
  const by = join(directory.path, GENAI_CONFIG_FILE);
  if (wanted !== undefined) throw unknownVariant(`${by} names the graph, so there is no variant ${quoted(wanted)}`);
  return {
    variant: null,
    variants: [],
    decoder: await directory.file(genai.decoder.filename, by),
    embedding: genai.embedding ? await directory.file(genai.embedding.filename, by) : null,
  };
}

const configSchema = z.object({
  vocab_size: size.nullish(),
  max_position_embeddings: size.nullish(),
  n_positions: size.nullish(),
  num_hidden_layers: layerCount.nullish(),
  num_key_value_heads: size.nullish(),
  num_global_key_value_heads: size.nullish(),
  head_dim: size.nullish(),
  global_head_dim: size.nullish(),
});

/** config.json goes first; of a model of several modalities, what it says of the text. */
async function readConfig(directory: CheckpointDirectory, genai: Genai | null): Promise<OnnxRepositoryConfig> {
  const [whole, generation, tokenizer] = await Promise.all(
    [CONFIG_FILE, GENERATION_CONFIG_FILE, TOKENIZER_CONFIG_FILE].map((name) => directory.json(name)),
  );
  const text = whole!.json["text_config"];
  const json: Record<string, unknown> = { ...genai, ...(isRecord(text) ? text : {}), ...whole!.json };
  const said = parseFields(configSchema, json, whole!.file);
  const vocabularySize = said.vocab_size;
  if (!vocabularySize) throw badConfig(whole!.file, "vocab_size is missing", "the number of logits");
  const contextLength = genai?.context_length ?? said.max_position_embeddings ?? said.n_positions;
  if (!contextLength) throw badConfig(whole!.file, "max_position_embeddings is missing", "the number of positions");
  return {
    contextLength,
    vocabularySize,
    layers: said.num_hidden_layers ?? null,
    keyHeads: numbers(said.num_key_value_heads, said.num_global_key_value_heads),
    headSizes: numbers(said.head_dim, said.global_head_dim),
    tokens: tokensFromJson(
      { config: { json, file: whole!.file }, generation: generation!, tokenizer: tokenizer! },
      { vocabularySize, needsBos: String(json["model_type"]).startsWith("gemma") },
    ),
  };
}

function numbers(...values: readonly (number | null | undefined)[]): number[] {
  return values.filter((value) => value !== null && value !== undefined);
}

/** A name to call it by. */
export function repositoryName({ directory }: OnnxRepository): string {
  return basename(directory);
}
