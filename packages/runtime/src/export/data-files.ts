/**
 * Writes data files, several at a time in threads where there is much to write. In: their plan. Out: each file, as it is finished. Law: a
 * file is written by one thread from its first byte to its last; the first failure stops all, and is the one that is thrown.
 */
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { OrreryError } from "@orrery/chat";
import type { Checkpoint } from "../checkpoint/tensor.ts";
import { CheckpointError, ExportError } from "../errors.ts";
import { materialize } from "../weights/materialize.ts";
import { writeDataFile, type FileEntry, type OnBytes } from "./data-file.ts";
import type { DataFile } from "./plan.ts";

/** The worker beside this file: .js when built, .ts when Node runs the sources. */
const WORKER = new URL(`./data-files-worker${extname(import.meta.url)}`, import.meta.url);

export interface WritingJob {
  readonly checkpoint: Checkpoint;
  readonly directory: string;
  readonly files: readonly DataFile[];
  /** 1: on this thread. */
  readonly writers: number;
  readonly signal: AbortSignal;
  readonly onBytes: OnBytes;
  /** Awaited before the writer takes its next file. */
  readonly onFile: (entry: FileEntry) => Promise<void>;
}

/** What a worker is started with. */
export interface WriterData {
  readonly checkpoint: string;
  readonly directory: string;
}

/** What a worker says; it is given data files, one after the other. */
export type WriterMessage =
  | { readonly kind: "bytes"; readonly bytes: number; readonly weight: string }
  | { readonly kind: "file"; readonly entry: FileEntry }
  | { readonly kind: "failure"; readonly code: string; readonly message: string; readonly hint?: string | undefined };

type Write = (file: DataFile) => Promise<FileEntry>;

/** @throws ExportError as {@link writeDataFile} and `export/cancelled`; CheckpointError what reading throws */
export async function writeDataFiles(job: WritingJob): Promise<void> {
  const queue = [...job.files];
  const stop = new AbortController();
  const signal = AbortSignal.any([job.signal, stop.signal]);
  const writer = async (): Promise<void> => {
    const { write, close } = job.writers === 1 ? here(job, signal) : inThread(job, signal);
    try {
      for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
        checkCancelled(signal);
        await job.onFile(await write(file));
      }
    } catch (cause) {
      stop.abort(cause);
      throw cause;
    } finally {
      await close();
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: job.writers }, writer));
  if (job.signal.aborted) checkCancelled(job.signal);
  if (stop.signal.aborted) throw stop.signal.reason; // the first: later ones are its consequence
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}

/** @throws ExportError `export/cancelled` */
export function checkCancelled(signal: AbortSignal): void {
  if (signal.aborted)
    throw new ExportError("export/cancelled", "the export was cancelled", {
      hint: "run the same export again: it goes on where it stopped",
      cause: signal.reason,
    });
}

interface Writer {
  readonly write: Write;
  readonly close: () => Promise<unknown>;
}

function here({ checkpoint, directory, onBytes }: WritingJob, signal: AbortSignal): Writer {
  const write: Write = (file) =>
    writeDataFile(
      directory,
      file,
      (weight, sink) => materialize(weight, checkpoint, sink),
      (bytes, weight) => {
        checkCancelled(signal);
        onBytes(bytes, weight);
      },
    );
  return { write, close: async () => {} };
}

function inThread({ checkpoint, directory, onBytes }: WritingJob, signal: AbortSignal): Writer {
  const workerData: WriterData = { checkpoint: checkpoint.path, directory };
  const worker = new Worker(WORKER, { name: "orrery export", execArgv: [], workerData });
  let settle: { resolve(entry: FileEntry): void; reject(error: unknown): void } | null = null;
  let ended: unknown = null;
  const end = (error: unknown): void => {
    ended ??= error;
    settle?.reject(ended);
    settle = null;
  };
  const attempt = (call: () => void): void => {
    try {
      call();
    } catch (thrown) {
      end(thrown);
    }
  };
  worker.on("message", (message: WriterMessage) => {
    if (message.kind === "bytes") return attempt(() => onBytes(message.bytes, message.weight));
    if (message.kind === "failure") return end(failure(message));
    settle?.resolve(message.entry);
    settle = null;
  });
  worker.on("error", end);
  worker.on("exit", (code) =>
    end(new ExportError("export/writer-died", `a writing thread ended with code ${code}`, { hint: "run the same export again" })),
  );
  signal.addEventListener("abort", () => end(signal.reason), { once: true });
  return {
    write: (file) =>
      new Promise((resolve, reject) => {
        settle = { resolve, reject };
        if (ended !== null) end(ended);
        else worker.postMessage(file);
      }),
    close: () => worker.terminate(),
  };
}

/** An error as it was before it crossed the threads. */
function failure({ code, message, hint }: Extract<WriterMessage, { kind: "failure" }>): OrreryError {
  return code.startsWith("checkpoint/") ? new CheckpointError(code, message, { hint }) : new ExportError(code, message, { hint });
}
