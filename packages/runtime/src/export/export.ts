/**
 * A checkpoint becomes a directory that the runtime loads: model.onnx, weights-*.bin, the tokenizer's files, manifest.json.
 * In: a checkpoint and a precision. Out: the directory. Law: it is there complete, or not at all.
 */
import { basename, resolve } from "node:path";
import { openCheckpoint } from "../checkpoint/checkpoint.ts";
import { cacheLayers } from "../checkpoint/model-config.ts";
import type { Checkpoint } from "../checkpoint/tensor.ts";
import type { BuildOptions, Family } from "../families/family.ts";
import { engineVersion } from "../engine-version.ts";
import { familyOf } from "../families/registry.ts";
import { MANIFEST_FILE, MODEL_FILE, TOKENIZER_CONFIG_FILE, TOKENIZER_FILE, type Manifest, type Precision } from "../manifest.ts";
import { encodeModel } from "../onnx/model.ts";
import { materialize } from "../weights/materialize.ts";
import { planStorage, storageBytes, type Storage } from "../weights/storage.ts";
import type { StoredWeight, WeightSpec, WeightTable } from "../weights/weight.ts";
import { measureExperts, whyNotMerged } from "./cost.ts";
import { alignment, ExportDirectory } from "./files.ts";
import type { OpenedExport } from "../open-export.ts";

/** Where an export goes and in what form. */
export interface ExportOptions {
  /** Directory to write; made, if need be. */
  readonly out: string;
  readonly weights: Precision;
  /** How experts are computed; default: the faster one, measured here unless it is plain. */
  readonly experts?: "conditional" | "merged";
  /** 0: exact float32 activations, for reference (8 bits decode many times slower so); 4: int8. Default: 0 for float32 weights, else 4. */
  readonly accuracyLevel?: 0 | 4;
  /** Replace an earlier export in `out`; default false. */
  readonly overwrite?: boolean;
  /** Called after every weight. Must not throw. */
  readonly onProgress?: (progress: ExportProgress) => void;
}

/** How far an export is. */
export interface ExportProgress {
  /** Weights written, of all. */
  readonly done: number;
  readonly total: number;
  /** Bytes written. */
  readonly bytes: number;
  /** Milliseconds since the export began. */
  readonly elapsedMs: number;
}

/** What model.onnx, the manifest and the tokenizer files need beside the weights, at most: for the space check. */
const OTHER_BYTES = 64 * 2 ** 20;

interface Planned {
  readonly spec: WeightSpec;
  readonly storage: Storage;
}

/**
 * Exports a checkpoint (a GGUF file, or a directory with safetensors and config.json).
 * @throws CheckpointError when the checkpoint cannot be read
 * @throws ExportError `export/exists`, `export/disk-full`, `export/not-finite`, `export/block`, `export/parts`; `out` is then as it was
 */
export async function exportModel(checkpointPath: string, options: ExportOptions): Promise<OpenedExport> {
  const began = performance.now();
  const checkpoint = await openCheckpoint(checkpointPath);
  try {
    const family = familyOf(checkpoint.config.family);
    const { build, experts } = await chooseBuild(family, checkpoint, options);
    const planned = family
      .weights(checkpoint.config, build)
      .map((spec) => ({ spec, storage: planStorage(spec, options.weights, checkpoint) }));
    const bytes = planned.reduce((sum, { storage }) => sum + storageBytes(storage) + 3 * alignment(storageBytes(storage)), OTHER_BYTES);
    const directory = await ExportDirectory.create(options.out, { bytes, overwrite: options.overwrite ?? false });
    try {
      const table = await writeWeights(planned, checkpoint, directory, (progress) =>
        options.onProgress?.({ ...progress, elapsedMs: performance.now() - began }),
      );
      await directory.writeFile(MODEL_FILE, encodeModel(family.build(checkpoint.config, table, build)));
      await writeTokenizer(checkpoint, directory);
      const manifest = await describe(checkpoint, { family, build, experts, precision: options.weights, files: [...directory.files] });
      await directory.writeFile(MANIFEST_FILE, JSON.stringify(manifest, null, 2));
      await directory.commit();
      return { directory: resolve(options.out), manifest };
    } catch (cause) {
      await directory.discard();
      throw cause;
    }
  } finally {
    await checkpoint.close();
  }
}

async function chooseBuild(
  family: Family,
  { config }: Checkpoint,
  options: ExportOptions,
): Promise<{ build: BuildOptions; experts: Manifest["experts"] }> {
  const accuracyLevel = options.accuracyLevel ?? (options.weights === "float32" ? 0 : 4);
  const chosen = (mode: BuildOptions["experts"], why: Partial<Manifest["experts"]> = {}) => ({
    build: { experts: mode, accuracyLevel },
    experts: { mode, measured: null, reason: null, ...why },
  });
  if (config.experts === null) return chosen("none");
  if (options.experts !== undefined) return chosen(options.experts);
  const reason = whyNotMerged(config);
  if (reason !== null) return chosen("conditional", { reason });
  const measured = await measureExperts(family, config, options.weights, accuracyLevel);
  return chosen(measured.mergedMs < measured.conditionalMs ? "merged" : "conditional", { measured });
}

async function writeWeights(
  planned: readonly Planned[],
  checkpoint: Checkpoint,
  directory: ExportDirectory,
  onProgress: (progress: Omit<ExportProgress, "elapsedMs">) => void,
): Promise<WeightTable> {
  const table = new Map<string, StoredWeight>();
  for (const { spec, storage } of planned) {
    table.set(spec.name, await materialize(spec, storage, checkpoint, directory));
    onProgress({ done: table.size, total: planned.length, bytes: directory.bytes });
  }
  await directory.endData();
  return table;
}

async function writeTokenizer({ tokenizer }: Checkpoint, directory: ExportDirectory): Promise<void> {
  if (tokenizer === null) return; // a checkpoint of ids only, such as the test models
  await directory.writeFile(TOKENIZER_FILE, JSON.stringify(tokenizer.json));
  await directory.writeFile(TOKENIZER_CONFIG_FILE, JSON.stringify(tokenizer.config));
}

async function describe(
  checkpoint: Checkpoint,
  made: { family: Family; build: BuildOptions; experts: Manifest["experts"]; precision: Precision; files: Manifest["files"] },
): Promise<Manifest> {
  return {
    format: 2,
    family: made.family.name,
    config: checkpoint.config,
    source: { name: basename(checkpoint.path), format: checkpoint.format, sha256: await checkpoint.hash() },
    weights: { precision: made.precision, accuracyLevel: made.build.accuracyLevel },
    experts: made.experts,
    cache: [...cacheLayers(checkpoint.config)],
    onnxruntime: engineVersion(),
    files: made.files,
  };
}
