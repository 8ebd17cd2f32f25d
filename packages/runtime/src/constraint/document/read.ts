/**
 * Places → nodes. Law: a place in a dynamic scope is read once; what lies inside a schema is read with it, what it refers to is read
 * later from a list, so that a chain of references of any length takes no stack.
 */
import type { Where } from "../where.ts";
import { Keywords, namesIn } from "./keywords.ts";
import type { Library } from "./library.ts";
import { badSchema, pointerOf } from "./limits.ts";
import type { SchemaNode } from "./node.ts";
import { isPlainObject } from "./plain.ts";
import type { Document, Place } from "./resource.ts";
import { Scope } from "./scope.ts";
import { Size } from "./size.ts";
import { splitFragment } from "./uri.ts";
import { Values } from "./values.ts";

type Building = { -readonly [K in keyof SchemaNode]: SchemaNode[K] };
/** Reads what lies at steps below the schema that is being read. */
type Below = (steps: readonly (string | number)[], value: unknown) => SchemaNode;

const COUNTS = ["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "maxContains", "minContains"] as const;
const BOUNDS = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"] as const;
const TEXTS = ["pattern", "format", "contentEncoding", "contentMediaType"] as const;
const QUOTED = ["substringOf", "uniqueSubstringOf"] as const;
const SCHEMAS = [
  ...(["contains", "additionalProperties", "propertyNames", "not", "if", "then", "else"] as const),
  ...(["unevaluatedItems", "unevaluatedProperties"] as const),
];
const LISTS = ["allOf", "anyOf", "oneOf"] as const;
const MAPS = ["properties", "patternProperties"] as const;

export class NodeReader {
  readonly #library: Library;
  readonly #values = new Values();
  readonly #size = new Size();
  readonly #nodes = new Map<Scope, Map<Document, Map<string, SchemaNode>>>();
  readonly #waiting: (() => void)[] = [];

  constructor(library: Library) {
    this.#library = library;
  }

  /** The root of the library and everything that can be reached from it. @throws ConstraintError */
  read(): SchemaNode {
    const root = this.#node(this.#library.root, Scope.outside(), 0);
    for (let next = this.#waiting.pop(); next; next = this.#waiting.pop()) next();
    return root;
  }

  #node(place: Place, from: Scope, depth: number): SchemaNode {
    const { subject, pointer } = place.resource.document.where;
    const where = { subject, pointer: pointer + place.pointer };
    const scope = from.enter(place.resource, where);
    const nodes = this.#nodesOf(scope, place.resource.document);
    const known = nodes.get(place.pointer);
    if (known) return known;
    this.#size.add(place.pointer, depth, where);
    const node = this.#read(place, scope, depth, where);
    nodes.set(place.pointer, node);
    return node;
  }

  #read(place: Place, scope: Scope, depth: number, where: Where): SchemaNode {
    const { resource, value } = place;
    if (typeof value === "boolean") return { where, always: value };
    if (!isPlainObject(value))
      throw badSchema(where, "a schema must be an object or a boolean", "hand over plain data, as JSON.parse gives it");
    const keywords = new Keywords(value, resource.dialect, where);
    if (resource.dialect.refAlone && keywords.has("$ref")) return { where, ref: this.#reference(keywords, "$ref", place, scope)! };
    const node: Building = { where };
    const child: Below = (steps, value) => {
      const pointer = place.pointer + pointerOf(steps);
      return this.#node({ resource: resource.document.resources.get(pointer) ?? resource, pointer, value }, scope, depth + 1);
    };
    this.#readScalars(node, keywords);
    this.#readValues(node, keywords);
    readApplicators(node, keywords, child);
    readItems(node, keywords, child);
    if (keywords.dialect.draft === "2019-09") hideContains(node);
    this.#readDependencies(node, keywords, child);
    for (const key of ["$id", "id", "$schema", "$anchor", "$dynamicAnchor"]) keywords.text(key);
    set(node, "ref", this.#reference(keywords, "$ref", place, scope));
    set(
      node,
      "dynamicRef",
      this.#reference(keywords, "$dynamicRef", place, scope) ?? this.#reference(keywords, "$recursiveRef", place, scope),
    );
    return node;
  }

  #readScalars(node: Building, keywords: Keywords): void {
    set(node, "types", keywords.types());
    for (const key of BOUNDS) if (!key.startsWith("exclusive") || keywords.dialect.draft !== "04") set(node, key, keywords.number(key));
    if (keywords.dialect.draft === "04") readFlaggedBounds(node, keywords);
    set(node, "multipleOf", keywords.positive("multipleOf"));
    for (const key of COUNTS) set(node, key, keywords.count(key));
    if (!keywords.has("contains")) {
      delete node.minContains;
      delete node.maxContains;
    }
    for (const key of TEXTS) set(node, key, keywords.text(key));
    if (node.format !== undefined && keywords.dialect.assertsFormat) node.assertsFormat = true;
    if (keywords.flag("uniqueItems") === true) node.uniqueItems = true;
  }

  #readValues(node: Building, keywords: Keywords): void {
    set(node, "required", keywords.names("required", this.#values));
    const list = keywords.list("enum");
    if (list) node.enum = list.map((value, i) => this.#values.take(value, () => keywords.at("enum", i)));
    if (keywords.has("const")) node.const = { value: this.#values.take(keywords.get("const"), () => keywords.at("const")) };
    for (const key of QUOTED) {
      const text = keywords.text(key);
      if (text !== undefined) node[key] = this.#values.text(text, () => keywords.at(key));
    }
    const source = keywords.text("copyFrom");
    if (source === undefined) return;
    if (source !== "conversation") throw badSchema(keywords.at("copyFrom"), `copyFrom must be "conversation"`);
    node.copyFrom = source;
  }

  /** `dependentRequired` and `dependentSchemas`, and the older `dependencies`, which are both; a name that has both keeps both. */
  #readDependencies(node: Building, keywords: Keywords, child: Below): void {
    const required = new Map<string, readonly string[]>();
    const schemas = new Map<string, SchemaNode>();
    for (const [name, value] of keywords.entries("dependentRequired") ?? []) {
      const where = keywords.at("dependentRequired", name);
      if (!Array.isArray(value)) throw badSchema(where, "must be a list of strings");
      required.set(name, namesIn(value, where, this.#values));
    }
    for (const [name, value] of keywords.entries("dependentSchemas") ?? []) schemas.set(name, child(["dependentSchemas", name], value));
    for (const [name, value] of keywords.entries("dependencies") ?? []) {
      const where = keywords.at("dependencies", name);
      if (Array.isArray(value)) required.set(name, [...new Set([...(required.get(name) ?? []), ...namesIn(value, where, this.#values)])]);
      else {
        const node = child(["dependencies", name], value);
        const other = schemas.get(name);
        schemas.set(name, other ? { where, allOf: [other, node] } : node);
      }
    }
    if (required.size > 0) node.dependentRequired = required;
    if (schemas.size > 0) node.dependentSchemas = schemas;
  }

  /** What a keyword refers to, read later. */
  #reference(keywords: Keywords, key: "$ref" | "$dynamicRef" | "$recursiveRef", from: Place, scope: Scope): (() => SchemaNode) | undefined {
    const reference = keywords.text(key);
    if (reference === undefined) return undefined;
    const place = this.#library.resolve(reference, from.resource, keywords.at(key));
    const target = key === "$ref" ? place : dynamic(place, key === "$recursiveRef" ? "" : anchorOf(reference), scope);
    const read = () => this.#node(target, scope, 0);
    this.#waiting.push(read);
    return read;
  }

  #nodesOf(scope: Scope, document: Document): Map<string, SchemaNode> {
    let documents = this.#nodes.get(scope);
    if (!documents) this.#nodes.set(scope, (documents = new Map()));
    let nodes = documents.get(document);
    if (!nodes) documents.set(document, (nodes = new Map()));
    return nodes;
  }
}

function set<K extends keyof SchemaNode>(node: Building, key: K, value: SchemaNode[K] | undefined): void {
  if (value !== undefined) node[key] = value as Building[K];
}

/** Where a dynamic reference leads: to the outermost place of its anchor, if it leads to such an anchor at all. */
function dynamic(place: Place, anchor: string, scope: Scope): Place {
  const isDynamic = place.resource.dynamicAnchors.get(anchor)?.pointer === place.pointer;
  return (isDynamic && scope.place(anchor)) || place;
}

function anchorOf(reference: string): string {
  return decodeURIComponent(splitFragment(reference).fragment);
}

/** Draft 04: `exclusiveMinimum: true` makes `minimum` exclusive. */
function readFlaggedBounds(node: Building, keywords: Keywords): void {
  for (const [exclusive, bound] of [["exclusiveMinimum", "minimum"] as const, ["exclusiveMaximum", "maximum"] as const]) {
    if (keywords.flag(exclusive) !== true || node[bound] === undefined) continue;
    node[exclusive] = node[bound];
    delete node[bound];
  }
}

function readApplicators(node: Building, keywords: Keywords, child: Below): void {
  for (const key of SCHEMAS) {
    if ((key === "then" || key === "else") && !keywords.has("if")) continue;
    if (keywords.has(key)) node[key] = child([key], keywords.get(key));
  }
  for (const key of LISTS) set(node, key, schemaList(keywords, key, child));
  for (const key of MAPS) {
    const entries = keywords.entries(key);
    if (entries) node[key] = new Map(entries.map(([name, value]) => [name, child([key, name], value)]));
  }
}

function schemaList(keywords: Keywords, key: string, child: Below): readonly SchemaNode[] | undefined {
  const list = keywords.list(key);
  if (list?.length === 0) throw badSchema(keywords.at(key), `\`${key}\` must not be empty`);
  return list?.map((value, i) => child([key, i], value));
}

/** Items by position, and those after them: `prefixItems` and `items`, or the older `items` list and `additionalItems`. */
function readItems(node: Building, keywords: Keywords, child: Below): void {
  const items = keywords.get("items");
  if (keywords.dialect.itemsList && Array.isArray(items)) {
    node.prefixItems = items.map((value: unknown, i) => child(["items", i], value));
    if (keywords.has("additionalItems")) node.items = child(["additionalItems"], keywords.get("additionalItems"));
    return;
  }
  set(node, "prefixItems", schemaList(keywords, "prefixItems", child));
  if (items !== undefined) node.items = child(["items"], items);
}

/** Draft 2019-09: items that `contains` meets still count as unevaluated, as they do below `not`. */
function hideContains(node: Building): void {
  const { where, contains, minContains, maxContains } = node;
  if (!contains) return;
  const hidden: Building = { where, contains };
  set(hidden, "minContains", minContains);
  set(hidden, "maxContains", maxContains);
  node.allOf = [...(node.allOf ?? []), { where, not: { where, not: hidden } }];
  delete node.contains;
  delete node.minContains;
  delete node.maxContains;
}
