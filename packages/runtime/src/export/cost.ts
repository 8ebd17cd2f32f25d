/**
 * Which way to compute experts is faster here. In: a configuration, the precision. Out: milliseconds of one layer for one token, each
 * way, measured. Law: both graphs are the family's own with this model's shapes, and differ in nothing but the experts.
 */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cacheLayers, type CacheLayer, type ModelConfig } from "../checkpoint/model-config.ts";
import type { BuildOptions, Family } from "../families/family.ts";
import { MODEL_FILE, NOWHERE, type Manifest, type Precision } from "../manifest.ts";
import { encodeModel } from "../onnx/model.ts";
import { timeGraphs, type TimedGraph, type TimedTensor } from "../session/time-graph.ts";
import { planQuantized, storageBytes } from "../weights/storage.ts";
import { synthesize } from "../weights/synthetic.ts";
import type { StoredWeight } from "../weights/weight.ts";
import { alignment, ExportDirectory } from "./files.ts";

export type ExpertCost = NonNullable<Manifest["experts"]["measured"]>;

const MODES = ["conditional", "merged"] as const;

/**
 * Weights of the timed layers together, at least (as far as the model has layers): more than the caches of most processors, because in a
 * whole model every layer comes from memory. One cached layer would flatter the way that touches more weights.
 */
const TIMED_BYTES = 64 * 2 ** 20;

/** Enough that the medians of two runs of this agree within a few per cent on a quiet machine. */
const ROUNDS = 100;

/** Tokens that the runs take in turn, so that the router does not choose the same experts every time. */
const TOKENS = 32;

/** Where so many experts wait for each that is chosen, and they are so large, merging is not tried. */
const SPARSE_RATIO = 8;
/** Numbers of a layer's idle experts: in 4 bits 32 MB, milliseconds of memory traffic, where skipping them costs some 5 µs each. */
const SPARSE_NUMBERS = 2 ** 26;

/** Why merging the experts cannot pay, in words; null where it must be measured. The measurement itself would write gigabytes. */
export function whyNotMerged({ experts, hiddenSize }: Pick<ModelConfig, "experts" | "hiddenSize">): string | null {
  if (experts === null) return null;
  const { count, perToken, width } = experts;
  const idle = (count - perToken) * 3 * hiddenSize * width; // gate, up, down
  if (count / perToken < SPARSE_RATIO || idle < SPARSE_NUMBERS) return null;
  return `a token uses ${perToken} of ${count} experts, and the others hold ${Math.round(idle / 1e6)} million numbers in each layer`;
}

/** Times one-token steps of both ways, in a worker, with synthetic weights in a temporary directory that is gone afterwards. */
export async function measureExperts(
  family: Family,
  config: ModelConfig,
  precision: Precision,
  accuracyLevel: BuildOptions["accuracyLevel"],
): Promise<ExpertCost> {
  const timed = timedConfig(family, config, precision);
  const directories: ExportDirectory[] = [];
  try {
    const graphs: TimedGraph[] = [];
    for (const experts of MODES) {
      const { directory, path } = await writeSynthetic(family, timed, precision, { experts, accuracyLevel });
      directories.push(directory);
      graphs.push({ path, feeds: Array.from({ length: TOKENS }, (_, token) => oneToken(token, cacheLayers(timed))) });
    }
    const [conditional, merged] = await timeGraphs(graphs, ROUNDS);
    return { conditionalMs: conditional! / timed.layers.length, mergedMs: merged! / timed.layers.length };
  } finally {
    for (const directory of directories) await directory.discard();
  }
}

/** This model's layers, as many as needed, between the smallest embedding and head that serve. */
function timedConfig(family: Family, config: ModelConfig, precision: Precision): ModelConfig {
  const small = { ...config, vocabularySize: TOKENS, contextLength: 64, layers: config.layers.slice(0, 1) };
  const bytes = family
    .weights(small, { experts: "conditional", accuracyLevel: 0 })
    .reduce((sum, spec) => sum + storageBytes(planQuantized(spec, precision)), 0);
  return { ...small, layers: config.layers.slice(0, Math.ceil(TIMED_BYTES / bytes)) };
}

async function writeSynthetic(
  family: Family,
  config: ModelConfig,
  precision: Precision,
  build: BuildOptions,
): Promise<{ directory: ExportDirectory; path: string }> {
  const plans = family.weights(config, build).map((spec) => ({ spec, storage: planQuantized(spec, precision) }));
  const bytes = plans.reduce((sum, { storage }) => sum + storageBytes(storage) + alignment(storageBytes(storage)), 0);
  const directory = await ExportDirectory.create(join(tmpdir(), `orrery-experts-${process.pid}`), { bytes, overwrite: false });
  try {
    const table = new Map<string, StoredWeight>();
    for (const { spec, storage } of plans) table.set(spec.name, await synthesize(spec, storage, directory));
    await directory.endData();
    await directory.writeFile(MODEL_FILE, encodeModel(family.build(config, table, build)));
    return { directory, path: join(directory.path, MODEL_FILE) };
  } catch (cause) {
    await directory.discard();
    throw cause;
  }
}

/** Inputs of one token after a row of padding: docs/architecture.md lists them. */
function oneToken(token: number, cache: readonly CacheLayer[]): Readonly<Record<string, TimedTensor>> {
  const spans = new Set(cache.map(({ window }) => `past_positions.${window ?? "all"}`));
  const past = cache.flatMap(({ layer, heads, size }) =>
    ["key", "value"].map((side): [string, TimedTensor] => [
      `past.${layer}.${side}`,
      { type: "float32", dims: [1, heads, 1, size], data: new Float32Array(heads * size) },
    ]),
  );
  return {
    input_ids: { type: "int64", dims: [1], data: BigInt64Array.of(BigInt(token)) },
    positions: { type: "int64", dims: [1], data: BigInt64Array.of(1n) },
    logit_rows: { type: "int64", dims: [1], data: BigInt64Array.of(0n) },
    ...Object.fromEntries([...spans].map((span) => [span, { type: "int64", dims: [1], data: BigInt64Array.of(BigInt(NOWHERE)) }])),
    ...Object.fromEntries(past),
  };
}
