/**
 * The contract between a family, the exporter and the graph. A family lists the matrices its graph will ask for and which checkpoint
 * rows they are made of (`WeightSpec`); the exporter writes them (`StoredWeight`); the graph refers to them by name and file range.
 */

/**
 * What a weight is for, which decides how it may be stored: `matrix` is quantized to the chosen precision; `embedding` to 8 bits in any
 * but float32, since it is read by row and is also the head, when tied; `table` is read by row only and is quantized like a matrix, but
 * has one form at all precisions of a step; `exact` (router, norms, scales) stays float32.
 */
export type WeightRole = "matrix" | "embedding" | "table" | "exact";

/** Rows of one checkpoint tensor, placed into a weight. */
export interface WeightPart {
  /** Hugging Face tensor name. */
  readonly tensor: string;
  /** Rows [start, end) of the tensor; all by default. */
  readonly rows?: readonly [start: number, end: number];
  /** Where the part's upper left corner goes, [row, column]. */
  readonly at: readonly [row: number, column: number];
}

/** A weight that a graph asks for, and the tensors it is made of. */
export interface WeightSpec {
  /** The graph's name for it, e.g. `layers.3.attention.qkv`. */
  readonly name: string;
  readonly role: WeightRole;
  /** [rows, columns] of a linear layer y = x·Wᵀ, that is [out, in]; a vector is [1, n]. */
  readonly shape: readonly [rows: number, columns: number];
  /** Cover the shape exactly, without overlap. */
  readonly parts: readonly WeightPart[];
}

/** Bytes of a file, offset and length in bytes. */
export interface FileRange {
  /** Name beside model.onnx. */
  readonly file: string;
  readonly offset: number;
  readonly length: number;
}

/**
 * MatMulNBits layout (com.microsoft): B uint8 [rows, ceil(columns/block), block·bits/8], scales float32 [rows · blocks], zero points
 * uint8 packed [rows · ceil(blocks·bits/8)], or none: 2^(bits−1). The same bytes serve GatherBlockQuantized as [rows, columns·bits/8].
 */
export interface BlockWeight {
  readonly kind: "blocks";
  readonly bits: 4 | 8;
  readonly block: number;
  readonly shape: readonly [number, number];
  readonly data: FileRange;
  readonly scales: FileRange;
  readonly zeroPoints: FileRange | null;
}

/**
 * A weight of which a step uses as much as it is told to. `low` alone is the 4-bit weight; a full step adds the product of the
 * `residual` (4 bits of what `low` leaves over), or takes the `whole` weight of 8 bits in the place of `low`.
 */
export interface SlicedWeight {
  readonly kind: "sliced";
  readonly shape: readonly [number, number];
  readonly low: BlockWeight;
  readonly full: BlockWeight;
  readonly fullIs: FullSlice;
}

export type FullSlice = "residual" | "whole";

/** A weight as it lies in the exported files. */
export type StoredWeight =
  { readonly kind: "float32"; readonly shape: readonly [number, number]; readonly data: FileRange } | BlockWeight | SlicedWeight;

/** Stored weights by the name the graph has for them. */
export type WeightTable = ReadonlyMap<string, StoredWeight>;
