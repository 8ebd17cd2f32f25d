/**
 * Shapes: what a JSON value may be, free of any surface syntax. In: facts read from a schema. Out: normalised shapes.
 * Law: a shape holds exactly the values its schema allows; what no value satisfies is a choice without options.
 */
import type { Json, JsonObject } from "@orrery/chat";
import { isJsonObject } from "@orrery/chat";

interface Origin {
  /** JSON pointer of the schema the shape came from. */
  readonly at: string;
  /** True while no keyword has fixed the type: such a shape is refused unless an intersection fixes it. */
  readonly untyped: boolean;
}

/** Every value. Refused unless an intersection narrows it. */
export interface AnyShape extends Origin {
  readonly kind: "any";
}
/** One of these values. */
export interface LiteralsShape extends Origin {
  readonly kind: "literals";
  readonly values: readonly Json[];
}
/** A string of `min` … `max` code points. */
export interface StringShape extends Origin {
  readonly kind: "string";
  readonly min: number;
  readonly max: number;
}
export interface Bound {
  readonly value: number;
  readonly exclusive: boolean;
}
/** A finite number; bounds of an integer are inclusive integers. */
export interface NumberShape extends Origin {
  readonly kind: "number";
  readonly integer: boolean;
  readonly min: Bound | null;
  readonly max: Bound | null;
}
export interface ArrayShape extends Origin {
  readonly kind: "array";
  readonly items: Shape;
  readonly min: number;
  readonly max: number;
}
export interface Property {
  readonly shape: Shape;
  readonly required: boolean;
}
/** An object. Undeclared keys are legal values of an open one, but are never written. */
export interface ObjectShape extends Origin {
  readonly kind: "object";
  readonly properties: ReadonlyMap<string, Property>;
  readonly closed: boolean;
}
/** A value of any of the options; without options, no value at all. */
export interface ChoiceShape extends Origin {
  readonly kind: "choice";
  readonly options: readonly Shape[];
}
export type Shape = AnyShape | LiteralsShape | StringShape | NumberShape | ArrayShape | ObjectShape | ChoiceShape;

export const any = (at: string): Shape => ({ kind: "any", at, untyped: true });
export const never = (at: string): Shape => ({ kind: "choice", options: [], at, untyped: false });
export const isNever = (shape: Shape): boolean => shape.kind === "choice" && shape.options.length === 0;

export function literals(values: readonly Json[], at: string, untyped = false): Shape {
  return values.length === 0 ? never(at) : { kind: "literals", values, at, untyped };
}

export function string(min: number, max: number, at: string, untyped = false): Shape {
  return min > max ? never(at) : { kind: "string", min, max, at, untyped };
}

export function number(integer: boolean, min: Bound | null, max: Bound | null, at: string, untyped = false): Shape {
  const low = integer && min ? { value: min.exclusive ? Math.floor(min.value) + 1 : Math.ceil(min.value), exclusive: false } : min;
  const high = integer && max ? { value: max.exclusive ? Math.ceil(max.value) - 1 : Math.floor(max.value), exclusive: false } : max;
  if (low && high && (low.value > high.value || (low.value === high.value && (low.exclusive || high.exclusive)))) return never(at);
  return { kind: "number", integer, min: low, max: high, at, untyped };
}

export function array(items: Shape, min: number, max: number, at: string, untyped = false): Shape {
  const most = isNever(items) ? 0 : max;
  return min > most ? never(at) : { kind: "array", items, min, max: most, at, untyped };
}

export function object(properties: ReadonlyMap<string, Property>, closed: boolean, at: string, untyped = false): Shape {
  for (const { shape, required } of properties.values()) if (required && isNever(shape)) return never(at);
  return { kind: "object", properties, closed, at, untyped };
}

/** The union, flattened; a shape that occurs twice counts once, so that shared definitions cannot multiply. */
export function choice(options: readonly Shape[], at: string): Shape {
  const flat = [...new Set(options.flatMap((option) => (option.kind === "choice" ? option.options : [option])))];
  const first = flat[0];
  if (!first) return never(at);
  return (
    flat.find((option) => option.kind === "any") ?? (flat.length === 1 ? first : { kind: "choice", options: flat, at, untyped: false })
  );
}

/** Does the shape hold this value? Numbers as JavaScript reads them. */
export function accepts(shape: Shape, value: Json): boolean {
  switch (shape.kind) {
    case "any":
      return true;
    case "choice":
      return shape.options.some((option) => accepts(option, value));
    case "literals":
      return shape.values.some((one) => equal(one, value));
    case "string": {
      if (typeof value !== "string") return false;
      const length = codePoints(value);
      return shape.min <= length && length <= shape.max;
    }
    case "number":
      if (typeof value !== "number" || (shape.integer && !Number.isInteger(value))) return false;
      if (shape.min && (shape.min.exclusive ? value <= shape.min.value : value < shape.min.value)) return false;
      return !(shape.max && (shape.max.exclusive ? value >= shape.max.value : value > shape.max.value));
    case "array":
      if (!Array.isArray(value) || value.length < shape.min || value.length > shape.max) return false;
      return value.every((item: Json) => accepts(shape.items, item));
    case "object":
      return isJsonObject(value) && acceptsObject(shape, value);
  }
}

function acceptsObject(shape: ObjectShape, value: JsonObject): boolean {
  for (const [name, { required }] of shape.properties) if (required && !Object.hasOwn(value, name)) return false;
  return Object.entries(value).every(([name, item]) => {
    const property = shape.properties.get(name);
    return property ? item !== undefined && accepts(property.shape, item) : !shape.closed;
  });
}

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

function equal(a: Json, b: Json): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item: Json, i) => equal(item, b[i] as Json));
  if (!isJsonObject(a) || !isJsonObject(b)) return false;
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every((name) => Object.hasOwn(b, name) && equal(a[name] as Json, b[name] as Json));
}
