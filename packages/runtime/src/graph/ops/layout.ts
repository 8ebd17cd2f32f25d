/** Ops that move numbers without changing them. */
import { GraphError } from "../../errors.ts";
import { requireDim, requireDtype, requireRank } from "../checks.ts";
import type { Value, ValueType } from "../graph.ts";
import {
  FOLLOW_SHAPES,
  axisOf,
  broadcastShapes,
  dimAt,
  formatShape,
  sameElementCount,
  sumDims,
  withDim,
  type Dim,
  type Shape,
} from "../shape.ts";

/** What a dimension of a Reshape target says besides a number. */
const KEEP = 0;
const INFER = -1;

/** Identity-21. */
export function identity(x: Value): Value {
  return x.graph.node("Identity", [x], x);
}

/**
 * Reshape-21. A symbol of `shape` that x has at the same place is kept; of others there is at most one, which the run infers; no copy.
 * @throws GraphError `graph/shape-mismatch`
 */
export function reshape(x: Value, shape: Shape): Value {
  const target = shape.map((dim, axis) => (typeof dim === "number" ? dim : dim === x.shape[axis] ? KEEP : INFER));
  if (!sameElementCount(x.shape, shape) || target.filter((dim) => dim === INFER).length > 1)
    throw new GraphError("graph/shape-mismatch", `Reshape: ${x.name} ${formatShape(x.shape)} cannot become ${formatShape(shape)}`, {
      hint: FOLLOW_SHAPES,
    });
  return x.graph.node("Reshape", [x, x.graph.constant("int64", [shape.length], target)], { dtype: x.dtype, shape });
}

/** Transpose-21: dimension i of the result is dimension order[i] of x. @throws GraphError `graph/axis` */
export function transpose(x: Value, order: readonly number[]): Value {
  if (order.length !== x.shape.length || order.toSorted().some((axis, index) => axis !== index))
    throw new GraphError("graph/axis", `Transpose: ${order.join(", ")} is not an order of the ${x.shape.length} dimensions of ${x.name}`, {
      hint: "name each dimension once, from 0",
    });
  const shape = order.map((axis) => dimAt(x.shape, axis));
  return x.graph.node("Transpose", [x], { dtype: x.dtype, shape }, { perm: { ints: order } });
}

/** Concat-13 along `axis`. @throws GraphError `graph/dtype`, `graph/shape-mismatch`, `graph/axis` */
export function concat(values: readonly Value[], axis: number): Value {
  const first = values[0];
  if (first === undefined) throw new GraphError("graph/shape-mismatch", "Concat: no operands", { hint: "give at least one value" });
  const at = axisOf(first.shape, axis);
  for (const value of values) {
    requireDtype("Concat", value, first.dtype);
    requireDim("Concat", `rank of ${value.name}`, value.shape.length, first.shape.length);
    value.shape.forEach((dim, index) => {
      if (index !== at) requireDim("Concat", `dimension ${index} of ${value.name}`, dim, first.shape[index]);
    });
  }
  const shape = withDim(first.shape, at, sumDims(values.map((value) => dimAt(value.shape, at))));
  return first.graph.node("Concat", [...values], { dtype: first.dtype, shape }, { axis: { int: at } });
}

/** Split-18 into parts of known length. @throws GraphError `graph/shape-mismatch`, `graph/axis` */
export function split(x: Value, lengths: readonly number[], axis: number): Value[] {
  return splitAt(x, x.graph.constant("int64", [lengths.length], lengths), lengths, axis);
}

/** Split-18 into parts whose lengths (int64 [parts]) a run computes; `dims` names them. @throws GraphError `graph/shape-mismatch`, `graph/axis` */
export function splitAt(x: Value, lengths: Value, dims: readonly Dim[], axis: number): Value[] {
  const at = axisOf(x.shape, axis);
  requireDtype("Split", lengths, "int64");
  requireDim("Split", `number of lengths in ${lengths.name}`, lengths.shape[0], dims.length);
  requireDim("Split", `sum of the parts of ${x.name}`, sumDims(dims), x.shape[at]);
  const outputs = dims.map((dim): ValueType => ({ dtype: x.dtype, shape: withDim(x.shape, at, dim) }));
  return x.graph.nodeWithOutputs("Split", [x, lengths], outputs, { axis: { int: at } });
}

/** Shape-21 of one dimension: int64 [1], the length of x along `axis`. @throws GraphError `graph/axis` */
export function lengthOf(x: Value, axis: number): Value {
  const at = axisOf(x.shape, axis);
  return x.graph.node("Shape", [x], { dtype: "int64", shape: [1] }, { start: { int: at }, end: { int: at + 1 } });
}

/** Expand-13: x stretched to `shape`, whose lengths (int64 [rank]; 1 keeps what x has) a run computes. @throws GraphError `graph/shape-mismatch` */
export function expand(x: Value, lengths: Value, shape: Shape): Value {
  requireDim("Expand", `number of lengths in ${lengths.name}`, lengths.shape[0], shape.length);
  const stretched = broadcastShapes(x.shape, shape, `Expand of ${x.name}`);
  requireDim("Expand", `shape of ${x.name} stretched`, formatShape(stretched), formatShape(shape));
  return x.graph.node("Expand", [x, lengths], { dtype: x.dtype, shape });
}

/** Range-11: int64 [length] from `start` up to, not including, `end`, both scalars. `length` is the symbol of how many. @throws GraphError `graph/dtype` */
export function range(start: Value, end: Value, length: Dim): Value {
  for (const value of [start, end]) {
    requireDtype("Range", value, "int64");
    requireRank("Range", value, 0);
  }
  return start.graph.node("Range", [start, end, start.graph.constant("int64", [], [1])], { dtype: "int64", shape: [length] });
}
