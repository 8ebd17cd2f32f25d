/** Opens an exported model. In: its directory. Out: a session whose worker has the model loaded. Law: what is opened is what manifest.json describes. */
import { extname, join } from "node:path";
import { Worker } from "node:worker_threads";
import { MODEL_FILE } from "../manifest.ts";
import { openExport, type OpenedExport } from "../open-export.ts";
import { atLeastOne } from "./at-least-one.ts";
import { Connection } from "./connection.ts";
import { loadPrepacked, prepackedMode } from "./prepacked.ts";
import { defaultThreads } from "./processors.ts";
import type { ModelShape } from "./protocol.ts";
import { RemoteSequence } from "./remote-sequence.ts";
import type { SequenceHost } from "./remote-sequence.ts";
import { ENGINE_STACK_MB, type Prepacked, type Session, type SessionOptions } from "./session.ts";

const DEFAULT_CHUNK = 256;

/** The worker beside this file: worker.js when built, worker.ts when Node runs the sources. */
const WORKER = new URL(`./worker${extname(import.meta.url)}`, import.meta.url);

/**
 * Opens an exported model, by its directory or as {@link openExport} found it. The weights are mapped from its files, not read.
 * @throws SessionError `session/version-mismatch`, `session/load-failed`, `session/wrong-graph`, `session/bad-option`
 * @throws ExportError as {@link openExport}: a mapped file that is too short would kill the process when its end is read
 */
export async function openSession(source: string | OpenedExport, options: SessionOptions = {}): Promise<Session> {
  const threads = atLeastOne("threads", options.threads ?? defaultThreads());
  const chunk = atLeastOne("chunk", options.chunk ?? DEFAULT_CHUNK);
  const mode = prepackedMode(options.prepacked ?? "auto");
  const opened = typeof source === "string" ? await openExport(source) : source;
  const { directory, manifest } = opened;
  const { contextLength, vocabularySize } = manifest.config;
  const shape: ModelShape = { contextLength, vocabularySize, cache: manifest.cache };
  const connection = new Connection(
    new Worker(WORKER, { name: "orrery engine", execArgv: [], resourceLimits: { stackSizeMb: ENGINE_STACK_MB } }),
  );
  try {
    const model = join(directory, MODEL_FILE);
    const request = { kind: "load", model, onnxruntime: manifest.onnxruntime, threads, profile: options.profile ?? null, shape } as const;
    const prepacked = await loadPrepacked(opened, mode, (packed) => connection.ask({ ...request, packed }));
    return new WorkerSession(connection, shape, chunk, prepacked);
  } catch (thrown) {
    await connection.close();
    throw thrown;
  }
}

class WorkerSession implements Session {
  readonly contextLength: number;
  readonly vocabularySize: number;
  readonly prepacked: Prepacked;
  readonly #host: SequenceHost;
  #closed: Promise<void> | null = null;

  constructor(connection: Connection, shape: ModelShape, chunk: number, prepacked: Prepacked) {
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
