/**
 * What the main thread and the worker say to each other. Requests are answered in the order they were sent, each by one reply with its
 * id; notices take their turn and are not answered. Law: how many rows of a sequence are valid is known to the main thread alone and sent with every run.
 */
import type { CacheFormat, Manifest } from "../manifest.ts";
import type { OnnxRepositoryConfig } from "../open-onnx-repository.ts";
import type { PackedWeights } from "../prepack/packed-weights.ts";
import type { LogitRows } from "./session.ts";

/** How an engine runs, whatever its model. */
export interface EngineSettings {
  /** Threads of one operator. */
  readonly threads: number;
  /** Prefix of the files that a profile is written to; null: none is. */
  readonly profile: string | null;
}

/** Opens the model. Answered with the installed version of onnxruntime, in UTF-8, when it is ready. */
export interface LoadRequest extends EngineSettings {
  readonly kind: "load";
  /** Path of model.onnx; its external data lies beside it. */
  readonly model: string;
  /** Its weights as packed at an earlier load; null to pack them. */
  readonly packed: PackedWeights | null;
  /** Version of onnxruntime that the model was exported for. */
  readonly onnxruntime: string;
  readonly shape: ModelShape;
  /** Bytes that the rows of all sequences may have. */
  readonly cacheMemory: number;
  /** Tokens by which a sequence with windows can be rewound. */
  readonly rewind: number;
}

export interface ModelShape {
  readonly contextLength: number;
  readonly vocabularySize: number;
  readonly cache: Manifest["cache"];
  /** Whether the graph has the input `full`; default false. */
  readonly sliced?: boolean;
  /** How the rows of older tokens are kept. */
  readonly cacheFormat: CacheFormat;
  /** Whether the graph has the input `candidates`; default false. */
  readonly sparseHead?: boolean;
}

/** Opens a model whose graph takes the past and gives the present. Answered with an empty array when it is ready. */
export interface LoadPastPresentRequest extends EngineSettings {
  readonly kind: "load-past-present";
  /** Path of the graph that gives logits. */
  readonly decoder: string;
  /** Path of the graph that gives what the decoder takes instead of input_ids; null where it takes those. */
  readonly embedding: string | null;
  readonly shape: PastPresentShape;
}

/** What the graph must agree with. */
export type PastPresentShape = Omit<OnnxRepositoryConfig, "tokens">;

/** New tokens of one sequence, at positions `past`, `past + 1`, … */
export interface Lane {
  readonly sequence: number;
  readonly past: number;
  readonly tokens: readonly number[];
}

/** Computes the lanes together, each in its own sequence. Answered with logits [rows of the lanes in turn, vocabulary], flat. */
export interface RunRequest {
  readonly kind: "run";
  readonly lanes: readonly Lane[];
  readonly logits: LogitRows;
  /** Use all of sliced weights, not their low slices alone; default true. */
  readonly full?: boolean;
  /** Of one lane, where the graph can: logits of these ids alone. Answered with as many. */
  readonly candidates?: Int32Array | undefined;
}

/** Writes down the first `length` rows of a sequence. Answered with `head`, the rows of each array, and the SHA-256 of both. */
export interface SnapshotRequest {
  readonly kind: "snapshot";
  readonly sequence: number;
  readonly length: number;
  /** The shortest length that the sequence can be rewound to: older rows of windows are left out. */
  readonly reach: number;
  readonly head: Uint8Array;
}

/** Gives a new sequence rows that were written down: one array for each of the cache's. Answered with an empty array. */
export interface RestoreRequest {
  readonly kind: "restore";
  readonly sequence: number;
  readonly length: number;
  readonly reach: number;
  readonly rows: readonly Float32Array[];
}

export type Request = LoadRequest | LoadPastPresentRequest | RunRequest | SnapshotRequest | RestoreRequest;
export type Notice =
  /** A new sequence with the first `length` rows of another one. */
  | { readonly kind: "fork"; readonly sequence: number; readonly to: number; readonly length: number }
  | { readonly kind: "free"; readonly sequence: number }
  | { readonly kind: "close" };
export type Message = { readonly id: number; readonly request: Request } | { readonly id: null; readonly notice: Notice };

/** An error as it crosses the threads. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
  /** Message and stack only: what else an error carries may not be clonable. */
  readonly cause?: Error | undefined;
  /** Bytes of a {@link CacheMemoryError}. */
  readonly memory?: { readonly needed: number; readonly budget: number; readonly left: number } | undefined;
}

/** What a request is answered with. */
export type Answer<R extends Request> = R["kind"] extends "run" ? Float32Array<ArrayBuffer> : Uint8Array<ArrayBuffer>;
export type Result = Float32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>;
export type Reply = { readonly id: number; readonly result: Result } | { readonly id: number; readonly failure: Failure };
