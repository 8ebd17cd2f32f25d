/**
 * A checkpoint becomes a directory that the runtime loads: model.onnx, weights-*.bin, the tokenizer's files, manifest.json.
 * In: a checkpoint and a precision. Out: the directory. Law: it is there complete, or not at all; an attempt that was cut off, however
 * hard, is continued by the next one, and the result is the same to the byte.
 */
import { availableParallelism } from "node:os";
import { basename, resolve } from "node:path";
import { openCheckpoint } from "../checkpoint/checkpoint.ts";
import { cacheLayers } from "../checkpoint/model-config.ts";
import type { Checkpoint } from "../checkpoint/tensor.ts";
import { engineVersion } from "../engine-version.ts";
import { ExportError } from "../errors.ts";
import type { BuildOptions, Family } from "../families/family.ts";
import { familyOf } from "../families/registry.ts";
import { MANIFEST_FILE, type CacheFormat, type Manifest, type Precision } from "../manifest.ts";
import type { OpenedExport } from "../open-export.ts";
import { runtimeVersion } from "../runtime-version.ts";
import { atLeastOne } from "../session/at-least-one.ts";
import { planContents } from "./contents.ts";
import { measureExperts, measuringMemory, whyNotMerged } from "./cost.ts";
import { hasCode, type FileEntry } from "./data-file.ts";
import { checkCancelled, writeDataFiles } from "./data-files.ts";
import { calibrateExperts, type Calibration } from "./expert-use.ts";
import { Pace } from "./pace.ts";
import { plannedBytes, type DataFile } from "./plan.ts";
import { progressOf, type ExportProgress } from "./progress.ts";
import { availableMemory, checkDisk, checkMemory, writingMemory } from "./room.ts";
import { fingerprint } from "./source.ts";
import { exportKey, intactFiles } from "./state.ts";
import { Workspace } from "./workspace.ts";

/** Where an export goes and in what form. */
export interface ExportOptions {
  /** Directory to write; made, if need be. */
  readonly out: string;
  readonly weights: Precision;
  /** How experts are computed; default: the faster one, measured here unless it is plain. */
  readonly experts?: "conditional" | "merged";
  /** Experts of a token are added until their weights reach this, above 0 and at most 1 (default: all of them). */
  readonly expertMass?: number;
  /** Bits of each expert by how much these texts use it; experts are then conditional, since merged ones are one matrix. */
  readonly calibration?: Calibration;
  /** 0: exact float32 activations, for reference (8 bits decode many times slower so); 4: int8. Default: 0 for float32 weights, else 4. */
  readonly accuracyLevel?: 0 | 4;
  /**
   * How key and value rows are kept: `float32` (the default) as they are computed; `int8`: of layers without a window, those of all but
   * the last few hundred tokens in 8 bits with a scale for each head, which takes about a quarter of the memory and is not exact. Such a
   * model computes one sequence at a time and writes no snapshots.
   */
  readonly cache?: CacheFormat;
  /** Replace an earlier export in `out`; default false. */
  readonly overwrite?: boolean;
  /** Threads that write; default: one a processor, at most 4, fewer where memory or the model is small. */
  readonly threads?: number;
  /** Cancels. What is finished stays beside `out` (`.<name>.partial`), and the same export goes on from there. */
  readonly signal?: AbortSignal;
  /** Called for every few megabytes. Must not throw. */
  readonly onProgress?: (progress: ExportProgress) => void;
}

/** More writers than this wait for the disk. */
const MAX_WRITERS = 4;

/** Less than this is written before a thread has started. */
const BYTES_PER_WRITER = 32 * 2 ** 20;

/** manifest.json and the state, at most. */
const OTHER_BYTES = 2 ** 21;

/** How far the source's hash may be ahead of the weights: what was hashed is still in the system's cache when they are read. */
const AHEAD_BYTES = 2 ** 28;

/**
 * Exports a checkpoint (a GGUF file, or a directory with safetensors and config.json). The same call after one that was cut off goes on
 * where that stopped, as long as source, options and version are the same; otherwise it starts anew.
 * @throws CheckpointError when the checkpoint cannot be read
 * @throws SessionError `session/bad-option` for `threads`
 * @throws ShortageError `export/disk-full`, `export/low-memory` before anything is written
 * @throws ExportError `export/exists`, `export/busy`, `export/cancelled`, `export/disk-full`, `export/not-finite`, `export/block`,
 * `export/parts`, `export/source-changed`, `export/calibration`, `export/expert-mass`, `export/no-experts`; `out` is then as it was
 */
export async function exportModel(checkpointPath: string, options: ExportOptions): Promise<OpenedExport> {
  const began = performance.now();
  const threads = atLeastOne("threads", options.threads ?? Math.min(availableParallelism(), MAX_WRITERS));
  const checkpoint = await openCheckpoint(checkpointPath);
  try {
    const workspace = await Workspace.open(options.out, options.overwrite ?? false);
    try {
      const manifest = await writeExport(checkpoint, workspace, { ...options, threads }, began);
      await workspace.commit();
      await workspace.close({ keep: false });
      return { directory: resolve(options.out), manifest };
    } catch (cause) {
      await workspace.close({ keep: worthKeeping(cause) }).catch(() => {}); // the first failure says more
      throw cause;
    }
  } finally {
    await checkpoint.close();
  }
}

async function writeExport(
  checkpoint: Checkpoint,
  workspace: Workspace,
  options: ExportOptions & { readonly threads: number },
  began: number,
): Promise<Manifest> {
  const { threads } = options;
  const signal = options.signal ?? new AbortController().signal;
  const family = familyOf(checkpoint.config.family);
  const source = await fingerprint(checkpoint);
  const key = exportKey(keyFacts(checkpoint, options, source));
  const earlier = await workspace.resume(key);
  const { build, experts } = await chooseBuild(family, checkpoint, options, earlier?.experts ?? null);
  checkCancelled(signal);

  const { dataFiles, graph, others } = planContents(family, checkpoint, options.weights, build, experts.bits);
  const finished = earlier === null ? [] : await intactFiles(workspace.files, dataFiles, earlier.files);
  await workspace.keepOnly(new Set(finished.map(({ name }) => name)));
  const left = dataFiles.filter(({ name }) => finished.every((entry) => entry.name !== name));
  const beside = [...others.values()].reduce((sum, { length }) => sum + length, 0);
  await checkDisk(workspace.parent, plannedBytes(left) + beside + OTHER_BYTES);
  let recorded = Promise.resolve();
  const record = (): Promise<void> => (recorded = recorded.then(() => workspace.record({ format: 1, key, experts, files: finished })));
  await record();

  const sha256 = await writeWeights(checkpoint, workspace.files, dataFiles, left, {
    signal,
    writers: chooseWriters(left, threads),
    began,
    onProgress: options.onProgress,
    onFile: async (entry) => {
      finished.push(entry);
      await record();
    },
  });
  const entries = new Map(finished.map((entry) => [entry.name, entry]));
  for (const [name, content] of others) entries.set(name, await workspace.writeFile(name, content));
  if ((await fingerprint(checkpoint)).join() !== source.join())
    throw new ExportError("export/source-changed", `${checkpoint.path} was changed while it was exported`, { hint: "export it again" });

  const manifest: Manifest = {
    format: 2,
    family: family.name,
    config: checkpoint.config,
    source: { name: basename(checkpoint.path), format: checkpoint.format, sha256 },
    weights: {
      precision: options.weights,
      accuracyLevel: build.accuracyLevel,
      cache: options.cache ?? "float32",
      ...(graph.inputs.some(({ name }) => name === "candidates") ? { sparseHead: true } : {}),
    },
    experts,
    cache: [...cacheLayers(checkpoint.config)],
    onnxruntime: engineVersion(),
    files: [...dataFiles.map(({ name }) => name), ...others.keys()].map((name) => entries.get(name)!),
  };
  await workspace.writeFile(MANIFEST_FILE, JSON.stringify(manifest, null, 2));
  return manifest;
}

/** All that decides the bytes of an export. */
function keyFacts({ config, tokenizer, path, format }: Checkpoint, options: ExportOptions, source: readonly string[]): object {
  const { weights, experts = null, accuracyLevel = null, expertMass = null, calibration = null, cache = "float32" } = options;
  const versions = [runtimeVersion(), engineVersion()];
  const asked = { weights, experts, accuracyLevel, expertMass, calibration, cache };
  return { source, name: basename(path), format, config, tokenizer, ...asked, versions };
}

async function chooseBuild(
  family: Family,
  checkpoint: Checkpoint,
  options: ExportOptions,
  earlier: Manifest["experts"] | null,
): Promise<{ build: BuildOptions; experts: Manifest["experts"] }> {
  const accuracyLevel = options.accuracyLevel ?? (options.weights === "float32" ? 0 : 4);
  const mass = expertMass(options);
  const experts = earlier ?? { ...(await chooseExperts(family, checkpoint, options, accuracyLevel)), ...(mass < 1 ? { mass } : {}) };
  return {
    build: { experts: experts.mode, accuracyLevel, expertMass: mass, cache: options.cache ?? "float32", sparseHead: true },
    experts,
  };
}

async function chooseExperts(
  family: Family,
  checkpoint: Checkpoint,
  { experts, weights, calibration }: ExportOptions,
  accuracyLevel: BuildOptions["accuracyLevel"],
): Promise<Manifest["experts"]> {
  const { config } = checkpoint;
  if (calibration !== undefined) {
    if (experts === "merged")
      throw new ExportError("export/calibration", "merged experts are one matrix, which has one number of bits", {
        hint: "export with conditional experts, or without a calibration",
      });
    const bits = await calibrateExperts(family, checkpoint, calibration);
    return { mode: "conditional", measured: null, reason: "experts of different bits are separate matrices", bits };
  }
  if (config.experts === null) return { mode: "none", measured: null, reason: null };
  if (experts !== undefined) return { mode: experts, measured: null, reason: null };
  const reason = whyNotMerged(config, weights);
  if (reason !== null) return { mode: "conditional", measured: null, reason };
  checkMemory(measuringMemory(family, config, weights));
  const measured = await measureExperts(family, config, weights, accuracyLevel);
  return { mode: measured.mergedMs < measured.conditionalMs ? "merged" : "conditional", measured, reason: null };
}

/** @throws ExportError `export/expert-mass` */
function expertMass({ expertMass: mass = 1 }: ExportOptions): number {
  if (mass > 0 && mass <= 1) return mass;
  throw new ExportError("export/expert-mass", `the experts' mass is ${mass}, expected a number above 0 and at most 1`, {
    hint: "leave it out to add all the experts that the model chooses",
  });
}

/** As many as there is work and memory for. @throws ShortageError `export/low-memory` when there is not enough for one */
function chooseWriters(left: readonly DataFile[], asked: number): number {
  const available = availableMemory();
  checkMemory(writingMemory(left, 1), available);
  const useful = Math.min(left.length, Math.ceil(plannedBytes(left) / BYTES_PER_WRITER));
  let writers = Math.max(1, Math.min(useful, asked));
  while (writers > 1 && writingMemory(left, writers) > available) writers--;
  return writers;
}

interface Writing {
  readonly signal: AbortSignal;
  readonly writers: number;
  readonly began: number;
  readonly onProgress: ((progress: ExportProgress) => void) | undefined;
  readonly onFile: (entry: FileEntry) => Promise<void>;
}

/** Writes what is left of the data files, and hashes the source in step with it. Resolves to the source's SHA-256. */
async function writeWeights(
  checkpoint: Checkpoint,
  directory: string,
  files: readonly DataFile[],
  left: readonly DataFile[],
  { signal, writers, began, onProgress, onFile }: Writing,
): Promise<string> {
  const pace = new Pace();
  const total = plannedBytes(files);
  const ahead = AHEAD_BYTES / total;
  const hashing = checkpoint.hash((share) => pace.reached(share - ahead));
  hashing.catch(() => {}); // awaited below, unless writing fails first
  const kept = total - plannedBytes(left);
  pace.advance(kept / total);
  const onBytes = progressOf(files, kept, began, (progress) => {
    pace.advance(progress.bytes / total);
    onProgress?.(progress);
  });
  try {
    await writeDataFiles({ checkpoint, directory, files: left, writers, signal, onBytes, onFile });
  } catch (cause) {
    pace.fail(cause);
    await hashing.catch(() => {}); // the checkpoint's files are closed next
    throw cause;
  }
  pace.advance(1);
  return hashing;
}

/** Whether the next attempt may go on from here: nothing is wrong with the source. */
function worthKeeping(cause: unknown): boolean {
  if (cause instanceof ExportError) return ["export/cancelled", "export/disk-full", "export/low-memory"].includes(cause.code);
  return hasCode(cause, "EIO", "EMFILE", "ENFILE");
}
