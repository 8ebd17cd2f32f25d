/**
 * What the main thread and the worker say to each other. Requests are answered in the order they were sent, each by one reply with its
 * id; notices are not answered. Law: how many rows of a sequence are valid is known to the main thread alone and sent with every run.
 */
import type { Manifest } from "../manifest.ts";
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

/** Opens the model. Answered with an empty array when it is ready. */
export interface LoadRequest extends EngineSettings {
  readonly kind: "load";
  /** Path of model.onnx; its external data lies beside it. */
  readonly model: string;
  /** Its weights as packed at an earlier load; null to pack them. */
  readonly packed: PackedWeights | null;
  /** Version of onnxruntime that the model was exported for. */
  readonly onnxruntime: string;
  readonly shape: ModelShape;
}

export interface ModelShape {
  readonly contextLength: number;
  readonly vocabularySize: number;
  readonly cache: Manifest["cache"];
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

/** Computes `tokens` at positions `past`, `past + 1`, … of a sequence. Answered with logits [rows, vocabulary], flat. */
export interface RunRequest {
  readonly kind: "run";
  readonly sequence: number;
  readonly past: number;
  readonly tokens: readonly number[];
  readonly logits: LogitRows;
}

/** Copies the first `length` rows of a sequence to a new one. Answered with an empty array. */
export interface ForkRequest {
  readonly kind: "fork";
  readonly sequence: number;
  readonly to: number;
  readonly length: number;
}

export type Request = LoadRequest | LoadPastPresentRequest | RunRequest | ForkRequest;
export type Notice = { readonly kind: "free"; readonly sequence: number } | { readonly kind: "close" };
export type Message = { readonly id: number; readonly request: Request } | { readonly id: null; readonly notice: Notice };

/** An error as it crosses the threads. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
  /** Message and stack only: what else an error carries may not be clonable. */
  readonly cause?: Error | undefined;
}

export type Reply = { readonly id: number; readonly result: Float32Array } | { readonly id: number; readonly failure: Failure };
