/**
 * A server's schema as draft 2020-12. In: JSON Schema of any draft, with whatever else servers write into it. Out: the same set of values
 * in the words of 2020-12, descriptions cut. Law: a keyword that no draft has says nothing (as the standard has it) and goes; one that an
 * older draft has is said in the new words; what is too large or too deep is refused.
 */
import { isJsonObject, type Json, type JsonSchema } from "@orrery/chat";

/** A schema larger than this would fill a small model's context alone. */
const MAX_CHARACTERS = 20_000;
const MAX_DEPTH = 32;
const MAX_DESCRIPTION = 300;

const SCHEMA = [
  "not",
  "if",
  "then",
  "else",
  "contains",
  "additionalProperties",
  "propertyNames",
  "unevaluatedItems",
  "unevaluatedProperties",
];
const SCHEMAS = ["allOf", "anyOf", "oneOf", "prefixItems"];
const SCHEMA_MAP = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];
const PLAIN = (
  "$ref $anchor $dynamicRef $dynamicAnchor type enum const title default examples format pattern minLength maxLength minimum maximum " +
  "multipleOf minItems maxItems uniqueItems minContains maxContains minProperties maxProperties required dependentRequired " +
  "contentEncoding contentMediaType deprecated readOnly writeOnly $comment"
).split(" ");

/** Draft 7 and older: there, what stands beside `$ref` is not looked at. */
const OLD = /draft-0[34567]/;

/** @throws RangeError for a schema that is too large or too deep, TypeError for what is no schema */
export function toDraft2020(schema: unknown): JsonSchema {
  if (!isJsonObject(schema)) throw new TypeError("it is no object");
  const { length } = JSON.stringify(schema);
  if (length > MAX_CHARACTERS) throw new RangeError(`it has ${length} characters, at most ${MAX_CHARACTERS} are taken`);
  const { $schema } = schema;
  const made = translated(schema, typeof $schema === "string" && OLD.test($schema), MAX_DEPTH);
  return made as JsonSchema;
}

function translated(schema: Json | undefined, old: boolean, depth: number): Json {
  if (typeof schema === "boolean") return schema;
  if (!isJsonObject(schema)) throw new TypeError("a part of it is neither an object nor a boolean");
  if (depth === 0) throw new RangeError(`it is nested deeper than ${MAX_DEPTH} levels`);
  const inner = (value: Json | undefined): Json => translated(value, old, depth - 1);
  const out = new Map<string, Json>();
  for (const [key, value] of Object.entries(schema)) {
    if (value === undefined) continue;
    if (old && schema["$ref"] !== undefined && key !== "$ref" && key !== "definitions") continue;
    if (SCHEMA.includes(key)) out.set(key, inner(value));
    else if (SCHEMAS.includes(key)) out.set(key, listOf(value).map(inner));
    else if (SCHEMA_MAP.includes(key)) out.set(key, mapped(value, inner));
    else if (PLAIN.includes(key)) out.set(key, value);
    else if (key === "description") out.set(key, cut(value));
    else if (key === "items") items(value, schema["additionalItems"], inner, out);
    else if (key === "dependencies") dependencies(value, inner, out);
    else if (key === "exclusiveMinimum" || key === "exclusiveMaximum") exclusive(key, value, schema, out);
  }
  if (schema["exclusiveMinimum"] === true) out.delete("minimum");
  if (schema["exclusiveMaximum"] === true) out.delete("maximum");
  return Object.fromEntries(out);
}

/** A list was the first items, and `additionalItems` the rest; now they are `prefixItems` and `items`. */
function items(value: Json, rest: Json | undefined, inner: (value: Json) => Json, out: Map<string, Json>): void {
  if (!Array.isArray(value)) return void out.set("items", inner(value));
  if (value.length > 0) out.set("prefixItems", value.map(inner));
  if (rest !== undefined) out.set("items", inner(rest));
}

/** One keyword that was two: names that are then required, or a schema that then holds. */
function dependencies(value: Json, inner: (value: Json) => Json, out: Map<string, Json>): void {
  const entries = Object.entries(isJsonObject(value) ? value : {}).filter((entry): entry is [string, Json] => entry[1] !== undefined);
  const names = entries.filter(([, of]) => Array.isArray(of));
  const schemas = entries.filter(([, of]) => !Array.isArray(of)).map(([name, of]) => [name, inner(of)] as const);
  if (names.length > 0) out.set("dependentRequired", Object.fromEntries(names));
  if (schemas.length > 0) out.set("dependentSchemas", Object.fromEntries(schemas));
}

/** Draft 4 had a boolean beside the bound. */
function exclusive(key: "exclusiveMinimum" | "exclusiveMaximum", value: Json, schema: JsonSchema, out: Map<string, Json>): void {
  const bound = schema[key === "exclusiveMinimum" ? "minimum" : "maximum"];
  if (typeof value !== "boolean") out.set(key, value);
  else if (value && typeof bound === "number") out.set(key, bound);
}

function mapped(value: Json, inner: (value: Json | undefined) => Json): Json {
  if (!isJsonObject(value)) throw new TypeError("a part of it is no object");
  return Object.fromEntries(Object.entries(value).map(([name, of]) => [name, inner(of)]));
}

function listOf(value: Json): readonly Json[] {
  if (!Array.isArray(value)) throw new TypeError("a part of it is no list");
  return value as readonly Json[];
}

function cut(value: Json): Json {
  return typeof value === "string" && value.length > MAX_DESCRIPTION ? `${value.slice(0, MAX_DESCRIPTION)}…` : value;
}
