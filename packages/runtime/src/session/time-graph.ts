/**
 * Times graphs against each other. In: model files and what to feed them. Out: the median milliseconds of one run of each. Law: the
 * graphs take turns in one worker thread, so whatever else the machine does falls on all of them alike.
 */
import { extname } from "node:path";
import { SessionError } from "../errors.ts";
import { runInWorker } from "./run-in-worker.ts";

/** The worker beside this file: .js when built, .ts when Node runs the sources. */
const WORKER = new URL(`./time-graph-worker${extname(import.meta.url)}`, import.meta.url);

/** A tensor as plain data, fit to be sent to a worker. */
export interface TimedTensor {
  readonly type: "float32" | "int64";
  readonly dims: readonly number[];
  readonly data: Float32Array | BigInt64Array;
}

/** One graph and its inputs; runs take the feeds in turn. */
export interface TimedGraph {
  /** model.onnx with its data files beside it. */
  readonly path: string;
  readonly feeds: readonly Readonly<Record<string, TimedTensor>>[];
}

/** What the worker is started with. */
export interface TimingWork {
  readonly graphs: readonly TimedGraph[];
  readonly rounds: number;
}

/**
 * Runs each graph once to warm up, then `rounds` times in turn with the others, and resolves to the medians in milliseconds.
 * @throws SessionError `session/run-failed` when a graph does not load or run
 */
export async function timeGraphs(graphs: readonly TimedGraph[], rounds: number): Promise<number[]> {
  const workerData: TimingWork = { graphs, rounds };
  try {
    return await runInWorker<number[]>(WORKER, workerData);
  } catch (cause) {
    throw new SessionError("session/run-failed", `a graph could not be timed: ${cause instanceof Error ? cause.message : String(cause)}`, {
      hint: "if memory is short, free some; otherwise name `experts` yourself, which times nothing",
      cause,
    });
  }
}
