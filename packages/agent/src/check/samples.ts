/**
 * A few values that cover a JSON Schema. In: a schema. Out: valid values, the same each time: every constant and branch, the ends of every
 * range, optional properties there and not there. Law: what comes out is valid, and `all` is said only where there is no other value.
 */
import { isJsonObject, type Json, type JsonObject, type JsonSchema } from "@orrery/chat";
import { intersect, problemOf } from "../schema.ts";

export interface Samples {
  readonly values: readonly Json[];
  /** Are these all the values there are? */
  readonly all: boolean;
}

/** Deeper than this, optional properties and further items are left out, so that recursive schemas end. */
const MAX_DEPTH = 4;

/** Texts for formats and the commonest patterns; those that the schema refuses fall out. */
const TEXTS = ["text", "1", "a", "2026-01-31", "2026-01-31T12:00:00Z", "12:00:00Z", "a@example.org", "https://example.org/", "a.txt", "/a"];

/** At most `max` values; none where none was found. */
export function samplesOf(schema: JsonSchema, max: number): Samples {
  const { values, all } = cover(schema, { root: schema, max }, 0);
  const valid = distinct(values).filter((value) => problemOf(schema, value) === undefined);
  return { values: valid.slice(0, max), all: all && valid.length <= max };
}

interface Within {
  readonly root: JsonSchema;
  readonly max: number;
}

const some = (...values: Json[]): Samples => ({ values, all: false });

function cover(schema: JsonSchema, within: Within, depth: number): Samples {
  const { $ref, enum: choices, anyOf = schema["oneOf"], allOf, type, ...rest } = schema;
  if (typeof $ref === "string") {
    const { $ref: _, ...beside } = schema;
    const both = depth > 2 * MAX_DEPTH ? false : intersect(resolved($ref, within.root), beside);
    return both === false ? some() : cover(both, within, depth + 1);
  }
  if (schema["const"] !== undefined) return { values: [schema["const"]], all: true };
  if (isList(choices)) return { values: choices, all: true };
  if (isList(allOf)) {
    const { allOf: _, ...beside } = schema;
    const merged = allOf.filter(isJsonObject).reduce<JsonSchema | false>((left, branch) => left && intersect(left, branch), beside);
    if (merged === false) return { values: [], all: true };
    const { allOf: left, ...flat } = merged;
    const found = cover(flat, within, depth);
    return left === undefined ? found : { ...found, all: false };
  }
  if (isList(anyOf)) {
    const { anyOf: _any, oneOf: _one, ...beside } = schema;
    const branches = anyOf.map((branch) => (isJsonObject(branch) ? intersect(beside, branch) : beside));
    return inTurn(branches.filter((branch) => branch !== false).map((branch) => cover(branch, within, depth)));
  }
  if (isList(type)) return inTurn(type.map((one) => cover({ ...schema, type: one }, within, depth)));
  switch (type ?? typeBehind(rest)) {
    case "object":
      return objects(schema, within, depth);
    case "array":
      return arrays(schema, within, depth);
    case "string":
      return strings(schema);
    case "integer":
      return numbers(schema, true);
    case "number":
      return numbers(schema, false);
    case "boolean":
      return { values: [false, true], all: true };
    case "null":
      return { values: [null], all: true };
    default:
      return some("text", 1, {});
  }
}

/** Keywords speak of one type; without a type any other would be valid too, which adds nothing here. */
function typeBehind(schema: JsonSchema): string | undefined {
  if ("properties" in schema || "required" in schema) return "object";
  if ("items" in schema || "prefixItems" in schema) return "array";
  if ("minLength" in schema || "maxLength" in schema || "pattern" in schema || "substringOf" in schema || "uniqueSubstringOf" in schema)
    return "string";
  return "minimum" in schema || "maximum" in schema ? "number" : undefined;
}

/** Each combination where they are few, else each value of each property at least once. */
function objects(schema: JsonSchema, within: Within, depth: number): Samples {
  const { properties, required, additionalProperties, patternProperties } = schema;
  const needed = new Set(isList(required) ? required : []);
  const fields = Object.entries(isJsonObject(properties) ? properties : {})
    .map(([name, of]) => {
      if (of === false || (!needed.has(name) && depth >= MAX_DEPTH)) return { name, values: [undefined], all: of === false };
      const { values, all } = cover(isJsonObject(of) ? of : {}, within, depth + 1);
      return { name, values: needed.has(name) ? values : [...values, undefined], all };
    })
    .concat([...needed].filter((name) => !isJsonObject(properties) || !(String(name) in properties)).map(missing));
  const combinations = fields.reduce((product, { values }) => product * values.length, 1);
  const closed = additionalProperties === false && patternProperties === undefined;
  if (combinations <= within.max) {
    const values = fields.reduce<JsonObject[]>(
      (made, { name, values: each }) => made.flatMap((object) => each.map((value) => withField(object, name, value))),
      [{}],
    );
    return { values, all: closed && fields.every(({ all }) => all) };
  }
  const rows = Math.max(...fields.map(({ values }) => values.length));
  return some(
    ...Array.from({ length: rows }, (_, row) =>
      fields.reduce<JsonObject>((object, { name, values }) => withField(object, name, values[row % values.length]), {}),
    ),
  );
}

function missing(name: Json): { name: string; values: Json[]; all: boolean } {
  return { name: String(name), values: ["text"], all: false };
}

function withField(object: JsonObject, name: string, value: Json | undefined): JsonObject {
  return value === undefined ? object : { ...object, [name]: value };
}

/** The shortest, one with each sample of an item, the longest if it is short. */
function arrays(schema: JsonSchema, within: Within, depth: number): Samples {
  const { items, prefixItems, minItems = 0, maxItems } = schema;
  const first = isList(prefixItems) ? prefixItems : [];
  const min = Number(minItems);
  const max = maxItems === undefined ? Infinity : Number(maxItems);
  const sampled = cover(isJsonObject(items) ? items : {}, within, depth + 1);
  const at = (i: number, shift: number): Json | undefined => {
    const of = first[i];
    const values = of === undefined ? sampled.values : cover(isJsonObject(of) ? of : {}, within, depth + 1).values;
    return values[(i + shift) % Math.max(1, values.length)];
  };
  const list = (length: number, shift: number): Json[] =>
    Array.from({ length }, (_, i) => at(i, shift)).filter((value) => value !== undefined);
  const lengths = depth >= MAX_DEPTH ? [min] : [min, Math.min(max, Math.max(1, min, first.length)), ...(max <= min + 3 ? [max] : [])];
  const shifts = Math.max(1, sampled.values.length);
  const values = [...new Set(lengths)].flatMap((length) => Array.from({ length: length === 0 ? 1 : shifts }, (_, i) => list(length, i)));
  return { values, all: max === 0 || (max === 1 && sampled.all && first.length === 0) };
}

function strings({ minLength = 0, maxLength, substringOf, uniqueSubstringOf, pattern, format }: JsonSchema): Samples {
  const text = uniqueSubstringOf ?? substringOf;
  if (typeof text === "string") return some(...(text === "" ? [] : [text, ...(/\w+/.exec(text) ?? [])]));
  const min = Number(minLength);
  const long = (length: number): string => "text".repeat(Math.ceil(length / 4)).slice(0, length);
  if (pattern !== undefined || format !== undefined) return some(...TEXTS, ...(min > 0 ? [long(min)] : []));
  if (maxLength === undefined) return some(min <= 4 ? "text" : long(min));
  const max = Number(maxLength);
  return { values: [long(min), long(Math.min(max, min + 64))], all: max === 0 };
}

/** Both ends of a range; where it is short, all of it. */
function numbers(schema: JsonSchema, whole: boolean): Samples {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  if (!whole && multipleOf === undefined) {
    const low = Number(minimum ?? exclusiveMinimum ?? Number(maximum ?? exclusiveMaximum ?? 1) - 1);
    const high = Number(maximum ?? exclusiveMaximum ?? low + 1);
    return some(low, high, (low + high) / 2);
  }
  const unit = typeof multipleOf === "number" ? multipleOf : 1;
  const above = exclusiveMinimum === undefined ? -Infinity : (Math.floor(Number(exclusiveMinimum) / unit) + 1) * unit;
  const below = exclusiveMaximum === undefined ? Infinity : (Math.ceil(Number(exclusiveMaximum) / unit) - 1) * unit;
  const from = Math.max(Math.ceil(Number(minimum ?? -Infinity) / unit) * unit, above);
  const to = Math.min(Math.floor(Number(maximum ?? Infinity) / unit) * unit, below);
  if (from > to) return { values: [], all: true };
  if (from === -Infinity) return to === Infinity ? some(unit, 0) : some(to);
  if (to === Infinity) return some(from, from + unit);
  const short = (to - from) / unit < 4;
  return short ? { values: Array.from({ length: (to - from) / unit + 1 }, (_, i) => from + i * unit), all: true } : some(from, to);
}

/** Values of several sources, taken in turn, so that a cut leaves some of each. */
function inTurn(sources: readonly Samples[]): Samples {
  const rows = Math.max(0, ...sources.map(({ values }) => values.length));
  const values = Array.from({ length: rows }, (_, row) => sources.flatMap((source) => source.values.slice(row, row + 1))).flat();
  return { values, all: sources.every(({ all }) => all) };
}

function distinct(values: readonly Json[]): Json[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}

function resolved(reference: string, root: JsonSchema): JsonSchema {
  const path = reference.replace(/^#\/?/, "").split("/").filter(Boolean);
  const found = path.reduce<Json | undefined>((at, name) => {
    const key = decodeURIComponent(name).replaceAll("~1", "/").replaceAll("~0", "~");
    return isJsonObject(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  }, root);
  return isJsonObject(found) ? found : {};
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}
