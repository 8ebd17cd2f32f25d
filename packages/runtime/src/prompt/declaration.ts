/**
 * Tool declarations in Gemma 4's syntax. In: a ToolSpec. Out: segments. Law: only what the syntax has is written (description, enum of
 * strings, items, nullable, properties, required, type); everything else a schema says is enforced by the token mask, not told.
 */
import { isJsonObject, TOOL_NAME, type Json, type JsonObject, type JsonSchema, type ToolSpec } from "@orrery/chat";
import { PromptError } from "../errors.ts";
import { GEMMA4_FORMAT } from "./format.ts";
import type { SegmentWriter } from "./segments.ts";
import { MAX_VALUE_DEPTH, sortedEntries, writeString, writeValue } from "./value.ts";

/** `<|tool>declaration:NAME{…}<tool|>`. @throws PromptError `prompt/bad-tool-name`, `prompt/too-deep` */
export function writeDeclaration(out: SegmentWriter, tool: ToolSpec): void {
  if (!TOOL_NAME.test(tool.name))
    throw new PromptError("prompt/bad-tool-name", `a tool is named ${JSON.stringify(tool.name)}`, {
      hint: "letters, digits, '_', '-' and '.', at most 64",
    });
  out.control(GEMMA4_FORMAT.toolOpen).text(`declaration:${tool.name}{description:`);
  writeString(out, tool.description);
  if (Object.keys(tool.input).length > 0) {
    const input = lower(tool.input, tool.input, 0);
    out.text(",parameters:");
    writeFields(out, [...nested(input, tool.input, 0), ...typed(input)]);
  }
  out.text("}").control(GEMMA4_FORMAT.toolClose);
}

/** One `name:value` of a declaration. */
type Field = readonly [name: string, write: (out: SegmentWriter) => void];

function writeFields(out: SegmentWriter, fields: readonly Field[]): void {
  out.text("{");
  fields.forEach(([name, write], at) => {
    out.text(`${at > 0 ? "," : ""}${name}:`);
    write(out);
  });
  out.text("}");
}

/** A property: fixed order of fields, and a type always, be it empty. */
function writeProperty(out: SegmentWriter, schema: JsonSchema, root: JsonSchema, depth: number): void {
  const fields: Field[] = [];
  const { description, enum: choices, items } = schema;
  const type = typeName(schema);
  if (typeof description === "string" && description !== "") fields.push(["description", (o) => writeString(o, description)]);
  if (type === "STRING" && isFilledArray(choices)) fields.push(["enum", (o) => writeValue(o, choices)]);
  if (type === "ARRAY" && isJsonObject(items) && Object.keys(items).length > 0)
    fields.push(["items", (o) => writeItems(o, lower(items, root, depth + 1), root, depth + 1)]);
  if (schema["nullable"] === true) fields.push(["nullable", (o) => o.text("true")]);
  if (type === "OBJECT") fields.push(...nested(schema, root, depth));
  writeFields(out, [...fields, ["type", (o) => writeString(o, type)]]);
}

/** The schema of a list's items: all keys in alphabetical order, those without a syntax of their own as plain values. */
function writeItems(out: SegmentWriter, schema: JsonSchema, root: JsonSchema, depth: number): void {
  const fields: Field[] = [];
  for (const [key, value] of sortedEntries(schema)) {
    if (value === null || value === undefined) continue;
    if (key === "properties" && isJsonObject(value)) fields.push([key, (o) => writeProperties(o, value, root, depth)]);
    else if (key === "type") fields.push([key, (o) => writeString(o, typeName(schema))]);
    else fields.push([key, (o) => writeQuoted(o, value)]);
  }
  writeFields(out, fields);
}

/** `properties` and `required` of an object schema, each left out when empty. */
function nested(schema: JsonSchema, root: JsonSchema, depth: number): Field[] {
  const { properties, required } = schema;
  const fields: Field[] = [];
  if (isJsonObject(properties) && Object.keys(properties).length > 0)
    fields.push(["properties", (o) => writeProperties(o, properties, root, depth)]);
  if (isFilledArray(required)) fields.push(["required", (o) => writeValue(o, required)]);
  return fields;
}

function typed(schema: JsonSchema): Field[] {
  return typeName(schema) === "" ? [] : [["type", (o) => writeString(o, typeName(schema))]];
}

function writeProperties(out: SegmentWriter, properties: JsonObject, root: JsonSchema, depth: number): void {
  const fields = sortedEntries(properties).map(([key, schema]): Field => {
    const property = isJsonObject(schema) ? lower(schema, root, depth + 1) : {};
    return [key, (o) => writeProperty(o, property, root, depth + 1)];
  });
  writeFields(out, fields);
}

/** A generic value inside `items`, where the keys of objects stand between quotes. */
function writeQuoted(out: SegmentWriter, value: Json): void {
  if (!isJsonObject(value)) return writeValue(out, value);
  out.text("{");
  sortedEntries(value)
    .filter(([, inner]) => inner !== undefined)
    .forEach(([key, inner], at) => {
      if (at > 0) out.text(",");
      writeString(out, key);
      out.text(":");
      writeQuoted(out, inner ?? null);
    });
  out.text("}");
}

/**
 * A schema brought to what the syntax can say: references followed, null taken out of a union and told as `nullable`, of several
 * alternatives the first, a constant as a choice of one, and a type found where only its values are given. Plain schemas come back
 * unchanged.
 */
function lower(schema: JsonSchema, root: JsonSchema, depth: number): JsonSchema {
  if (depth > MAX_VALUE_DEPTH)
    throw new PromptError("prompt/too-deep", `a tool's schema has more than ${MAX_VALUE_DEPTH} levels`, {
      hint: "a recursive $ref cannot be declared",
    });
  const { $ref: reference, anyOf, oneOf, allOf, type, const: constant, ...rest } = schema;
  if (typeof reference === "string") {
    const target = resolve(reference, root);
    return target ? lower({ ...target, ...rest }, root, depth + 1) : rest;
  }
  const union = [anyOf, oneOf, allOf].find(isFilledArray);
  if (union && type === undefined) {
    const branches = union.filter(isJsonObject);
    const first = branches.find((branch) => branch["type"] !== "null") ?? {};
    const nullable = branches.some((branch) => branch["type"] === "null") ? { nullable: true } : {};
    return lower({ ...first, ...rest, ...nullable }, root, depth + 1);
  }
  if (Array.isArray(type)) {
    const named = type.find((one) => one !== "null") ?? "";
    return { ...rest, type: named, ...(type.includes("null") ? { nullable: true } : {}) };
  }
  const choices = constant === undefined ? schema["enum"] : [constant];
  if (type === undefined && isFilledArray(choices) && choices.every((choice) => typeof choice === "string"))
    return { ...rest, enum: choices, type: "string" };
  if (type === "string" && constant !== undefined) return { ...rest, type, enum: [constant] };
  return schema;
}

/** A local reference, `#/$defs/name`; undefined when it leads nowhere. */
function resolve(reference: string, root: JsonSchema): JsonSchema | undefined {
  if (!reference.startsWith("#")) return undefined;
  let at: Json | undefined = root;
  for (const step of reference.split("/").slice(1)) {
    const key = step.replaceAll("~1", "/").replaceAll("~0", "~");
    at = isJsonObject(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  }
  return isJsonObject(at) ? at : undefined;
}

function typeName(schema: JsonSchema): string {
  return typeof schema["type"] === "string" ? schema["type"].toUpperCase() : "";
}

function isFilledArray(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value) && value.length > 0;
}
