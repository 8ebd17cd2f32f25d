/**
 * Which way to compute experts is faster here. In: a configuration, the precision. Out: milliseconds of one layer for one token, each
 * way, measured. Law: both graphs are the family's own with this model's shapes, and differ in nothing but the experts.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cacheLayers, type ModelConfig } from "../checkpoint/model-config.ts";
import type { BuildOptions, Family } from "../families/family.ts";
import { chooses, MODEL_FILE, type Manifest, type Precision } from "../manifest.ts";
import { encodeModel } from "../onnx/model.ts";
import { timeGraphs, type TimedGraph } from "../session/time-graph.ts";
import { planQuantized, storageBytes } from "../weights/storage.ts";
import { synthesize } from "../weights/synthetic.ts";
import { writeDataFile } from "./data-file.ts";
import { firstRun } from "./first-run.ts";
import { planDataFiles, weightTable } from "./plan.ts";

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

/** Seconds that an `If` costs at most, and bytes that a processor reads from memory in a second at most: both speak for merging. */
const IF_SECONDS = 10e-6;
const MEMORY_RATE = 100e9;

/** Bytes of a number, at least. */
const NUMBER_BYTES = { float32: 4, int8: 1, int4: 0.5, sliced: 0.5, paired: 0.5 } as const satisfies Record<Precision, number>;

/** Of a worker with an idle engine. */
const ENGINE_BYTES = 128 * 2 ** 20;

/**
 * Why merging the experts cannot pay, in words: reading the idle ones alone takes longer than all `If`s of a layer. Null where it must be
 * measured. So the layers that are timed are small, and timing them takes little memory and disk whatever the model's size.
 */
export function whyNotMerged({ experts, hiddenSize }: Pick<ModelConfig, "experts" | "hiddenSize">, precision: Precision): string | null {
  if (experts === null) return null;
  const { count, perToken, width } = experts;
  const idle = (count - perToken) * 3 * hiddenSize * width; // gate, up, down
  if ((idle * NUMBER_BYTES[precision]) / MEMORY_RATE < count * IF_SECONDS) return null;
  return `a token uses ${perToken} of ${count} experts, and the others hold ${Math.round(idle / 1e6)} million numbers in each layer`;
}

/** Memory that {@link measureExperts} takes, bytes: of each way the mapped files and, packed, as much again. */
export function measuringMemory(family: Family, config: ModelConfig, precision: Precision): number {
  const timed = timedConfig(family, config, precision);
  return (
    ENGINE_BYTES + MODES.length * 2 * timed.layers.length * layerBytes(family, { ...timed, layers: timed.layers.slice(0, 1) }, precision)
  );
}

/** Times one-token steps of both ways, in a worker, with synthetic weights in a temporary directory that is gone afterwards. */
export async function measureExperts(
  family: Family,
  config: ModelConfig,
  asked: Precision,
  accuracyLevel: BuildOptions["accuracyLevel"],
): Promise<ExpertCost> {
  const precision = chooses(asked) ? "int4" : asked; // most steps will be low ones
  const timed = timedConfig(family, config, precision);
  const directory = await mkdtemp(join(tmpdir(), "orrery-experts-"));
  try {
    const graphs: TimedGraph[] = [];
    for (const experts of MODES) {
      const path = await writeSynthetic(join(directory, experts), family, timed, precision, { experts, accuracyLevel });
      graphs.push({ path, feeds: Array.from({ length: TOKENS }, (_, token) => firstRun([token], cacheLayers(timed))) });
    }
    const [conditional, merged] = await timeGraphs(graphs, ROUNDS);
    return { conditionalMs: conditional! / timed.layers.length, mergedMs: merged! / timed.layers.length };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** This model's layers, as many as needed, between the smallest embedding and head that serve. */
function timedConfig(family: Family, config: ModelConfig, precision: Precision): ModelConfig {
  const small = { ...config, vocabularySize: TOKENS, contextLength: 64, layers: config.layers.slice(0, 1) };
  return { ...small, layers: config.layers.slice(0, Math.ceil(TIMED_BYTES / layerBytes(family, small, precision))) };
}

/** Bytes of the weights of a model of one layer with next to no embedding. */
function layerBytes(family: Family, small: ModelConfig, precision: Precision): number {
  return family
    .weights(small, { experts: "conditional", accuracyLevel: 0 })
    .reduce((sum, spec) => sum + storageBytes(planQuantized(spec, precision)), 0);
}

async function writeSynthetic(
  directory: string,
  family: Family,
  config: ModelConfig,
  precision: Precision,
  build: BuildOptions,
): Promise<string> {
  await mkdir(directory);
  const files = planDataFiles(family.weights(config, build).map((spec) => ({ spec, storage: planQuantized(spec, precision) })));
  for (const file of files) await writeDataFile(directory, file, synthesize, () => {});
  const path = join(directory, MODEL_FILE);
  await writeFile(path, encodeModel(family.build(config, weightTable(files), build)));
  return path;
}
