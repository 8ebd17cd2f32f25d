/**
 * The engine as the rest of the runtime sees it. In: token ids. Out: logits. A worker thread owns the ONNX Runtime session and the
 * key/value rows of every sequence; nothing of onnxruntime-node is seen outside this folder.
 */

import type { OrreryError } from "@orrery/chat";
import type { Fingerprint } from "./fingerprint.ts";

/**
 * Stack of a thread that loads a model. On Linux, onnxruntime 1.30 overflows the default 4 MB, and the process dies, when the process was
 * started with a command line of more than about 15,000 bytes; 64 MB (reserved, not used) were enough for 130,000.
 */
export const ENGINE_STACK_MB = 64;

/** How the engine runs. */
export interface SessionOptions {
  /**
   * Of a directory with graphs of onnx-community, Optimum and their like: which of them, by the suffix of the file (`q4`, `fp16`, …; `fp32`
   * for the one without). Default: the first that is there of q4, quantized, int8, uint8, fp32, q4f16, fp16.
   */
  readonly variant?: string;
  /** Threads of one operator; default: physical cores, at most 8. */
  readonly threads?: number;
  /** Tokens computed in one run during prefill; default 256. */
  readonly chunk?: number;
  /**
   * Bytes that the key/value rows of all sequences may take, rows that several share counted once. Default: half of the memory that is
   * free when the session is opened. Graphs of onnx-community and their like make their rows themselves: those are not counted.
   */
  readonly cacheMemory?: number;
  /** Tokens by which a sequence of a model with windows can be rewound; default 1024. Without windows any sequence can be rewound to 0. */
  readonly rewind?: number;
  /**
   * Sequences that are computed in one run at most, where several wait and it is faster; default 8. 1: they take turns, and replies that
   * overlap are to the bit what they are alone. Models with an int8 cache always take turns.
   */
  readonly lanes?: number;
  /** Name and version of the prompt format, kept in snapshots; default "". A promise is awaited while the model loads. */
  readonly template?: string | Promise<string>;
  /** Name of what chooses the precision of steps, kept in snapshots; default "". */
  readonly chooser?: string;
  /** Write ONNX Runtime's profile to files with this prefix; off by default. */
  readonly profile?: string;
  /**
   * Of an export, whether the weights, as the engine packs them, are kept in the cache directory (`$ORRERY_CACHE`, else `$XDG_CACHE_HOME/orrery`, else
   * `~/.cache/orrery`) and mapped from there: the memory is then the page cache's, which processes share and the system may take back.
   * `on`: always; `auto` (the default): when the export's files take a quarter or more of the machine's (or the container's) memory;
   * `off`: never, each load packs in its own memory; `verify`: as `on`, and the kept file is read whole and its checksum compared first.
   * The first load makes them, which takes some times as long, and as much disk as the export or up to a third more. The numbers computed are the same, bit for bit. Nothing that goes wrong here fails the load:
   * {@link Session.prepacked} tells.
   */
  readonly prepacked?: PrepackedMode;
}

export const PREPACKED_MODES = ["auto", "on", "off", "verify"] as const;
export type PrepackedMode = (typeof PREPACKED_MODES)[number];

/** Whether a session's weights are mapped as packed before; if they were to be and are not, why. */
export type Prepacked = { readonly mapped: true; readonly path: string } | { readonly mapped: false; readonly reason: OrreryError | null };

/** Which rows of logits an append returns: those of the last token, of every token, or none. */
export type LogitRows = "last" | "all" | "none";

/** How tokens are computed, and what is wanted of it. */
export interface AppendOptions {
  /** Default `last`. */
  readonly logits?: LogitRows;
  readonly signal?: AbortSignal;
  /** Use all of sliced weights, not their low slices alone; default true. It changes nothing where no weight is sliced. */
  readonly full?: boolean;
  /**
   * With `logits: "last"`, the ids whose logits are wanted, at least one, ascending: the row has those alone. Where
   * {@link Session.sparseHead}, others are not computed.
   */
  readonly candidates?: Int32Array;
}

/** A token to append to a sequence, in full. */
export interface Step {
  readonly sequence: Sequence;
  readonly token: number;
}

/** One run of tokens with its key/value rows. Not reentrant: await each call before the next. */
export interface Sequence {
  /** Tokens whose rows are valid. */
  readonly length: number;
  /** Their ids. A live view: it grows and shrinks with the sequence. */
  readonly tokens: readonly number[];
  /**
   * The shortest length, besides 0, that it can be rewound to or forked at. 0 in models without windows; with windows, rows that only a
   * token further back would see are dropped (see {@link SessionOptions.rewind}).
   */
  readonly reach: number;
  /**
   * Computes `tokens` after those present, in chunks. Resolves to float32 logits [rows, vocabulary].
   * When `signal` fires, stops after the chunk that is running and throws; whole chunks already computed stay valid.
   * No tokens give no rows, except for `last` (the default), which needs one.
   * @throws SessionError `session/aborted`, `session/bad-token`, `session/bad-candidates`, `session/busy`, `session/context-length`, `session/disposed`,
   * `session/no-tokens`, `session/run-failed`, `session/worker-died`; CacheMemoryError when the rows do not fit into the budget
   */
  append(tokens: readonly number[], options?: AppendOptions): Promise<Float32Array>;
  /**
   * Keeps the first `length` tokens. Costs nothing.
   * @throws SessionError `session/busy`, `session/disposed`, `session/out-of-reach`, `session/rewind-ahead`
   */
  rewind(length: number): void;
  /**
   * A new sequence with the first `length` tokens. Costs nothing: rows are shared, and copied when one of the two writes where the other
   * still reads. Allowed while an append runs; what it has not finished is not there yet.
   * @throws SessionError `session/disposed`, `session/out-of-reach`, `session/rewind-ahead`
   */
  fork(length: number): Sequence;
  /**
   * Its tokens and rows as bytes, for {@link Session.restore}; in memory once. Allowed while an append runs, as a fork is.
   * @throws SessionError `session/disposed`, `session/no-snapshots`, `session/run-failed`, `session/worker-died`
   */
  snapshot(): Promise<Uint8Array>;
  /** Frees the rows. An append in flight rejects with `session/disposed`. Safe to call twice. */
  dispose(): void;
}

/** A model in its worker. Its sequences take turns, run by run; short runs that wait are computed together. */
export interface Session {
  /** Tokens that a sequence may have. */
  readonly contextLength: number;
  /** Logits in a row. */
  readonly vocabularySize: number;
  /** Whether logits of a few tokens cost less than those of all: the graph has the input for it. */
  readonly sparseHead: boolean;
  /** What became of {@link SessionOptions.prepacked}. */
  readonly prepacked: Prepacked;
  /** What rows depend on besides tokens: snapshots are restored where it is the same. Null where there are none: the graph is not ours, or its cache is int8. */
  readonly fingerprint: Fingerprint | null;
  /** An empty sequence. Dispose it: its rows live in the worker. */
  createSequence(): Sequence;
  /**
   * Appends one token to each of several sequences in one run. Resolves to their logits [vocabulary], in the order given.
   * @throws SessionError as {@link Sequence.append}, `session/not-of-this-session`; then no token counts
   */
  step(steps: readonly Step[]): Promise<Float32Array[]>;
  /**
   * The sequence that a snapshot was taken of. Holds the bytes and one copy of the rows at the most.
   * @throws SessionError `session/no-snapshots`, `session/snapshot-damaged`, `session/snapshot-version`, `session/snapshot-mismatch`;
   *   CacheMemoryError
   */
  restore(snapshot: Uint8Array): Promise<Sequence>;
  /** `free` is called when rows do not fit into the budget: it disposes a sequence that is not needed, or returns false. Of several, the first given that can. */
  whenFull(free: () => boolean): void;
  /** Ends the worker after the run that is on; calls in flight reject with `session/disposed` at once. Safe to call twice. */
  dispose(): Promise<void>;
}
