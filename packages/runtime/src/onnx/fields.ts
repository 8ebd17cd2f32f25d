/** ONNX's field numbers (onnx.proto3), as far as they are written or read here. */
import type { Dtype } from "../graph/dtype.ts";

export const MODEL = { irVersion: 1, producer: 2, graph: 7, opset: 8 };
export const OPSET = { domain: 1, version: 2 };
export const GRAPH = { node: 1, name: 2, initializer: 5, input: 11, output: 12 };
export const NODE = { input: 1, output: 2, name: 3, operator: 4, attribute: 5, domain: 7 };
export const ATTRIBUTE = { name: 1, float: 2, int: 3, text: 4, graph: 6, ints: 8, graphs: 11, type: 20 };
export const ATTRIBUTE_TYPE = { float: 1, int: 2, text: 3, graph: 5, ints: 7 };
export const TENSOR = { dims: 1, dtype: 2, name: 8, raw: 9, externalData: 13, location: 14 };
export const EXTERNAL = 1;
export const ENTRY = { key: 1, value: 2 };
export const VALUE = { name: 1, type: 2 };
export const TYPE = { tensor: 1 };
export const TENSOR_TYPE = { dtype: 1, shape: 2 };
export const SHAPE = { dim: 1 };
export const DIM = { value: 1, symbol: 2 };
/** TensorProto.DataType. */
export const DTYPE: Readonly<Record<Dtype, number>> = { float32: 1, uint8: 2, int8: 3, int64: 7, bool: 9, float16: 10 };
