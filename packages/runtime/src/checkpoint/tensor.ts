/**
 * A tensor of a checkpoint as rows in files. In: nothing but facts from a header. Out: where each row lies and how it is coded.
 * Law: what differs between file formats (merged or split matrices, permuted rows, other names) ends here; behind it every tensor
 * has its Hugging Face name and shape.
 */
import type { ModelConfig } from "./model-config.ts";

/** How numbers are stored. The Q types are llama.cpp's blocks of 32 along a row, the K types of 256. */
export type StoredType = "F32" | "F16" | "BF16" | "Q8_0" | "Q4_0" | "Q4_1" | "Q5_0" | "Q5_1" | "Q2_K" | "Q3_K" | "Q4_K" | "Q5_K" | "Q6_K";

/** Consecutive rows that lie back to back in one file. */
export interface RowRun {
  readonly type: StoredType;
  /** Absolute path. */
  readonly file: string;
  /** Byte offset of the first row. */
  readonly offset: number;
  readonly rows: number;
}

export interface Tensor {
  /** Hugging Face name, e.g. `model.layers.3.self_attn.q_proj.weight`. */
  readonly name: string;
  /** Row-major, outermost dimension first, as in Hugging Face: a linear layer is [out, in]. */
  readonly shape: readonly number[];
  /** Numbers in a row: the last dimension. */
  readonly columns: number;
  /** Product of the other dimensions; 1 for a vector. */
  readonly rows: number;
  /** In order; their `rows` add up to `rows`. Empty for a tensor that no file holds: all its numbers are `offset`. */
  readonly runs: readonly RowRun[];
  /** Added to every number that is read; 0 for almost all tensors. */
  readonly offset: number;
}

export interface Checkpoint {
  /** The file or directory it was opened from, absolute. */
  readonly path: string;
  readonly format: "gguf" | "safetensors";
  readonly config: ModelConfig;
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Contents of tokenizer.json and tokenizer_config.json (read beside the weights, or out of a GGUF); null where there is none. */
  readonly tokenizer: { readonly json: unknown; readonly config: unknown } | null;
  /** @throws CheckpointError `checkpoint/missing-tensor` naming the tensor and the file. */
  tensor(name: string): Tensor;
  /** Rows [start, end) as float32, `(end - start) × columns` numbers. Default: all rows. */
  readFloats(tensor: Tensor, start?: number, end?: number): Promise<Float32Array>;
  /** Rows [start, end) as stored, when all of them have one type: the blocks, row after row. */
  readStored(tensor: Tensor, start?: number, end?: number): Promise<{ readonly type: StoredType; readonly bytes: Uint8Array }>;
  /**
   * SHA-256 over the bytes of all weight files, one after the other, hex. Before each piece is read, `before` is awaited with the share
   * (0 to 1) of all bytes that will then be done, so that a caller can hold the reading back; what it throws ends the hashing.
   */
  hash(before?: (share: number) => Promise<void>): Promise<string>;
  close(): Promise<void>;
}
