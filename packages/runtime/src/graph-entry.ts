/** Public names of `@orrery/runtime/graph`: graphs, the ops, the ONNX writer, and the families' decoders, without a session. */
export { DTYPE_BYTES, type Dtype } from "./graph/dtype.ts";
export type { Dim, Shape } from "./graph/shape.ts";
export { Graph, Value, type Attribute, type Attributes, type GraphNode, type Initializer, type ValueType } from "./graph/graph.ts";
export { ifElse, type Branch } from "./graph/ops/control.ts";
export {
  abs,
  add,
  cos,
  dequantize,
  div,
  geluTanh,
  greater,
  isNonZero,
  mod,
  mul,
  or,
  round,
  silu,
  sin,
  sub,
  tanh,
  toFloat,
  toHalf,
  where,
} from "./graph/ops/elementwise.ts";
export { concat, expand, identity, lengthOf, range, reshape, split, transpose } from "./graph/ops/layout.ts";
export {
  matmul,
  matmulNBits,
  type BlockFormat,
  type BlockMatrix,
  type MatmulNBitsOptions,
  type MatmulOptions,
} from "./graph/ops/linear.ts";
export { addRmsNorm, rmsNorm, softmax } from "./graph/ops/norm.ts";
export { reduceMax, reduceSum, sumBefore } from "./graph/ops/reduce.ts";
export { rotaryEmbedding } from "./graph/ops/rotary.ts";
export { gather, gatherBlocks, gatherElements, nonZero, scatterElements, topK } from "./graph/ops/select.ts";
export { encodeModel } from "./onnx/model.ts";
export { familyOf } from "./families/registry.ts";
export type { BuildOptions, ExpertMode, Family } from "./families/family.ts";
export type { FileRange, StoredWeight, WeightPart, WeightRole, WeightSpec, WeightTable } from "./weights/weight.ts";
export { cacheLayers, type CacheLayer, type LayerConfig, type ModelConfig } from "./checkpoint/model-config.ts";
