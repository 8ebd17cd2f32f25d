/** Sums and maxima over a dimension. */
import { requireDtype } from "../checks.ts";
import type { Value } from "../graph.ts";
import { axisOf, withDim } from "../shape.ts";

/** ReduceSum-13 over `axis`, which stays with length 1. @throws GraphError `graph/dtype`, `graph/axis` */
export function reduceSum(x: Value, axis: number): Value {
  requireDtype("ReduceSum", x, "float32", "int64");
  const at = axisOf(x.shape, axis);
  const axes = x.graph.constant("int64", [1], [at]);
  return x.graph.node("ReduceSum", [x, axes], { dtype: x.dtype, shape: withDim(x.shape, at, 1) }, { keepdims: { int: 1 } });
}

/** ReduceMax-18 over `axis`, which stays with length 1. @throws GraphError `graph/dtype`, `graph/axis` */
export function reduceMax(x: Value, axis: number): Value {
  requireDtype("ReduceMax", x, "float32");
  const at = axisOf(x.shape, axis);
  const axes = x.graph.constant("int64", [1], [at]);
  return x.graph.node("ReduceMax", [x, axes], { dtype: x.dtype, shape: withDim(x.shape, at, 1) }, { keepdims: { int: 1 } });
}

/** CumSum-14, exclusive: at each place the sum of what stands before it along `axis`. @throws GraphError `graph/dtype`, `graph/axis` */
export function sumBefore(x: Value, axis: number): Value {
  requireDtype("CumSum", x, "float32", "int64");
  const at = x.graph.constant("int64", [], [axisOf(x.shape, axis)]);
  return x.graph.node("CumSum", [x, at], x, { exclusive: { int: 1 } });
}
