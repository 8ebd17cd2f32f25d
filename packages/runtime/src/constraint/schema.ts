/**
 * JSON Schema (draft 2020-12) → shape. In: a schema as plain data, perhaps hostile. Out: a shape that holds exactly its values.
 * Law: a keyword is compiled exactly, is an annotation, or is an error with a JSON pointer. Nothing is ignored.
 */
import { isJsonObject, type Json, type JsonObject } from "@orrery/chat";
import { ConstraintError } from "../errors.ts";
import { any, array, choice, isNever, literals, never, number, object, string, type Bound, type Property, type Shape } from "./ir.ts";
import { intersect } from "./intersect.ts";
import { Budget, MAX_DEPTH } from "./limits.ts";

/** Keywords that assert nothing. `$defs` is read through `$ref`; formats are not here: they are refused. */
const ANNOTATIONS = new Set(
  "$schema $id $comment $anchor $defs definitions title description default examples deprecated readOnly writeOnly".split(" "),
);
const STRING_KEYS = ["minLength", "maxLength"];
const NUMBER_KEYS = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"];
const ARRAY_KEYS = ["items", "minItems", "maxItems"];
const OBJECT_KEYS = ["properties", "required", "additionalProperties"];
const TYPED_KEYS = [...STRING_KEYS, ...NUMBER_KEYS, ...ARRAY_KEYS, ...OBJECT_KEYS];
const COMPILED = new Set([...TYPED_KEYS, "type", "const", "enum", "anyOf", "oneOf", "allOf", "$ref"]);
const TYPES = ["null", "boolean", "integer", "number", "string", "array", "object"];

/**
 * Compiles a schema. `subject` names it in messages, e.g. "tool 'add'".
 * @throws ConstraintError `constraint/unsupported`, `constraint/bad-schema`, `constraint/too-large`, `constraint/too-deep`
 */
export function compileSchema(schema: Json, subject: string): Shape {
  return new SchemaCompiler(schema, subject).compile();
}

/**
 * The shape itself, once every place in it has a type.
 * @throws ConstraintError `constraint/unsupported`: a place that allows every type cannot be written exactly
 */
export function requireTyped(shape: Shape, subject: string): Shape {
  const seen = new Set<Shape>();
  const visit = (one: Shape): void => {
    if (seen.has(one)) return;
    seen.add(one);
    if (one.untyped)
      throw new ConstraintError("constraint/unsupported", `${subject}: the schema at '${one.at}' allows values of every type`, {
        pointer: one.at,
        hint: "give it a `type`, an `enum` or a `const`; a required name must be declared in `properties`",
      });
    if (one.kind === "choice") one.options.forEach(visit);
    if (one.kind === "array" && one.max > 0) visit(one.items);
    if (one.kind === "object") for (const property of one.properties.values()) visit(property.shape);
  };
  visit(shape);
  return shape;
}

class SchemaCompiler {
  readonly #root: Json;
  readonly #subject: string;
  readonly #budget: Budget;
  /** Schemas on the way from the root to here: meeting one again is recursion. */
  readonly #open = new Set<Json>();
  /** Shapes of the targets of references: a shared definition is compiled once. */
  readonly #shapes = new Map<Json, Shape>();

  constructor(root: Json, subject: string) {
    this.#root = root;
    this.#subject = subject;
    this.#budget = new Budget(subject);
  }

  compile(): Shape {
    return this.#schema(this.#root, "", 0);
  }

  #schema(schema: Json | undefined, at: string, depth: number): Shape {
    this.#budget.take(at);
    if (depth > MAX_DEPTH) this.#fail("too-deep", `nested more than ${MAX_DEPTH} levels`, at, "flatten the schema");
    if (schema === true) return any(at);
    if (schema === false) return never(at);
    if (!isJsonObject(schema)) return this.#bad(at, "a schema must be an object or a boolean");
    if (this.#open.has(schema)) return this.#unsupported(at, "a schema that contains itself", "replace the recursion by a bounded nesting");
    this.#open.add(schema);
    this.#checkKeywords(schema, at);

    // Literals first: they are filtered by the rest instead of being multiplied with it.
    const parts: Shape[] = [];
    if (Object.hasOwn(schema, "const")) parts.push(literals([this.#literal(schema["const"], `${at}/const`, depth)], at));
    if (Object.hasOwn(schema, "enum")) {
      const values = this.#list(schema["enum"], `${at}/enum`);
      parts.push(
        literals(
          values.map((value, i) => this.#literal(value, `${at}/enum/${i}`, depth)),
          at,
        ),
      );
    }
    parts.push(this.#typed(schema, at, depth));
    if (Object.hasOwn(schema, "$ref")) parts.push(this.#reference(schema["$ref"], `${at}/$ref`, depth));
    if (Object.hasOwn(schema, "anyOf")) parts.push(choice(this.#branches(schema, "anyOf", at, depth), at));
    if (Object.hasOwn(schema, "oneOf")) parts.push(this.#oneOf(this.#branches(schema, "oneOf", at, depth), `${at}/oneOf`));
    if (Object.hasOwn(schema, "allOf")) parts.push(...this.#branches(schema, "allOf", at, depth));
    this.#open.delete(schema);
    return parts.reduce((all, part) => intersect(all, part, this.#budget));
  }

  #checkKeywords(schema: JsonObject, at: string): void {
    for (const key of Object.keys(schema)) {
      const value = schema[key];
      if (COMPILED.has(key)) continue;
      if (key === "uniqueItems" && value === false) continue;
      if (key === "$id" && at !== "") this.#unsupported(`${at}/$id`, "'$id' below the root", "move it to the root or remove it");
      if (!ANNOTATIONS.has(key))
        this.#unsupported(`${at}/${escape(key)}`, `the keyword '${key}'`, "remove it here and check the value when the tool runs");
    }
  }

  /** What `type` and the keywords of single types say. */
  #typed(schema: JsonObject, at: string, depth: number): Shape {
    const has = (keys: readonly string[]) => keys.some((key) => Object.hasOwn(schema, key));
    const untyped = !Object.hasOwn(schema, "type");
    if (untyped && !has(TYPED_KEYS)) return any(at);
    const types = untyped ? TYPES.filter((type) => type !== "integer") : this.#types(schema["type"], `${at}/type`);
    const shapes = types.map((type): Shape => {
      switch (type) {
        case "null":
          return literals([null], at, untyped);
        case "boolean":
          return literals([true, false], at, untyped);
        case "string":
          return string(this.#count(schema, "minLength", at, 0), this.#count(schema, "maxLength", at, Infinity), at, untyped);
        case "array":
          return array(
            Object.hasOwn(schema, "items") ? this.#schema(schema["items"], `${at}/items`, depth + 1) : any(at),
            this.#count(schema, "minItems", at, 0),
            this.#count(schema, "maxItems", at, Infinity),
            at,
            untyped,
          );
        case "object":
          return this.#object(schema, at, depth, untyped);
        default: {
          const min = stricter(this.#bound(schema, "minimum", at), this.#bound(schema, "exclusiveMinimum", at), 1);
          const max = stricter(this.#bound(schema, "maximum", at), this.#bound(schema, "exclusiveMaximum", at), -1);
          return number(type === "integer", min, max, at, untyped);
        }
      }
    });
    return choice(shapes, at);
  }

  #object(schema: JsonObject, at: string, depth: number, untyped: boolean): Shape {
    const properties = new Map<string, Property>();
    const declared = schema["properties"] ?? {};
    if (!isJsonObject(declared)) return this.#bad(`${at}/properties`, "`properties` must be an object");
    const required = new Set<string>();
    for (const name of this.#list(schema["required"] ?? [], `${at}/required`)) {
      if (typeof name !== "string") return this.#bad(`${at}/required`, "`required` must be a list of strings");
      required.add(name);
    }
    for (const name of Object.keys(declared)) {
      const pointer = `${at}/properties/${escape(name)}`;
      this.#checkName(name, pointer);
      properties.set(name, { shape: this.#schema(declared[name], pointer, depth + 1), required: required.has(name) });
    }
    const rest = schema["additionalProperties"];
    const open = rest === undefined || rest === true || (isJsonObject(rest) && Object.keys(rest).length === 0);
    if (!open && rest !== false) {
      if (!isJsonObject(rest)) return this.#bad(`${at}/additionalProperties`, "a schema must be an object or a boolean");
      return this.#unsupported(
        `${at}/additionalProperties`,
        "a schema for undeclared properties",
        "declare the properties, or use an array of key/value objects",
      );
    }
    for (const name of required) {
      if (properties.has(name)) continue;
      const pointer = `${at}/required`;
      this.#checkName(name, pointer);
      properties.set(name, { shape: open ? any(pointer) : never(pointer), required: true });
    }
    return object(properties, !open, at, untyped);
  }

  #oneOf(branches: readonly Shape[], at: string): Shape {
    // Exactly one of disjoint branches is any of them; for overlapping ones the overlap would have to be cut out.
    branches.forEach((branch, i) => {
      const other = branches.slice(0, i).findIndex((earlier) => !isNever(intersect(earlier, branch, this.#budget)));
      if (other >= 0)
        this.#unsupported(at, `oneOf whose branches ${other} and ${i} may overlap`, "use anyOf, or give the branches a const that differs");
    });
    return choice(branches, at);
  }

  #branches(schema: JsonObject, key: string, at: string, depth: number): Shape[] {
    const list = this.#list(schema[key], `${at}/${key}`);
    if (list.length === 0) return this.#bad(`${at}/${key}`, `\`${key}\` must not be empty`);
    return list.map((branch, i) => this.#schema(branch, `${at}/${key}/${i}`, depth + 1));
  }

  #reference(reference: Json | undefined, at: string, depth: number): Shape {
    if (typeof reference !== "string") return this.#bad(at, "`$ref` must be a string");
    if (reference !== "#" && !reference.startsWith("#/"))
      return this.#unsupported(at, `the reference '${reference}'`, "only local references (#/$defs/…) are followed");
    let target: Json | undefined = this.#root;
    for (const part of reference.split("/").slice(1)) {
      const name = unescape(part);
      target =
        name !== undefined && typeof target === "object" && target !== null && Object.hasOwn(target, name)
          ? (target as JsonObject)[name]
          : undefined;
    }
    if (target === undefined) return this.#bad(at, `the reference '${reference}' points nowhere`);
    const known = this.#shapes.get(target);
    if (known) return known;
    if (this.#open.has(target))
      return this.#unsupported(at, `the recursive reference '${reference}'`, "replace the recursion by a bounded nesting");
    const shape = this.#schema(target, reference.slice(1), depth + 1);
    this.#shapes.set(target, shape);
    return shape;
  }

  /** Validators take what every object inherits for a property that is present. */
  #checkName(name: string, at: string): void {
    if (name in Object.prototype)
      this.#unsupported(at, `a property named '${name}'`, "rename it: every JavaScript object inherits this name");
  }

  /** A JSON value, bounded in depth and size. */
  #literal(value: Json | undefined, at: string, depth: number): Json {
    if (depth > MAX_DEPTH) this.#fail("too-deep", `nested more than ${MAX_DEPTH} levels`, at, "flatten the value");
    this.#budget.takeLiteral(at, typeof value === "string" ? value.length : 1);
    if (value === undefined || (typeof value === "number" && !Number.isFinite(value))) return this.#bad(at, "not a JSON value");
    if (Array.isArray(value)) value.forEach((item: Json, i) => this.#literal(item, `${at}/${i}`, depth + 1));
    else if (isJsonObject(value))
      for (const name of Object.keys(value)) {
        this.#checkName(name, at);
        this.#budget.takeLiteral(at, name.length);
        this.#literal(value[name], `${at}/${escape(name)}`, depth + 1);
      }
    return value;
  }

  #types(value: Json | undefined, at: string): readonly string[] {
    const list = typeof value === "string" ? [value] : this.#list(value, at);
    const types = new Set<string>();
    for (const type of list) {
      if (typeof type !== "string" || !TYPES.includes(type)) return this.#bad(at, `unknown type ${JSON.stringify(type)}`);
      types.add(type);
    }
    if (types.size === 0) return this.#bad(at, "`type` must not be an empty list");
    if (types.has("number")) types.delete("integer");
    return [...types];
  }

  #list(value: Json | undefined, at: string): readonly Json[] {
    return Array.isArray(value) ? value : this.#bad(at, "expected a list");
  }

  #count(schema: JsonObject, key: string, at: string, absent: number): number {
    if (!Object.hasOwn(schema, key)) return absent;
    const value = schema[key];
    if (typeof value !== "number" || !Number.isInteger(value) || value < 0)
      return this.#bad(`${at}/${key}`, `\`${key}\` must be a non-negative integer`);
    return value;
  }

  #bound(schema: JsonObject, key: string, at: string): Bound | null {
    if (!Object.hasOwn(schema, key)) return null;
    const value = schema[key];
    if (typeof value !== "number" || !Number.isFinite(value)) return this.#bad(`${at}/${key}`, `\`${key}\` must be a number`);
    return { value, exclusive: key.startsWith("exclusive") };
  }

  #unsupported(at: string, what: string, hint: string): never {
    return this.#fail("unsupported", `${what} cannot be compiled exactly`, at, hint);
  }

  #bad(at: string, what: string): never {
    return this.#fail("bad-schema", what, at, "correct the schema");
  }

  #fail(code: string, what: string, pointer: string, hint: string): never {
    throw new ConstraintError(`constraint/${code}`, `${this.#subject}: at '${pointer}': ${what}`, { pointer, hint });
  }
}

function stricter(inclusive: Bound | null, exclusive: Bound | null, sign: 1 | -1): Bound | null {
  if (!inclusive || !exclusive) return inclusive ?? exclusive;
  return (inclusive.value - exclusive.value) * sign > 0 ? inclusive : exclusive;
}

/** A name as one step of a JSON pointer. */
function escape(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

function unescape(part: string): string | undefined {
  try {
    return decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
  } catch {
    return undefined;
  }
}
