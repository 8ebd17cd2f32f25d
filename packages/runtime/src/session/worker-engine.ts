/**
 * What the worker asks of a model, however its graph keeps the past. In: runs of tokens. Out: logits. Law: a run that fails leaves the
 * sequence as it was; how many tokens of a sequence are valid comes with every run.
 */
import type { RunRequest } from "./protocol.ts";

export interface WorkerEngine {
  /** Logits [rows, vocabulary], flat; a buffer of its own, since it is handed over. @throws SessionError `session/run-failed` */
  run(request: RunRequest): Promise<Float32Array>;
  /** Makes `to` a copy of the first `length` tokens of `sequence`. @throws SessionError `session/run-failed` when memory is short */
  fork(sequence: number, to: number, length: number): void;
  free(sequence: number): void;
  /** Releases the model. */
  close(): Promise<void>;
}
