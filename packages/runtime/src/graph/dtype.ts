/** Element types of the tensors in a graph, and their sizes. Only those that some operator here takes or gives. */

export type Dtype = "float32" | "float16" | "int64" | "uint8" | "int8" | "bool";

/** Bytes of one element. */
export const DTYPE_BYTES: Readonly<Record<Dtype, number>> = { float32: 4, float16: 2, int64: 8, uint8: 1, int8: 1, bool: 1 };
