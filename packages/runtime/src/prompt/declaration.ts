/**
 * Tool declarations in the native syntax (Gemma 4, FunctionGemma). In: a ToolSpec. Out: segments. Law: only what the syntax has is written (description, enum of
 * strings, items, nullable, properties, required, type); everything else a schema says is enforced by the token mask, not told.
 */
import { isJsonObject, TOOL_NAME, type Json, type JsonObject, type JsonSchema, type ToolSpec } from "@orrery/chat";
import { PromptError } from "../errors.ts";
import { GEMMA4_FORMAT, type ChatFormat } from "./format.ts";
import type { SegmentWriter } from "./segments.ts";
import { MAX_VALUE_DEPTH, sortedEntries, writeString, writeValue } from "./value.ts";

/** What differs between the formats that declare tools so. */
export interface DeclarationSyntax {
  readonly format: ChatFormat;
  /** `optional` (Gemma 4): a property has a description, `nullable` and `properties` where its schema has. `fixed` (FunctionGemma): a
   *  description always, be it empty, the properties of an object always, and never `nullable`. */
  readonly fields: "optional" | "fixed";
}

const GEMMA4_SYNTAX: DeclarationSyntax = { format: GEMMA4_FORMAT, fields: "optional" };

/** `<|tool>declaration:NAME{…}<tool|>`. @throws PromptError `prompt/bad-tool-name`, `prompt/too-deep` */
export function writeDeclaration(out: SegmentWriter, tool: ToolSpec, syntax = GEMMA4_SYNTAX): void {
  checkToolName(tool.name, "a tool is named");
  const { toolOpen, toolClose, quote } = syntax.format;
  out.control(toolOpen).text(`declaration:${tool.name}{description:`);
  writeString(out, tool.description, quote);
  if (Object.keys(tool.input).length > 0) {
    const writer = new SchemaWriter(out, tool.input, syntax);
    out.text(",parameters:");
    writer.parameters();
  }
  out.text("}").control(toolClose);
}

/** @throws PromptError `prompt/bad-tool-name` */
export function checkToolName(name: string, said: string): void {
  if (TOOL_NAME.test(name)) return;
  throw new PromptError("prompt/bad-tool-name", `${said} ${JSON.stringify(name)}`, {
    hint: "letters, digits, '_', '-' and '.', at most 64",
  });
}

/** One `name:value` of a declaration. */
type Field = readonly [name: string, write: () => void];

/** Writes the schema of one tool. */
class SchemaWriter {
  readonly #out: SegmentWriter;
  readonly #root: JsonSchema;
  readonly #fixed: boolean;
  readonly #quote: string;

  constructor(out: SegmentWriter, root: JsonSchema, { format, fields }: DeclarationSyntax) {
    this.#out = out;
    this.#root = root;
    this.#fixed = fields === "fixed";
    this.#quote = format.quote;
  }

  parameters(): void {
    const input = lower(this.#root, this.#root, 0);
    const type = typeName(input);
    this.#fields([...this.#nested(input, 0), ...(type === "" ? [] : [["type", () => this.#string(type)] as const])]);
  }

  #string(text: string): void {
    writeString(this.#out, text, this.#quote);
  }

  #value(value: Json): void {
    writeValue(this.#out, value, this.#quote);
  }

  #fields(fields: readonly Field[]): void {
    this.#out.text("{");
    fields.forEach(([name, write], at) => {
      this.#out.text(`${at > 0 ? "," : ""}${name}:`);
      write();
    });
    this.#out.text("}");
  }

  /** A property: fixed order of fields, and a type always, be it empty. */
  #property(schema: JsonSchema, depth: number): void {
    const fields: Field[] = [];
    const { description, enum: choices, items } = schema;
    const type = typeName(schema);
    const described = typeof description === "string" ? description : "";
    if (this.#fixed || described !== "") fields.push(["description", () => this.#string(described)]);
    if (type === "STRING" && isFilledArray(choices)) fields.push(["enum", () => this.#value(choices)]);
    if (type === "ARRAY" && isJsonObject(items) && Object.keys(items).length > 0)
      fields.push(["items", () => this.#items(lower(items, this.#root, depth + 1), depth + 1)]);
    if (!this.#fixed && schema["nullable"] === true) fields.push(["nullable", () => this.#out.text("true")]);
    if (type === "OBJECT") fields.push(...this.#nested(schema, depth, this.#fixed));
    this.#fields([...fields, ["type", () => this.#string(type)]]);
  }

  /** The schema of a list's items: all keys in alphabetical order, those without a syntax of their own as plain values. */
  #items(schema: JsonSchema, depth: number): void {
    const fields: Field[] = [];
    for (const [key, value] of sortedEntries(schema)) {
      if (value === null || value === undefined) continue;
      if (key === "properties" && isJsonObject(value)) fields.push([key, () => this.#properties(value, depth)]);
      else if (key === "type") fields.push([key, () => this.#string(typeName(schema))]);
      else fields.push([key, () => this.#quoted(value)]);
    }
    this.#fields(fields);
  }

  /** `properties` and `required` of an object schema, each left out when empty, but for `properties` where `always`. */
  #nested(schema: JsonSchema, depth: number, always = false): Field[] {
    const { properties, required } = schema;
    const fields: Field[] = [];
    const known = isJsonObject(properties) ? properties : {};
    if (always || Object.keys(known).length > 0) fields.push(["properties", () => this.#properties(known, depth)]);
    if (isFilledArray(required)) fields.push(["required", () => this.#value(required)]);
    return fields;
  }

  #properties(properties: JsonObject, depth: number): void {
    const fields = sortedEntries(properties).map(([key, schema]): Field => {
      const property = isJsonObject(schema) ? lower(schema, this.#root, depth + 1) : {};
      return [key, () => this.#property(property, depth + 1)];
    });
    this.#fields(fields);
  }

  /** A generic value inside `items`, where the keys of objects stand between quotes. */
  #quoted(value: Json): void {
    if (!isJsonObject(value)) return this.#value(value);
    this.#out.text("{");
    sortedEntries(value)
      .filter(([, inner]) => inner !== undefined)
      .forEach(([key, inner], at) => {
        if (at > 0) this.#out.text(",");
        this.#string(key);
        this.#out.text(":");
        this.#quoted(inner ?? null);
      });
    this.#out.text("}");
  }
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
