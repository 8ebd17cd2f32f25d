/**
 * All that an export will hold, before any of it is written. In: a checkpoint, the precision, the bits of experts, how the graph is built. Out: the plan of the
 * data files, the graph, and the other files as bytes. Law: no weight is read.
 */
import type { Checkpoint } from "../checkpoint/tensor.ts";
import type { BuildOptions, Family } from "../families/family.ts";
import type { Graph } from "../graph/graph.ts";
import { MODEL_FILE, TOKENIZER_CONFIG_FILE, TOKENIZER_FILE, type Manifest, type Precision } from "../manifest.ts";
import { encodeModel } from "../onnx/model.ts";
import { planStorage } from "../weights/storage.ts";
import type { WeightSpec } from "../weights/weight.ts";
import { planDataFiles, weightTable, type DataFile } from "./plan.ts";
import { inSourceOrder } from "./source.ts";

export interface ExportContents {
  readonly dataFiles: readonly DataFile[];
  readonly graph: Graph;
  /** Name → bytes: the model and the tokenizer's files; the manifest comes last, with the hashes of all. */
  readonly others: ReadonlyMap<string, Uint8Array>;
}

/** @throws ExportError `export/parts`, `export/block` */
export function planContents(
  family: Family,
  checkpoint: Checkpoint,
  precision: Precision,
  build: BuildOptions,
  bits: Manifest["experts"]["bits"] = undefined,
): ExportContents {
  const { config, tokenizer } = checkpoint;
  const planned = family
    .weights(config, build)
    .map((spec) => ({ spec, storage: planStorage(spec, expertPrecision(spec, bits) ?? precision, checkpoint) }));
  const dataFiles = planDataFiles(inSourceOrder(planned, checkpoint));
  const graph = family.build(config, weightTable(dataFiles), build);
  const others = new Map<string, Uint8Array>([[MODEL_FILE, encodeModel(graph)]]);
  // A checkpoint of ids only, such as the test models, has no tokenizer.
  if (tokenizer !== null) others.set(TOKENIZER_FILE, json(tokenizer.json)).set(TOKENIZER_CONFIG_FILE, json(tokenizer.config));
  return { dataFiles, graph, others };
}

const EXPERT = /^layers\.(?<layer>\d+)\.experts\.(?<expert>\d+)\./;

/** What an expert's weight is stored in where calibration chose its bits; null for all others. */
export function expertPrecision({ name }: WeightSpec, bits: Manifest["experts"]["bits"]): Precision | null {
  const found = bits === undefined ? null : EXPERT.exec(name);
  if (!found) return null;
  return bits![Number(found.groups!["layer"])]![Number(found.groups!["expert"])] === 8 ? "int8" : "int4";
}

function json(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}
