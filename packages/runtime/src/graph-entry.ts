/** Public names of `@orrery/runtime/graph`: graphs, the ops, the ONNX writer, and the families' decoders, without a session. */
export { DTYPE_BYTES, type Dtype } from "./dtype.ts";
export type { Dim, Shape } from "./shape.ts";
export { Graph, Value, type Attribute, type Attributes, type GraphNode, type Initializer, type ValueType } from "./graph.ts";
export { ifElse, type Branch } from "./ops/control.ts";
export { add, greater, isNonZero, mul, silu, sub, where } from "./ops/elementwise.ts";
export { concat, expand, identity, lengthOf, range, reshape, split, transpose } from "./ops/layout.ts";
export { matmul, matmulNBits, type BlockFormat, type BlockMatrix, type MatmulNBitsOptions, type MatmulOptions } from "./ops/linear.ts";
export { addRmsNorm, rmsNorm, softmax } from "./ops/norm.ts";
export { reduceSum, sumBefore } from "./ops/reduce.ts";
export { rotaryEmbedding } from "./ops/rotary.ts";
export { gather, gatherBlocks, gatherElements, nonZero, scatterElements, topK } from "./ops/select.ts";
export { encodeModel } from "../onnx/model.ts";
export { familyOf } from "../families/registry.ts";
export type { BuildOptions, CacheLayer, ExpertMode, Family } from "../families/family.ts";
export type { FileRange, StoredWeight, WeightPart, WeightRole, WeightSpec, WeightTable } from "../weights/weight.ts";
export type { ModelConfig } from "../checkpoint/model-config.ts";
