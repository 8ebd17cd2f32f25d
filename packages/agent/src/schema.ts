/**
 * JSON Schema (draft 2020-12) at the boundary. In: a schema as data, and an input. Out: nothing, or one short sentence that a model
 * can act on. Law: a schema is compiled at most once while it lives; a keyword that is not understood is an error, never ignored.
 */
import { isJsonObject, type Json, type JsonObject, type JsonSchema } from "@orrery/chat";
import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import { AgentError, errorFacts } from "./errors.ts";
import { addExtensions } from "./extensions.ts";

// Unoptimised code: a schema that is narrowed is compiled for one check, and a plain one costs a microsecond more a check.
const ajv = addExtensions(
  new Ajv2020({
    strict: true,
    strictTypes: false,
    strictTuples: false,
    strictRequired: false,
    validateFormats: false,
    validateSchema: false,
    meta: false,
    code: { optimize: false },
  }),
);
const compiled = new WeakMap<JsonSchema, ValidateFunction>();

/** What is wrong with `input` under `schema`, or undefined when it is valid. @throws AgentError `agent/bad-schema` */
export function problemOf(schema: JsonSchema, input: unknown): string | undefined {
  const validate = compileSchema(schema);
  return validate(input) ? undefined : sentence(validate.errors?.[0]);
}

let meta: Ajv2020 | undefined;

/**
 * Checks a schema that a person wrote against the meta-schema of its draft (which takes tens of milliseconds to compile, so only
 * when there is one).
 * @throws AgentError `agent/bad-schema`
 */
export function requireDraft(schema: JsonSchema): void {
  meta ??= new Ajv2020({ strict: false, validateFormats: false });
  if (meta.validateSchema(schema) !== true) throw badSchema(meta.errorsText(meta.errors, { dataVar: "schema" }));
}

/** @throws AgentError `agent/bad-schema` when the schema cannot be compiled, or has a keyword that no one would check. */
export function compileSchema(schema: JsonSchema): ValidateFunction {
  const known = compiled.get(schema);
  if (known) return known;
  try {
    const validate = ajv.compile(schema);
    compiled.set(schema, validate);
    return validate;
  } catch (thrown) {
    throw badSchema(errorFacts(thrown, "agent/bad-schema").message, thrown);
  } finally {
    ajv.removeSchema(schema); // ajv would keep every narrowed schema of every decision; the WeakMap keeps those that live
  }
}

function badSchema(message: string, cause?: unknown): AgentError {
  return new AgentError("agent/bad-schema", message, {
    hint: "use JSON Schema draft 2020-12; a misspelt or unknown keyword is refused, because nothing would enforce it",
    cause,
  });
}

/** "unit: must be one of celsius, fahrenheit". Paths in the form that the call was written in: `items.2.name`. */
function sentence(error: ErrorObject | undefined): string {
  if (!error) return "the input is not valid";
  const path = error.instancePath.slice(1).replaceAll("/", ".").replaceAll("~1", "/").replaceAll("~0", "~");
  const { keyword, params } = error;
  const text =
    keyword === "enum"
      ? `must be one of ${list(params["allowedValues"])}`
      : keyword === "const"
        ? `must be ${JSON.stringify(params["allowedValue"])}`
        : keyword === "required"
          ? `'${params["missingProperty"]}' is missing`
          : keyword === "additionalProperties"
            ? `'${params["additionalProperty"]}' is not an argument`
            : (error.message ?? "is not valid");
  return path ? `${path}: ${text}` : text;
}

/** Long enums are cut: the sentence goes into a prompt. */
const MAX_LISTED = 20;
function list(values: unknown): string {
  const all = Array.isArray(values) ? values.map((value) => JSON.stringify(value)) : [];
  return all.length > MAX_LISTED ? `${all.slice(0, MAX_LISTED).join(", ")}, … (${all.length})` : all.join(", ");
}

const LARGER = new Set(["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"]);
const SMALLER = new Set(["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"]);

/**
 * The schema that accepts what both accept, as flat as it can be (its compilation is then quicker): bounds tighten, enums intersect,
 * properties merge, branches of the narrowing's `anyOf` each take the base in; what cannot be merged stands in an `allOf`. False when
 * nothing is left to choose from.
 */
export function intersect(base: JsonSchema, extra: JsonSchema): JsonSchema | false {
  const { anyOf, ...rest } = extra;
  const merged = mergeKeywords(base, rest);
  if (merged === false || anyOf === undefined) return merged;
  if (merged["anyOf"] !== undefined || merged["allOf"] !== undefined) return together(merged, { anyOf });
  const branches = isList(anyOf) ? anyOf.filter(isJsonObject).map((branch) => intersect(merged, branch)) : [];
  const possible = branches.filter((branch) => branch !== false);
  return possible.length === 0 ? false : possible.length === 1 ? possible[0]! : { anyOf: possible };
}

function mergeKeywords(base: JsonSchema, extra: JsonSchema): JsonSchema | false {
  const out: Record<string, Json | undefined> = { ...base };
  for (const [keyword, value] of Object.entries(extra)) {
    const old = out[keyword];
    if (value === undefined) continue;
    if (old === undefined || JSON.stringify(old) === JSON.stringify(value)) out[keyword] = value;
    else if (LARGER.has(keyword)) out[keyword] = Math.max(Number(old), Number(value));
    else if (SMALLER.has(keyword)) out[keyword] = Math.min(Number(old), Number(value));
    else if ((keyword === "enum" || keyword === "required") && isList(old) && isList(value)) out[keyword] = mergeLists(keyword, old, value);
    else if (keyword === "properties" && isJsonObject(old) && isJsonObject(value)) {
      const properties = mergeProperties(old, value);
      if (properties === false) return false;
      out[keyword] = properties;
    } else if (keyword === "type") {
      const types = mergeTypes(old, value);
      if (types.length === 0) return false;
      out[keyword] = types.length === 1 ? types[0] : types;
    } else if (keyword === "description") out[keyword] = value;
    else return together(base, extra);
  }
  return isEmpty(out) ? false : withoutDenied(out);
}

/**
 * Choices of a required property that a `not` about it alone refuses are no choices. Without this a call that is denied for all that it
 * could name would still be a move, and one that nothing satisfies.
 */
function withoutDenied(schema: JsonSchema): JsonSchema | false {
  const { properties, required, allOf } = schema;
  if (!isJsonObject(properties) || !isList(required)) return schema;
  const left = new Map(Object.entries(properties));
  for (const { not } of [schema, ...(isList(allOf) ? allOf.filter(isJsonObject) : [])]) {
    const denied = isJsonObject(not) ? onlyProperty(not) : undefined;
    const choices = denied && left.get(denied.name);
    if (!denied || !required.includes(denied.name) || !isJsonObject(choices) || !isList(choices["enum"])) continue;
    const allowed = choices["enum"].filter((choice) => problemOf(denied.schema, choice) !== undefined);
    if (allowed.length === 0) return false;
    left.set(denied.name, { ...choices, enum: allowed });
  }
  return { ...schema, properties: Object.fromEntries(left) };
}

/** The property that a schema speaks of, when it is one and the schema says nothing else. */
function onlyProperty({ properties, required, ...rest }: JsonSchema): { readonly name: string; readonly schema: JsonSchema } | undefined {
  const [entry, ...more] = Object.entries(isJsonObject(properties) ? properties : {});
  if (!entry || more.length > 0 || Object.keys(rest).length > 0) return undefined;
  const [name, schema] = entry;
  if (!isJsonObject(schema) || (required !== undefined && JSON.stringify(required) !== JSON.stringify([name]))) return undefined;
  return { name, schema };
}

function together(base: JsonSchema, extra: JsonSchema): JsonSchema {
  const all = base["allOf"];
  return { ...base, allOf: [...(isList(all) ? all : []), extra] };
}

/** The types that both allow; an integer is a number. */
function mergeTypes(old: Json, value: Json): Json[] {
  const [here, there] = [old, value].map((types) => (isList(types) ? types : [types])) as [readonly Json[], readonly Json[]];
  const also = (types: readonly Json[], type: Json): boolean => types.includes(type) || (type === "integer" && types.includes("number"));
  return [...new Set([...here.filter((type) => also(there, type)), ...there.filter((type) => also(here, type))])];
}

function mergeLists(keyword: "enum" | "required", old: readonly Json[], value: readonly Json[]): Json[] {
  const has = new Set(old.map((item) => JSON.stringify(item)));
  if (keyword === "enum") return value.filter((item) => has.has(JSON.stringify(item)));
  return [...old, ...value.filter((item) => !has.has(JSON.stringify(item)))];
}

function mergeProperties(old: JsonObject, value: JsonObject): JsonObject | false {
  const out = new Map(Object.entries(old));
  for (const [name, schema] of Object.entries(value)) {
    const before = out.get(name);
    if (schema === undefined || schema === true) continue;
    const both = isJsonObject(before) && isJsonObject(schema) ? intersect(before, schema) : schema;
    if (both === false || (isJsonObject(both) && isEmpty(both))) return false;
    out.set(name, both);
  }
  return Object.fromEntries(out);
}

/** `Array.isArray` does not narrow a union with readonly arrays. */
function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** True where an enum has nothing left, or a constant lies outside the enum. */
function isEmpty(schema: JsonSchema): boolean {
  const choices = schema["enum"];
  if (!isList(choices)) return false;
  const only = schema["const"];
  return choices.length === 0 || (only !== undefined && !choices.some((choice) => JSON.stringify(choice) === JSON.stringify(only)));
}
