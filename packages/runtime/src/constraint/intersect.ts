/** The intersection of two shapes. In: shapes of one document. Out: the shape of the values that both hold, exactly. */
import type { Json } from "@orrery/chat";
import {
  accepts,
  any,
  array,
  choice,
  literals,
  never,
  number,
  object,
  string,
  type Bound,
  type ObjectShape,
  type Property,
  type Shape,
} from "./ir.ts";
import type { Budget } from "./limits.ts";

/** @throws ConstraintError `constraint/too-large` when the budget is spent */
export function intersect(a: Shape, b: Shape, budget: Budget): Shape {
  budget.take(b.at);
  if (b.kind === "any") return a;
  if (a.kind === "any") return b;
  if (a.kind === "choice")
    return choice(
      a.options.map((option) => intersect(option, b, budget)),
      a.at,
    );
  if (b.kind === "choice") return intersect(b, a, budget);
  const untyped = a.untyped && b.untyped;
  if (a.kind === "literals") return literals(accepted(a.values, b, budget), a.at, untyped);
  if (b.kind === "literals") return literals(accepted(b.values, a, budget), b.at, untyped);
  // An untyped shape's pointer says less than the place that gave the type.
  const at = a.untyped ? b.at : a.at;
  if (a.kind === "string" && b.kind === "string") return string(Math.max(a.min, b.min), Math.min(a.max, b.max), at, untyped);
  if (a.kind === "number" && b.kind === "number")
    return number(a.integer || b.integer, tighter(a.min, b.min, 1), tighter(a.max, b.max, -1), at, untyped);
  if (a.kind === "array" && b.kind === "array")
    return array(intersect(a.items, b.items, budget), Math.max(a.min, b.min), Math.min(a.max, b.max), at, untyped);
  if (a.kind === "object" && b.kind === "object") return object(members(a, b, budget), a.closed || b.closed, at, untyped);
  return never(at);
}

function accepted(values: readonly Json[], shape: Shape, budget: Budget): Json[] {
  return values.filter((value) => {
    // Two large enums meet in quadratic time: it counts like the shapes it would take to spell them out.
    if (shape.kind === "literals") budget.take(shape.at, Math.ceil(shape.values.length / LITERALS_PER_SHAPE));
    return accepts(shape, value);
  });
}

/** Comparisons of literals that cost about as much time as one intersection. */
const LITERALS_PER_SHAPE = 1_000;

function members(a: ObjectShape, b: ObjectShape, budget: Budget): Map<string, Property> {
  const merged = new Map<string, Property>();
  for (const name of new Set([...a.properties.keys(), ...b.properties.keys()])) {
    const one = a.properties.get(name) ?? undeclared(a);
    const other = b.properties.get(name) ?? undeclared(b);
    merged.set(name, { shape: intersect(one.shape, other.shape, budget), required: one.required || other.required });
  }
  return merged;
}

function undeclared(shape: ObjectShape): Property {
  return { shape: shape.closed ? never(shape.at) : any(shape.at), required: false };
}

/** The bound that leaves less; `sign` 1 for lower bounds, −1 for upper ones. */
function tighter(a: Bound | null, b: Bound | null, sign: 1 | -1): Bound | null {
  if (!a || !b) return a ?? b;
  if (a.value === b.value) return a.exclusive ? a : b;
  return (a.value - b.value) * sign > 0 ? a : b;
}
