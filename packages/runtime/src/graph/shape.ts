/**
 * Shapes whose dimensions are numbers or symbols. A symbol is a number that only a run knows: `S` tokens, `T` past rows.
 * Law: a symbol equals itself and nothing else; sums of dimensions are symbols too (`T+S`).
 */
import { GraphError } from "../errors.ts";

/** A number, or the symbol of one that only a run knows. */
export type Dim = number | string;
/** Outermost dimension first, as in ONNX. */
export type Shape = readonly Dim[];

/** Hint of errors about shapes that do not fit. */
export const FOLLOW_SHAPES = "follow the named values back to where the shape goes wrong";

/** For messages: `[1, S, 576]`. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** Dimension at `index`, counted from the end when negative. @throws GraphError `graph/shape-mismatch` where there is none. */
export function dimAt(shape: Shape, index: number): Dim {
  const dim = shape.at(index);
  if (dim === undefined)
    throw new GraphError("graph/shape-mismatch", `${formatShape(shape)} has no dimension ${index}`, { hint: FOLLOW_SHAPES });
  return dim;
}

/** `axis` as an index from 0. @throws GraphError `graph/axis` */
export function axisOf(shape: Shape, axis: number): number {
  const index = axis < 0 ? axis + shape.length : axis;
  if (!Number.isInteger(index) || index < 0 || index >= shape.length)
    throw new GraphError("graph/axis", `axis ${axis} does not exist in ${formatShape(shape)}`, {
      hint: "count axes from 0, or from the end with negative numbers",
    });
  return index;
}

/** Sum of dimensions: a number if all are, else a symbol such as `T+S`. */
export function sumDims(dims: readonly Dim[]): Dim {
  const known = dims.reduce<number>((sum, dim) => (typeof dim === "number" ? sum + dim : sum), 0);
  const symbols = dims.filter((dim) => typeof dim === "string");
  if (symbols.length === 0) return known;
  return known === 0 ? symbols.join("+") : `${symbols.join("+")}+${known}`;
}

/** `shape` with dimension `axis` (from 0) replaced. */
export function withDim(shape: Shape, axis: number, dim: Dim): Shape {
  return shape.map((old, index) => (index === axis ? dim : old));
}

/** NumPy's rule: dimensions are aligned at the end; 1 stretches. @throws GraphError `graph/shape-mismatch` */
export function broadcastShapes(a: Shape, b: Shape, hint: string): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, index) => {
    const left = a[index - rank + a.length] ?? 1;
    const right = b[index - rank + b.length] ?? 1;
    if (left !== right && left !== 1 && right !== 1)
      throw new GraphError("graph/shape-mismatch", `${formatShape(a)} and ${formatShape(b)} do not broadcast: ${left} against ${right}`, {
        hint,
      });
    return left === 1 ? right : left;
  });
}

/** True when both shapes hold the same number of elements for every value of the symbols. */
export function sameElementCount(a: Shape, b: Shape): boolean {
  return countKey(a) === countKey(b);
}

/** Number of elements of a shape without symbols. @throws GraphError `graph/shape-mismatch` */
export function elementCount(shape: Shape): number {
  return shape.reduce<number>((count, dim) => {
    if (typeof dim === "string")
      throw new GraphError("graph/shape-mismatch", `${formatShape(shape)} must be known when the graph is built`, {
        hint: "give every dimension as a number",
      });
    return count * dim;
  }, 1);
}

/** `count` times a dimension: a number, or a symbol such as `4·S`. */
export function timesDim(dim: Dim, count: number): Dim {
  return typeof dim === "number" ? dim * count : `${count}·${dim}`;
}

function countKey(shape: Shape): string {
  const factors = shape.flatMap((dim) => (typeof dim === "number" ? [dim] : dim.split("·").map((factor) => Number(factor) || factor)));
  const known = factors.reduce<number>((count, factor) => (typeof factor === "number" ? count * factor : count), 1);
  const symbols = factors.filter((factor) => typeof factor === "string");
  return [known, ...symbols.toSorted()].join("·");
}
