/** What every op asks of its operands before it makes a node: the error names the operator, what was found and what was expected. */
import { GraphError } from "../errors.ts";
import type { Dtype } from "./dtype.ts";
import type { Value } from "./graph.ts";
import { FOLLOW_SHAPES, formatShape, type Dim } from "./shape.ts";

/** @throws GraphError `graph/dtype` */
export function requireDtype(operator: string, value: Value, ...allowed: readonly Dtype[]): void {
  if (!allowed.includes(value.dtype))
    throw new GraphError("graph/dtype", `${operator}: ${value.name} is ${value.dtype}, expected ${allowed.join(" or ")}`, {
      hint: "give a value of an expected type",
    });
}

/** @throws GraphError `graph/shape-mismatch` */
export function requireRank(operator: string, value: Value, rank: number): void {
  if (value.shape.length !== rank)
    throw new GraphError("graph/shape-mismatch", `${operator}: ${value.name} is ${formatShape(value.shape)}, expected ${rank} dimensions`, {
      hint: FOLLOW_SHAPES,
    });
}

/** `what` says which dimension, e.g. `inner dimension`. @throws GraphError `graph/shape-mismatch` */
export function requireDim(operator: string, what: string, found: Dim | undefined, expected: Dim | undefined): void {
  if (found !== expected)
    throw new GraphError("graph/shape-mismatch", `${operator}: ${what} is ${found ?? "missing"}, expected ${expected ?? "none"}`, {
      hint: FOLLOW_SHAPES,
    });
}
