/**
 * Runs a graph that is no model of its own, for what its outputs say. In: a model file, inputs of each run, names of outputs. Out: the
 * outputs of each run. Law: it happens in a worker thread of its own, which is gone afterwards.
 */
import { extname } from "node:path";
import { SessionError } from "../errors.ts";
import { runInWorker } from "./run-in-worker.ts";
import type { TimedTensor } from "./time-graph.ts";

/** The worker beside this file: .js when built, .ts when Node runs the sources. */
const WORKER = new URL(`./run-graph-worker${extname(import.meta.url)}`, import.meta.url);

/** What the worker is started with. */
export interface GraphWork {
  readonly path: string;
  readonly feeds: readonly Readonly<Record<string, TimedTensor>>[];
  readonly outputs: readonly string[];
}

/** Per run, the int64 numbers of each output. @throws SessionError `session/run-failed` when the graph does not load or run */
export async function runGraph(work: GraphWork): Promise<readonly (readonly BigInt64Array[])[]> {
  try {
    return await runInWorker<BigInt64Array[][]>(WORKER, work);
  } catch (cause) {
    throw new SessionError("session/run-failed", `a graph could not be run: ${cause instanceof Error ? cause.message : String(cause)}`, {
      hint: "if memory is short, free some",
      cause,
    });
  }
}
