/** Opens a model. In: its directory. Out: a session whose worker has the model loaded. Law: what is opened is what manifest.json, or config.json, describes. */
import { extname, join } from "node:path";
import { Worker } from "node:worker_threads";
import { MODEL_FILE } from "../manifest.ts";
import type { OpenedExport } from "../open-export.ts";
import { isExport, openModel, type OpenedModel } from "../open-model.ts";
import type { OnnxRepository } from "../open-onnx-repository.ts";
import { atLeastOne } from "./at-least-one.ts";
import { Connection } from "./connection.ts";
import { loadPrepacked, prepackedMode } from "./prepacked.ts";
import { defaultThreads } from "./processors.ts";
import type { EngineSettings } from "./protocol.ts";
import { RemoteSequence } from "./remote-sequence.ts";
import type { SequenceHost, TokenLimits } from "./remote-sequence.ts";
import { ENGINE_STACK_MB, type Prepacked, type PrepackedMode, type Session, type SessionOptions } from "./session.ts";

const DEFAULT_CHUNK = 256;

/** The worker beside this file: worker.js when built, worker.ts when Node runs the sources. */
const WORKER = new URL(`./worker${extname(import.meta.url)}`, import.meta.url);

/**
 * Opens a model, by its directory or as {@link openModel} found it. The weights are mapped from its files, not read.
 * @throws SessionError `session/version-mismatch`, `session/load-failed`, `session/wrong-graph`, `session/unknown-input`,
 *   `session/bad-option`
 * @throws ExportError, CheckpointError as {@link openModel}: a mapped file that is too short would kill the process when its end is read
 */
export async function openSession(source: string | OpenedModel, options: SessionOptions = {}): Promise<Session> {
  const threads = atLeastOne("threads", options.threads ?? defaultThreads());
  const chunk = atLeastOne("chunk", options.chunk ?? DEFAULT_CHUNK);
  const mode = prepackedMode(options.prepacked ?? "auto");
  const opened = typeof source === "string" ? await openModel(source, options.variant) : source;
  const connection = new Connection(
    new Worker(WORKER, { name: "orrery engine", execArgv: [], resourceLimits: { stackSizeMb: ENGINE_STACK_MB } }),
  );
  try {
    const settings = { threads, profile: options.profile ?? null };
    const prepacked = isExport(opened)
      ? await loadExport(connection, opened, settings, mode)
      : await loadRepository(connection, opened, settings);
    return new WorkerSession(connection, isExport(opened) ? opened.manifest.config : opened.config, chunk, prepacked);
  } catch (thrown) {
    await connection.close();
    throw thrown;
  }
}

async function loadExport(connection: Connection, opened: OpenedExport, settings: EngineSettings, mode: PrepackedMode): Promise<Prepacked> {
  const { config, cache, onnxruntime } = opened.manifest;
  const shape = { contextLength: config.contextLength, vocabularySize: config.vocabularySize, cache };
  const request = { kind: "load", model: join(opened.directory, MODEL_FILE), onnxruntime, shape, ...settings } as const;
  return loadPrepacked(opened, mode, (packed) => connection.ask({ ...request, packed }));
}

/** Graphs of others are packed in memory at every load. */
async function loadRepository(connection: Connection, opened: OnnxRepository, settings: EngineSettings): Promise<Prepacked> {
  const { decoder, embedding, config } = opened;
  const { tokens: _, ...shape } = config;
  await connection.ask({ kind: "load-past-present", decoder, embedding, shape, ...settings });
  return { mapped: false, reason: null };
}

class WorkerSession implements Session {
  readonly contextLength: number;
  readonly vocabularySize: number;
  readonly prepacked: Prepacked;
  readonly #host: SequenceHost;
  #closed: Promise<void> | null = null;

  constructor(connection: Connection, shape: TokenLimits, chunk: number, prepacked: Prepacked) {
    this.prepacked = prepacked;
    this.contextLength = shape.contextLength;
    this.vocabularySize = shape.vocabularySize;
    let id = 0;
    this.#host = { connection, shape, chunk, nextId: () => id++ };
  }

  createSequence(): RemoteSequence {
    return new RemoteSequence(this.#host);
  }

  dispose(): Promise<void> {
    this.#closed ??= this.#host.connection.close();
    return this.#closed;
  }
}
