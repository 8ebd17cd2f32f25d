/** Opens a model. In: its directory. Out: a session whose worker has the model loaded. Law: what is opened is what manifest.json, or config.json, describes. */
import { extname, join } from "node:path";
import { Worker } from "node:worker_threads";
import { chooses, MODEL_FILE } from "../manifest.ts";
import type { OpenedExport } from "../open-export.ts";
import { isExport, openModel, type OpenedModel } from "../open-model.ts";
import type { OnnxRepository } from "../open-onnx-repository.ts";
import { exportBytes } from "../prepack/cache.ts";
import { atLeastOne } from "./at-least-one.ts";
import { Connection } from "./connection.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { loadPrepacked, prepackedMode } from "./prepacked.ts";
import { defaultThreads } from "./processors.ts";
import type { SequenceHost } from "./remote-sequence.ts";
import { Scheduler } from "./scheduler.ts";
import { ENGINE_STACK_MB, type Session, type SessionOptions } from "./session.ts";
import { spansOf, visibleBytes } from "./spans.ts";
import { WorkerSession } from "./worker-session.ts";

const DEFAULT_CHUNK = 256;
const DEFAULT_REWIND = 1024;
const DEFAULT_LANES = 8;

/** The worker beside this file: worker.js when built, worker.ts when Node runs the sources. */
const WORKER = new URL(`./worker${extname(import.meta.url)}`, import.meta.url);

/** Options with their defaults. */
type Settings = ReturnType<typeof settingsOf>;

/**
 * Opens a model, by its directory or as {@link openModel} found it. The weights are mapped from its files, not read.
 * @throws SessionError `session/version-mismatch`, `session/load-failed`, `session/wrong-graph`, `session/unknown-input`,
 *   `session/bad-option`
 * @throws ExportError, CheckpointError as {@link openModel}: a mapped file that is too short would kill the process when its end is read
 */
export async function openSession(source: string | OpenedModel, options: SessionOptions = {}): Promise<Session> {
  const settings = settingsOf(options);
  const opened = typeof source === "string" ? await openModel(source, options.variant) : source;
  const connection = new Connection(
    new Worker(WORKER, { name: "orrery engine", execArgv: [], resourceLimits: { stackSizeMb: ENGINE_STACK_MB } }),
  );
  try {
    return isExport(opened) ? await loadExport(connection, opened, settings) : await loadRepository(connection, opened, settings);
  } catch (thrown) {
    await connection.close();
    throw thrown;
  }
}

/** @throws SessionError `session/bad-option` */
function settingsOf(options: SessionOptions) {
  return {
    engine: { threads: atLeastOne("threads", options.threads ?? defaultThreads()), profile: options.profile ?? null },
    cacheMemory: atLeastOne("cacheMemory", options.cacheMemory ?? Math.ceil(process.availableMemory() / 2)),
    chunk: atLeastOne("chunk", options.chunk ?? DEFAULT_CHUNK),
    lanes: atLeastOne("lanes", options.lanes ?? DEFAULT_LANES),
    rewind: atLeastOne("rewind", options.rewind ?? DEFAULT_REWIND),
    prepacked: prepackedMode(options.prepacked ?? "auto"),
    template: options.template ?? "",
    chooser: options.chooser ?? "",
  };
}

async function loadExport(connection: Connection, opened: OpenedExport, settings: Settings): Promise<Session> {
  const { manifest, directory } = opened;
  const { cache, onnxruntime, weights } = manifest;
  const exact = weights.cache === "float32";
  const { sparseHead = false } = weights;
  const { contextLength, vocabularySize } = manifest.config;
  const { engine, cacheMemory, rewind, lanes, chunk } = settings;
  const shape = { contextLength, vocabularySize, cache, cacheFormat: weights.cache, sliced: chooses(weights.precision), sparseHead };
  const request = { kind: "load", model: join(directory, MODEL_FILE), onnxruntime, shape, cacheMemory, rewind, ...engine } as const;
  let version = onnxruntime;
  const prepacked = await loadPrepacked(opened, settings.prepacked, async (packed) => {
    version = Buffer.from(await connection.ask({ ...request, packed })).toString();
  });
  const template = await settings.template;
  const spans = spansOf(cache);
  const rowBytes = (past: number): number => visibleBytes(past, spans);
  const host: SequenceHost = {
    connection,
    scheduler: new Scheduler({
      connection,
      vocabularySize,
      sparseHead,
      lanes: exact ? lanes : 1,
      weightBytes: exportBytes(manifest),
      rowBytes,
    }),
    shape,
    snapshots: exact
      ? { spans, contextLength, vocabularySize, fingerprint: fingerprintOf(manifest, template, version, settings.chooser) }
      : null,
    sparseHead,
    chunk,
    rewind: cache.some(({ window }) => window !== null) ? rewind : null,
    nextId: counter(),
  };
  return new WorkerSession(host, prepacked);
}

/** Graphs of others are packed in memory at every load, and compute one sequence at a time. */
async function loadRepository(connection: Connection, opened: OnnxRepository, { engine, chunk }: Settings): Promise<Session> {
  const { decoder, embedding, config } = opened;
  const { tokens: _, ...shape } = config;
  await connection.ask({ kind: "load-past-present", decoder, embedding, shape, ...engine });
  const { vocabularySize } = shape;
  const scheduler = new Scheduler({ connection, vocabularySize, lanes: 1, weightBytes: 0, rowBytes: () => 0 });
  const host: SequenceHost = { connection, scheduler, shape, snapshots: null, sparseHead: false, chunk, rewind: null, nextId: counter() };
  return new WorkerSession(host, { mapped: false, reason: null });
}

function counter(): () => number {
  let next = 0;
  return () => next++;
}
