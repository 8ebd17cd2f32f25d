/**
 * Who is computed next. In: runs of sequences. Out: their logits. Law: one run is in the worker at a time, first come first served; short
 * runs that wait are computed together, as far as that is faster. After a run that others wait behind, a turn of the event loop is left for its sequences to come
 * back with their next token, so that replies which started apart go on in step.
 */
import { CacheMemoryError, SessionError } from "../errors.ts";
import type { Connection } from "./connection.ts";
import type { Lane, RunRequest } from "./protocol.ts";
import type { LogitRows } from "./session.ts";

/**
 * A token is multiplied with the rows of every sequence that it is computed with, and masked afterwards. With rows of as many bytes as the
 * weights, that costs what reading the weights once instead of once for each saves; so far less than that may come together.
 */
const ROWS_OF_WEIGHTS = 0.5;

/** Runs of more tokens than this gain nothing from company: they fill the machine by themselves. */
const SHORT_RUN = 16;

interface Job {
  readonly lane: Lane;
  readonly logits: LogitRows;
  /** One run is all full or all low, so that a reply does not depend on who is computed beside it. */
  readonly full: boolean;
  /** The ids whose logits are wanted; undefined: all. */
  readonly candidates: Int32Array | undefined;
  /** False once a run with others has failed. */
  readonly sociable: boolean;
  resolve(logits: Float32Array): void;
  reject(thrown: unknown): void;
}

export interface SchedulerOptions {
  readonly connection: Connection;
  readonly vocabularySize: number;
  /** Whether the graph can compute logits of some ids alone: then a lane that is computed alone is. Default false. */
  readonly sparseHead?: boolean;
  /** Sequences computed together at most. */
  readonly lanes: number;
  /** Bytes of the weights, and of the rows that a token sees after `past` others. */
  readonly weightBytes: number;
  rowBytes(past: number): number;
}

export class Scheduler {
  readonly #options: SchedulerOptions;
  #queue: Job[] = [];
  #state: "idle" | "running" | "settling" = "idle";
  /** What is in the worker, without sequences that were disposed meanwhile. */
  readonly #running = new Set<Job>();
  /** While settling: sequences that may come back at once. */
  readonly #awaited = new Set<number>();
  #turn: NodeJS.Immediate | undefined;
  /** Frees rows of a sequence that is not needed; false when there is none. */
  makeRoom: () => boolean = () => false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  /** Computes a lane, alone or with others. Sent before this returns when nothing else is to be computed. @throws as {@link Connection.ask} */
  run(lane: Lane, logits: LogitRows, full = true, candidates?: Int32Array): Promise<Float32Array> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ lane, logits, full, candidates, sociable: true, resolve, reject });
      this.#awaited.delete(lane.sequence);
      if (this.#state === "idle" || (this.#state === "settling" && this.#awaited.size === 0)) this.#next();
    });
  }

  /** Computes lanes in one run, each for the logits of its last token. @throws as {@link Connection.ask} */
  together(lanes: readonly Lane[]): Promise<Float32Array[]> {
    return this.#ask(lanes, { logits: "last", full: true });
  }

  /** Whether a run that failed so may be made again: room was made, and it was not for what the whole budget could not hold. */
  makesRoom(thrown: unknown): boolean {
    return thrown instanceof CacheMemoryError && thrown.neededBytes <= thrown.budgetBytes && this.makeRoom();
  }

  /** Forgets what a sequence waits for. What is being computed of it ends, and is not made again: its rows are gone by then. */
  drop(sequence: number): void {
    for (const job of this.#running) if (job.lane.sequence === sequence) this.#running.delete(job);
    const dropped = this.#queue.filter(({ lane }) => lane.sequence === sequence);
    this.#queue = this.#queue.filter(({ lane }) => lane.sequence !== sequence);
    for (const job of dropped) job.reject(disposed());
  }

  #next(): void {
    clearImmediate(this.#turn);
    const batch = this.#take();
    this.#state = batch.length === 0 ? "idle" : "running";
    if (batch.length > 0) void this.#compute(batch);
  }

  /** The first in the queue, and with it, where it is short, others that are. */
  #take(): Job[] {
    const [first] = this.#queue;
    if (first === undefined) return [];
    const { lanes, weightBytes, rowBytes } = this.#options;
    const batch: Job[] = [first];
    let room = ROWS_OF_WEIGHTS * weightBytes - rowBytes(first.lane.past);
    for (const job of this.#queue) {
      if (job === first || !joinable(first) || !joinable(job) || job.full !== first.full || batch.length === lanes) continue;
      const bytes = rowBytes(job.lane.past);
      if (bytes > room) continue;
      batch.push(job);
      room -= bytes;
    }
    this.#queue = this.#queue.filter((job) => !batch.includes(job));
    return batch;
  }

  async #compute(batch: readonly Job[]): Promise<void> {
    for (const job of batch) this.#running.add(job);
    try {
      const [{ logits, full, candidates }] = batch as [Job, ...Job[]];
      const sparse = this.#options.sparseHead === true && batch.length === 1 ? candidates : undefined;
      const rows = await this.#ask(
        batch.map(({ lane }) => lane),
        { logits, full, candidates: sparse },
      );
      batch.forEach((job, i) => job.resolve(job.candidates && !sparse ? picked(rows[i]!, job.candidates) : rows[i]!));
    } catch (thrown) {
      this.#failed(batch, thrown);
    }
    this.#running.clear();
    this.#settle(batch);
  }

  /** Those that failed together are made again one by one; one alone, when room was made for it. */
  #failed(batch: readonly Job[], thrown: unknown): void {
    const together = batch.length > 1;
    const again = together || (this.#running.size > 0 && this.makesRoom(thrown));
    for (const job of batch.toReversed()) {
      if (!this.#running.has(job)) job.reject(disposed());
      else if (again) this.#queue.unshift(together ? { ...job, sociable: false } : job);
      else job.reject(thrown);
    }
  }

  #settle(batch: readonly Job[]): void {
    this.#awaited.clear();
    if (batch.length === 1 && this.#queue.length === 0) {
      this.#state = "idle";
      return;
    }
    this.#state = "settling";
    for (const { lane } of batch) if (!this.#queue.some((job) => job.lane.sequence === lane.sequence)) this.#awaited.add(lane.sequence);
    this.#turn = setImmediate(() => this.#next());
  }

  async #ask(lanes: readonly Lane[], wanted: Pick<RunRequest, "logits" | "full" | "candidates">): Promise<Float32Array[]> {
    const { connection, vocabularySize } = this.#options;
    const flat = await connection.ask({ kind: "run", lanes, ...wanted });
    if (lanes.length === 1) return [flat];
    return lanes.map((_, i) => flat.subarray(i * vocabularySize, (i + 1) * vocabularySize));
  }
}

function disposed(): SessionError {
  return new SessionError("session/disposed", "the sequence was disposed before its run was made", {
    hint: "create another one with createSequence()",
  });
}

/** The values of some ids. */
function picked(row: Float32Array, ids: Int32Array): Float32Array {
  return Float32Array.from(ids, (id) => row[id]!);
}

function joinable({ lane, logits, sociable }: Job): boolean {
  return sociable && logits === "last" && lane.tokens.length <= SHORT_RUN;
}
