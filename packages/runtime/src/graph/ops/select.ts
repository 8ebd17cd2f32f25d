/** Ops that read or write chosen rows: gather and scatter, by index. */
import { GraphError } from "../../errors.ts";
import { requireDim, requireDtype, requireRank } from "../checks.ts";
import type { Value } from "../graph.ts";
import { FOLLOW_SHAPES, axisOf, dimAt, formatShape } from "../shape.ts";
import { requireBlockScales, type BlockFormat, type BlockMatrix } from "./linear.ts";

/** Gather-13: the slices of `data` along `axis` that `indices` (int64, any shape) name. @throws GraphError `graph/dtype`, `graph/axis` */
export function gather(data: Value, indices: Value, axis = 0): Value {
  requireDtype("Gather", indices, "int64");
  const at = axisOf(data.shape, axis);
  const shape = [...data.shape.slice(0, at), ...indices.shape, ...data.shape.slice(at + 1)];
  return data.graph.node("Gather", [data, indices], { dtype: data.dtype, shape }, { axis: { int: at } });
}

/**
 * com.microsoft.GatherBlockQuantized-1: rows of a [rows, columns] matrix in blocks, as float32 [...indices, columns]. `columns` is a
 * multiple of the block: the operator has no padding.
 * @throws GraphError `graph/dtype`, `graph/shape-mismatch`
 */
export function gatherBlocks(w: BlockMatrix, indices: Value, shape: readonly [rows: number, columns: number], format: BlockFormat): Value {
  const [rows, columns] = shape;
  requireDtype("GatherBlockQuantized", indices, "int64");
  requireDtype("GatherBlockQuantized", w.data, "uint8");
  if (columns % format.block !== 0)
    throw new GraphError(
      "graph/shape-mismatch",
      `GatherBlockQuantized: ${columns} columns are not a multiple of the block ${format.block}`,
      { hint: "choose a block size that divides the columns" },
    );
  requireRank("GatherBlockQuantized", w.data, 2);
  requireDim("GatherBlockQuantized", `bytes in a row of ${w.data.name}`, w.data.shape[1], (columns * format.bits) / 8);
  requireBlockScales("GatherBlockQuantized", w, rows, columns / format.block, format.bits);
  return w.data.graph.node(
    "com.microsoft.GatherBlockQuantized",
    [w.data, indices, w.scales, ...(w.zeroPoints === null ? [] : [w.zeroPoints])],
    { dtype: "float32", shape: [...indices.shape, columns] },
    { gather_axis: { int: 0 }, quantize_axis: { int: 1 }, block_size: { int: format.block }, bits: { int: format.bits } },
  );
}

/** ScatterElements-18: `data` with updates[i] at position indices[i] along `axis`. @throws GraphError `graph/dtype`, `graph/shape-mismatch` */
export function scatterElements(data: Value, indices: Value, updates: Value, axis: number): Value {
  requireDtype("ScatterElements", indices, "int64");
  requireDtype("ScatterElements", updates, data.dtype);
  requireRank("ScatterElements", indices, data.shape.length);
  if (formatShape(indices.shape) !== formatShape(updates.shape))
    throw new GraphError(
      "graph/shape-mismatch",
      `ScatterElements: indices ${formatShape(indices.shape)}, updates ${formatShape(updates.shape)}`,
      { hint: FOLLOW_SHAPES },
    );
  return data.graph.node("ScatterElements", [data, indices, updates], data, { axis: { int: axisOf(data.shape, axis) } });
}

/** GatherElements-13: for each position of `indices`, the number of `data` at that position with its index along `axis`. @throws GraphError `graph/dtype` */
export function gatherElements(data: Value, indices: Value, axis: number): Value {
  requireDtype("GatherElements", indices, "int64");
  requireRank("GatherElements", indices, data.shape.length);
  const at = axisOf(data.shape, axis);
  return data.graph.node("GatherElements", [data, indices], { dtype: data.dtype, shape: indices.shape }, { axis: { int: at } });
}

/**
 * NonZero-13: positions of the numbers that are not 0, int64 [rank of x, count], in row-major order. `count` is the symbol for how many
 * there are.
 */
export function nonZero(x: Value, count: string): Value {
  requireDtype("NonZero", x, "float32", "int64", "bool");
  return x.graph.node("NonZero", [x], { dtype: "int64", shape: [x.shape.length, count] });
}

/** TopK-11 along the last axis, largest first: [values, int64 indices]. @throws GraphError `graph/dtype`, `graph/shape-mismatch` */
export function topK(x: Value, k: number): [values: Value, indices: Value] {
  requireDtype("TopK", x, "float32");
  const last = dimAt(x.shape, -1);
  if (typeof last === "number" && k > last)
    throw new GraphError("graph/shape-mismatch", `TopK: ${k} of ${last} in ${x.name}`, { hint: "take at most as many as there are" });
  const shape = [...x.shape.slice(0, -1), k];
  const outputs = [
    { dtype: "float32", shape },
    { dtype: "int64", shape },
  ] as const;
  const [values, indices] = x.graph.nodeWithOutputs("TopK", [x, x.graph.constant("int64", [1], [k])], outputs, { axis: { int: -1 } });
  return [values!, indices!];
}
