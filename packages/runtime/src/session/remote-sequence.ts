/**
 * A sequence on the main thread. In: tokens. Out: logits. Law: `tokens` are exactly those whose rows the worker holds; a chunk
 * counts when its run has succeeded. Chunks are sent one by one, so that sequences take turns and an abort needs no message.
 */
import { SessionError } from "../errors.ts";
import type { Connection } from "./connection.ts";
import type { LogitRows, Sequence, Session } from "./session.ts";

/** How many tokens a sequence may have, and which. */
export type TokenLimits = Pick<Session, "contextLength" | "vocabularySize">;

/** What all sequences of a session share. */
export interface SequenceHost {
  readonly connection: Connection;
  readonly shape: TokenLimits;
  /** Tokens of one run. */
  readonly chunk: number;
  nextId(): number;
}

export class RemoteSequence implements Sequence {
  readonly #host: SequenceHost;
  readonly #id: number;
  readonly #tokens: number[];
  /** Settles when the rows of a fork are there. */
  #copied: Promise<unknown> | null;
  #state: "idle" | "running" | "disposed" = "idle";

  constructor(host: SequenceHost, fork?: { readonly id: number; readonly tokens: number[] }) {
    this.#host = host;
    this.#id = host.nextId();
    this.#tokens = fork?.tokens ?? [];
    this.#copied =
      fork === undefined ? null : host.connection.ask({ kind: "fork", sequence: fork.id, to: this.#id, length: this.#tokens.length });
    // A copy that failed is reported by the first append; a fork that is never used must not bring the process down.
    this.#copied?.catch(() => undefined);
  }

  get length(): number {
    return this.#tokens.length;
  }

  get tokens(): readonly number[] {
    return this.#tokens;
  }

  async append(
    tokens: readonly number[],
    { logits = "last", signal }: { readonly logits?: LogitRows; readonly signal?: AbortSignal } = {},
  ): Promise<Float32Array> {
    this.#assertIdle("append");
    const added = tokens.slice();
    this.#check(added, logits);
    this.#state = "running";
    try {
      if (this.#copied !== null) await this.#awaitCopy();
      return await this.#compute(added, logits, signal);
    } finally {
      this.#settle();
    }
  }

  rewind(length: number): void {
    this.#assertIdle("rewind");
    this.#checkLength(length);
    this.#tokens.length = length;
  }

  fork(length: number): Sequence {
    this.#assertAlive();
    this.#checkLength(length);
    return new RemoteSequence(this.#host, { id: this.#id, tokens: this.#tokens.slice(0, length) });
  }

  dispose(): void {
    if (this.#state === "disposed") return;
    this.#state = "disposed";
    this.#host.connection.tell({ kind: "free", sequence: this.#id });
  }

  /** A copy that failed leaves an empty sequence. */
  async #awaitCopy(): Promise<void> {
    const copied = this.#copied;
    this.#copied = null;
    try {
      await copied;
    } catch (thrown) {
      this.#tokens.length = 0;
      throw thrown;
    }
  }

  /** The first chunk is sent before this returns its promise: the caller's next lines run while the worker computes. */
  async #compute(tokens: readonly number[], logits: LogitRows, signal: AbortSignal | undefined): Promise<Float32Array> {
    const { connection, chunk } = this.#host;
    const results: Float32Array[] = [];
    for (let start = 0; start < tokens.length; start += chunk) {
      if (signal?.aborted)
        throw new SessionError("session/aborted", `aborted after ${start} of ${tokens.length} tokens`, { cause: signal.reason });
      const part = start === 0 && tokens.length <= chunk ? tokens : tokens.slice(start, start + chunk);
      const wanted = logits === "last" && start + chunk < tokens.length ? "none" : logits;
      results.push(await connection.ask({ kind: "run", sequence: this.#id, past: this.#tokens.length, tokens: part, logits: wanted }));
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

  #checkLength(length: number): void {
    if (!(Number.isInteger(length) && length >= 0 && length <= this.#tokens.length))
      throw new SessionError("session/rewind-ahead", `cannot keep ${length} tokens, the sequence has ${this.#tokens.length}`, {
        hint: "give a whole number from 0 to the sequence's length",
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
