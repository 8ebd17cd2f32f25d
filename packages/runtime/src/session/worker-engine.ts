/**
 * What the worker asks of a model, however its graph keeps the past. In: runs of tokens. Out: logits. Law: a run that fails leaves the
 * sequence as it was; how many tokens of a sequence are valid comes with every run.
 */
import type { RunRequest } from "./protocol.ts";

export interface WorkerEngine {
  /** Logits [rows, vocabulary], flat; a buffer of its own, since it is handed over. @throws SessionError `session/run-failed` */
  run(request: RunRequest): Promise<Float32Array<ArrayBuffer>>;
  /** Makes `to` a sequence with the first `length` tokens of `sequence`, sharing what is there. Cannot fail: nobody is told. */
  fork(sequence: number, to: number, length: number): void;
  free(sequence: number): void;
  /** Releases the model. */
  close(): Promise<void>;
}
