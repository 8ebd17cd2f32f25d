/**
 * A sequence on the main thread. In: tokens. Out: logits. Law: `tokens` are exactly those whose rows the worker holds; a chunk
 * counts when its run has succeeded. Chunks are handed to the scheduler one by one, so that sequences take turns and an abort needs no
 * message.
 */
import { SessionError } from "../errors.ts";
import type { Connection } from "./connection.ts";
import type { Lane } from "./protocol.ts";
import type { Scheduler } from "./scheduler.ts";
import type { AppendOptions, LogitRows, Sequence, Session, Step } from "./session.ts";
import { snapshotHead, type SnapshotShape } from "./snapshot.ts";

/** How many tokens a sequence may have, and which. */
export type TokenLimits = Pick<Session, "contextLength" | "vocabularySize">;

/** What all sequences of a session share. */
export interface SequenceHost {
  readonly connection: Connection;
  readonly scheduler: Scheduler;
  readonly shape: TokenLimits;
  /** What snapshots must fit; null where the graph keeps no rows of ours. */
  readonly snapshots: SnapshotShape | null;
  readonly sparseHead: boolean;
  /** Tokens of one run. */
  readonly chunk: number;
  /** Tokens by which a sequence with windows can be rewound; null: the model has none, so any can be rewound to its beginning. */
  readonly rewind: number | null;
  nextId(): number;
}

/** What is wanted of tokens that are computed. */
interface Computing {
  readonly logits: LogitRows;
  readonly signal: AbortSignal | undefined;
  readonly full: boolean;
  readonly candidates: Int32Array | undefined;
}

export class RemoteSequence implements Sequence {
  readonly #host: SequenceHost;
  readonly #id: number;
  readonly #tokens: number[];
  #reach: number;
  #state: "idle" | "running" | "disposed" = "idle";

  /** `id`: of rows that the worker has, with these tokens. */
  constructor(
    host: SequenceHost,
    { id, tokens, reach }: { readonly id?: number; readonly tokens?: number[]; readonly reach?: number } = {},
  ) {
    this.#host = host;
    this.#id = id ?? host.nextId();
    this.#tokens = tokens ?? [];
    this.#reach = reach ?? 0;
  }

  get length(): number {
    return this.#tokens.length;
  }

  get tokens(): readonly number[] {
    return this.#tokens;
  }

  get reach(): number {
    return this.#reach;
  }

  async append(tokens: readonly number[], { logits = "last", signal, full = true, candidates }: AppendOptions = {}): Promise<Float32Array> {
    this.#assertIdle("append");
    const added = tokens.slice();
    this.#check(added, logits);
    if (candidates !== undefined) this.#checkCandidates(candidates, logits);
    this.#state = "running";
    try {
      return await this.#compute(added, { logits, signal, full, candidates });
    } finally {
      this.#settle();
    }
  }

  rewind(length: number): void {
    this.#assertIdle("rewind");
    this.#checkLength(length);
    this.#tokens.length = length;
    if (length === 0) this.#reach = 0;
  }

  fork(length: number): Sequence {
    this.#assertAlive();
    this.#checkLength(length);
    const { connection } = this.#host;
    const id = this.#host.nextId();
    if (length > 0) connection.tell({ kind: "fork", sequence: this.#id, to: id, length });
    return new RemoteSequence(this.#host, { id, tokens: this.#tokens.slice(0, length), reach: length === 0 ? 0 : this.#reach });
  }

  async snapshot(): Promise<Uint8Array<ArrayBuffer>> {
    this.#assertAlive();
    const { connection, snapshots } = this.#host;
    if (snapshots === null) throw noSnapshots();
    const head = snapshotHead(snapshots.fingerprint, this.#tokens, this.#reach);
    return connection.ask({ kind: "snapshot", sequence: this.#id, length: this.length, reach: this.#reach, head });
  }

  dispose(): void {
    if (this.#state === "disposed") return;
    this.#state = "disposed";
    this.#host.scheduler.drop(this.#id);
    this.#host.connection.tell({ kind: "free", sequence: this.#id });
  }

  /** Appends one token to each of several sequences of `host` in one run. See `Session.step`. */
  static async step(host: SequenceHost, steps: readonly Step[]): Promise<Float32Array[]> {
    const sequences = steps.map(({ sequence, token }) => {
      if (!(sequence instanceof RemoteSequence) || sequence.#host !== host)
        throw new SessionError("session/not-of-this-session", "a sequence of the step was made by another session", {
          hint: "step only sequences of this session",
        });
      sequence.#assertIdle("step");
      sequence.#check([token], "last");
      return sequence;
    });
    if (new Set(sequences).size < sequences.length)
      throw new SessionError("session/busy", "a sequence stands in the step twice", { hint: "give each sequence one token" });
    if (sequences.length === 0) return [];
    for (const sequence of sequences) sequence.#state = "running";
    try {
      const logits = await host.scheduler.together(sequences.map((sequence, i) => sequence.#lane([steps[i]!.token])));
      for (const sequence of sequences) sequence.#assertAlive();
      sequences.forEach((sequence, i) => sequence.#tokens.push(steps[i]!.token));
      return logits;
    } finally {
      for (const sequence of sequences) sequence.#settle();
    }
  }

  /** What is to be computed next. From then on rows may be gone that only a sequence rewound further would need. */
  #lane(tokens: readonly number[]): Lane {
    const past = this.#tokens.length;
    if (this.#host.rewind !== null) this.#reach = Math.max(this.#reach, past - this.#host.rewind);
    return { sequence: this.#id, past, tokens };
  }

  /** The first chunk is handed over before this returns its promise: the caller's next lines run while the worker computes. */
  async #compute(tokens: readonly number[], { logits, signal, full, candidates }: Computing): Promise<Float32Array> {
    const { scheduler, chunk } = this.#host;
    const results: Float32Array[] = [];
    for (let start = 0; start < tokens.length; start += chunk) {
      if (signal?.aborted)
        throw new SessionError("session/aborted", `aborted after ${start} of ${tokens.length} tokens`, { cause: signal.reason });
      const part = start === 0 && tokens.length <= chunk ? tokens : tokens.slice(start, start + chunk);
      const wanted = logits === "last" && start + chunk < tokens.length ? "none" : logits;
      results.push(await scheduler.run(this.#lane(part), wanted, full, wanted === "last" ? candidates : undefined));
      this.#assertAlive();
      for (const token of part) this.#tokens.push(token);
    }
    return join(results);
  }

  #check(tokens: readonly number[], logits: LogitRows): void {
    const { contextLength, vocabularySize } = this.#host.shape;
    if (tokens.length === 0 && logits === "last")
      throw new SessionError("session/no-tokens", "no tokens to append, so there is no last row of logits", {
        hint: "rewind by one token and append it again",
      });
    const total = this.#tokens.length + tokens.length;
    if (total > contextLength)
      throw new SessionError("session/context-length", `the sequence would have ${total} tokens, the context holds ${contextLength}`, {
        hint: "start a shorter sequence, or load a model with a longer context",
      });
    // The graph reads rows of the embedding by these numbers.
    const bad = tokens.findIndex((token) => !(Number.isInteger(token) && token >= 0 && token < vocabularySize));
    if (bad >= 0)
      throw new SessionError("session/bad-token", `token ${bad} is ${tokens[bad]}, ids run from 0 to ${vocabularySize - 1}`, {
        hint: "the ids come from another tokenizer",
      });
  }

  #checkCandidates(candidates: Int32Array, logits: LogitRows): void {
    const { vocabularySize } = this.#host.shape;
    const outside = candidates.find((id) => !(id >= 0 && id < vocabularySize));
    if (logits === "last" && candidates.length > 0 && outside === undefined) return;
    const what = outside === undefined ? `${candidates.length} candidates for the logits of ${logits}` : `the candidate ${outside}`;
    throw new SessionError("session/bad-candidates", `found ${what}, expected ids from 0 to ${vocabularySize - 1} for the last row`, {
      hint: "leave candidates out to have the logits of all ids",
    });
  }

  #checkLength(length: number): void {
    if (!(Number.isInteger(length) && length >= 0 && length <= this.#tokens.length))
      throw new SessionError("session/rewind-ahead", `cannot keep ${length} tokens, the sequence has ${this.#tokens.length}`, {
        hint: "give a whole number from 0 to the sequence's length",
      });
    if (length > 0 && length < this.#reach)
      throw new SessionError("session/out-of-reach", `cannot keep ${length} tokens: rows are there for ${this.#reach} or more`, {
        hint: "load the model with a greater `rewind`, or compute the tokens again",
      });
  }

  #assertIdle(call: string): void {
    this.#assertAlive();
    if (this.#state === "running")
      throw new SessionError("session/busy", `${call} was called while an append is running`, { hint: "await each call before the next" });
  }

  #assertAlive(): void {
    if (this.#state === "disposed")
      throw new SessionError("session/disposed", "the sequence was disposed", { hint: "create another one with createSequence()" });
  }

  #settle(): void {
    if (this.#state === "running") this.#state = "idle";
  }
}

/** Of graphs with past and present: what they keep has no form of ours. */
export function noSnapshots(): SessionError {
  return new SessionError(
    "session/no-snapshots",
    "sequences of this model cannot be written down: its graph is not ours, or its cache is int8",
    {
      hint: "export the model's checkpoint with `orrery export`, with a float32 cache",
    },
  );
}

/** Rows of several chunks, one after the other. */
function join(parts: readonly Float32Array[]): Float32Array {
  const filled = parts.filter((part) => part.length > 0);
  if (filled.length === 1) return filled[0]!;
  const whole = new Float32Array(filled.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of filled) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
