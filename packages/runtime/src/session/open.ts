/** Opens an exported model. In: its directory. Out: a session whose worker has the model loaded. Law: what is opened is what manifest.json describes. */
import { readFile, stat } from "node:fs/promises";
import { extname, join, resolve } from "node:path";
import { Worker } from "node:worker_threads";
import { z } from "zod";
import { SessionError } from "../errors.ts";
import { MANIFEST_FILE, MODEL_FILE, manifestSchema } from "../manifest.ts";
import type { Manifest } from "../manifest.ts";
import { Connection } from "./connection.ts";
import { defaultThreads } from "./processors.ts";
import type { ModelShape } from "./protocol.ts";
import { RemoteSequence } from "./remote-sequence.ts";
import type { SequenceHost } from "./remote-sequence.ts";
import type { Session, SessionOptions } from "./session.ts";

/** A manifest is some kilobytes: more than this is not one, and is not read. */
const MAX_MANIFEST_BYTES = 2 ** 20;
const DEFAULT_CHUNK = 256;

/** The worker beside this file: worker.js when built, worker.ts when Node runs the sources. */
const WORKER = new URL(`./worker${extname(import.meta.url)}`, import.meta.url);

/**
 * Opens the model exported to `directory`. The weights are mapped from its files, not read.
 * @throws SessionError `session/no-manifest`, `session/bad-manifest`, `session/damaged-model`, `session/version-mismatch`,
 * `session/load-failed`, `session/wrong-graph`, `session/bad-option`
 */
export async function openSession(directory: string, options: SessionOptions = {}): Promise<Session> {
  const threads = atLeastOne("threads", options.threads ?? defaultThreads());
  const chunk = atLeastOne("chunk", options.chunk ?? DEFAULT_CHUNK);
  const manifest = await readManifest(directory);
  await checkFiles(directory, manifest);
  const { contextLength, vocabularySize } = manifest.config;
  const shape: ModelShape = { contextLength, vocabularySize, cache: manifest.cache };
  const connection = new Connection(new Worker(WORKER, { name: "orrery engine", execArgv: [] }));
  try {
    const model = resolve(directory, MODEL_FILE);
    await connection.ask({ kind: "load", model, onnxruntime: manifest.onnxruntime, threads, profile: options.profile ?? null, shape });
  } catch (thrown) {
    await connection.close();
    throw thrown;
  }
  return new WorkerSession(connection, shape, chunk);
}

class WorkerSession implements Session {
  readonly contextLength: number;
  readonly vocabularySize: number;
  readonly #host: SequenceHost;
  #closed: Promise<void> | null = null;

  constructor(connection: Connection, shape: ModelShape, chunk: number) {
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

async function readManifest(directory: string): Promise<Manifest> {
  const path = join(directory, MANIFEST_FILE);
  const size = await fileSize(path);
  if (size === null)
    throw new SessionError("session/no-manifest", `there is no ${MANIFEST_FILE} in ${directory}`, {
      hint: "name the directory that a model was exported to",
    });
  const bad = (why: string, cause?: unknown) =>
    new SessionError("session/bad-manifest", `${path} is not a manifest: ${why}`, { hint: "export the model again", cause });
  if (size > MAX_MANIFEST_BYTES) throw bad(`it has ${size} bytes, at most ${MAX_MANIFEST_BYTES} are read`);
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, "utf8"));
  } catch (thrown) {
    throw bad(thrown instanceof Error ? thrown.message : String(thrown), thrown);
  }
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success) throw bad(z.prettifyError(parsed.error), parsed.error);
  return parsed.data;
}

/** A mapped file that is too short would kill the process when its end is read; only sizes are looked at here. */
async function checkFiles(directory: string, { files }: Manifest): Promise<void> {
  for (const { name, bytes } of files) {
    const size = await fileSize(join(directory, name));
    if (size !== bytes)
      throw new SessionError("session/damaged-model", `${name} ${size === null ? "is missing" : `has ${size} bytes`}, expected ${bytes}`, {
        hint: "the copy or download is not complete; export or fetch the model again",
      });
  }
}

/** Bytes of a file; null when there is none. */
async function fileSize(path: string): Promise<number | null> {
  const found = await stat(path).catch(() => null);
  return found?.isFile() ? found.size : null;
}

function atLeastOne(option: string, value: number): number {
  if (!(Number.isInteger(value) && value >= 1))
    throw new SessionError("session/bad-option", `${option} is ${value}, expected a whole number of at least 1`);
  return value;
}
