/**
 * A document → its resources: what `$id` opens, which dialect holds there, where its anchors are.
 * In: a schema as plain data, perhaps hostile. Law: only places that the dialect calls schemas identify anything; the walk is
 * iterative, and bounded in depth and count, so that no document can make it fail otherwise than with a typed error.
 */
import type { JsonObject } from "@orrery/chat";
import type { Where } from "../where.ts";
import type { Dialect } from "./dialect.ts";
import { listed } from "./keywords.ts";
import { badSchema, below, pointerOf } from "./limits.ts";
import { isPlainObject } from "./plain.ts";
import { resolve, Size } from "./size.ts";
import { splitFragment } from "./uri.ts";

/** What was handed in, or found in one of the remotes. */
export interface Document {
  /** Its root as messages name it: pointer "" for the schema that was given, "https://example.com/address#" for another one. */
  readonly where: Where;
  /** Resources by the pointer of their root; the root of the document is one. */
  readonly resources: ReadonlyMap<string, Resource>;
}

/** A part of a document with a URI of its own. */
export interface Resource {
  readonly document: Document;
  /** Without fragment; "" when nothing names it. */
  readonly uri: string;
  /** Of its root, from the root of the document. */
  readonly pointer: string;
  readonly value: unknown;
  readonly dialect: Dialect;
  /** By name; null for a name that two places have. */
  readonly anchors: ReadonlyMap<string, Place | null>;
  /** Those of `anchors` that a `$dynamicRef` may be led to, and "" for `$recursiveAnchor`. */
  readonly dynamicAnchors: ReadonlyMap<string, Place>;
}

/** A place in a document that is meant to be a schema. */
export interface Place {
  readonly resource: Resource;
  /** From the root of the document. */
  readonly pointer: string;
  readonly value: unknown;
}

/** Keywords that hold schemas. A list where one is expected, and the other way round, is for the reader to refuse. */
const IN_PLACE = new Set(
  "items additionalItems contains additionalProperties propertyNames not if then else unevaluatedItems unevaluatedProperties contentSchema".split(
    " ",
  ),
);
const IN_LIST = new Set(["prefixItems", "items", "allOf", "anyOf", "oneOf"]);
const IN_MAP = new Set(["properties", "patternProperties", "dependentSchemas", "dependencies", "$defs", "definitions"]);

interface Visit {
  readonly value: unknown;
  readonly pointer: string;
  readonly depth: number;
  readonly resource: Open;
  readonly parent: Visit | undefined;
}

/** A resource while its anchors are collected. */
interface Open extends Resource {
  readonly anchors: Map<string, Place | null>;
  readonly dynamicAnchors: Map<string, Place>;
}

export interface DocumentOptions {
  readonly where: Where;
  /** The URI that the document was asked for by. */
  readonly uri: string;
  /** The dialect where `$schema` says nothing. */
  readonly dialect: Dialect;
  readonly dialectOf: (schema: string, where: Where) => Dialect;
}

/** Every resource of a document. @throws ConstraintError `constraint/too-deep`, `constraint/too-large`, `constraint/bad-schema` */
export function openDocument(value: unknown, options: DocumentOptions): Document {
  const resources = new Map<string, Resource>();
  const document: Document = { where: options.where, resources };
  const outside = open(document, options.uri, "", value, options.dialect);
  const stack: Visit[] = [{ value, pointer: "", depth: 0, resource: outside, parent: undefined }];
  const size = new Size();
  for (let visit = stack.pop(); visit; visit = stack.pop()) {
    const { value, pointer, depth } = visit;
    if (!isPlainObject(value) && pointer !== "") continue;
    const where = { subject: options.where.subject, pointer: options.where.pointer + pointer };
    size.add(pointer, depth, where);
    const resource = identify(visit, document, options, where);
    if (resource !== visit.resource) resources.set(pointer, resource);
    if (!isPlainObject(value)) continue;
    for (let above = visit.parent; above; above = above.parent)
      if (above.value === value) throw badSchema(where, "an object that contains itself is not JSON", "use `$ref` for recursion");
    collectAnchors(value, { resource, pointer, value });
    for (const [steps, child] of subschemas(value, resource.dialect, where))
      stack.push({ value: child, pointer: pointer + pointerOf(steps), depth: depth + 1, resource, parent: visit });
  }
  return document;
}

/** The resource that a place belongs to: a new one when it has an identifier, or is the root of the document. */
function identify(visit: Visit, document: Document, options: DocumentOptions, where: Where): Open {
  const { value, pointer, resource } = visit;
  const isRoot = pointer === "";
  if (!isPlainObject(value)) return open(document, options.uri, pointer, value, options.dialect);
  const named = isRoot || text(value, "$id") !== undefined || text(value, "id") !== undefined;
  const schema = named ? text(value, "$schema") : undefined;
  const dialect = schema === undefined ? resource.dialect : options.dialectOf(schema, below(where, "$schema"));
  const id = text(value, dialect.id);
  const overridden = dialect.refAlone && Object.hasOwn(value, "$ref") && !isRoot;
  const uri = id === undefined || overridden ? "" : splitFragment(id).uri;
  if (uri === "" && !isRoot) return resource;
  return open(document, resolve(resource.uri, uri, below(where, dialect.id)), pointer, value, dialect);
}

function open(document: Document, uri: string, pointer: string, value: unknown, dialect: Dialect): Open {
  return { document, uri, pointer, value, dialect, anchors: new Map(), dynamicAnchors: new Map() };
}

function collectAnchors(schema: JsonObject, place: Place & { readonly resource: Open }): void {
  const { anchors, dynamicAnchors, dialect } = place.resource;
  const name = (anchor: string | undefined) => {
    if (anchor) anchors.set(anchor, anchors.has(anchor) ? null : place);
  };
  if (dialect.refAlone) {
    const { fragment } = splitFragment(text(schema, dialect.id) ?? "");
    // A fragment that begins with '/' repeats the place's pointer, as some generators do.
    if (!fragment.startsWith("/") && !Object.hasOwn(schema, "$ref")) name(fragment);
    return;
  }
  const dynamic = dialect.keywords.has("$dynamicAnchor") ? text(schema, "$dynamicAnchor") : undefined;
  const plain = dialect.keywords.has("$anchor") ? text(schema, "$anchor") : undefined;
  name(plain);
  if (dynamic !== plain) name(dynamic);
  if (dynamic) dynamicAnchors.set(dynamic, place);
  if (dialect.keywords.has("$recursiveAnchor") && schema["$recursiveAnchor"] === true && place.pointer === place.resource.pointer)
    dynamicAnchors.set("", place);
}

/** The places below a schema that the dialect calls schemas. */
function subschemas(schema: JsonObject, dialect: Dialect, where: Where): [steps: (string | number)[], value: unknown][] {
  const found: [(string | number)[], unknown][] = [];
  for (const key of Object.keys(schema)) {
    if (!dialect.keywords.has(key)) continue;
    const value: unknown = schema[key];
    if (IN_LIST.has(key) && Array.isArray(value))
      for (const [i, item] of listed(value, below(where, key)).entries()) found.push([[key, i], item]);
    else if (IN_MAP.has(key) && isPlainObject(value)) for (const name of Object.keys(value)) found.push([[key, name], value[name]]);
    else if (IN_PLACE.has(key)) found.push([[key], value]);
  }
  return found;
}

function text(schema: JsonObject, key: string): string | undefined {
  const value = Object.hasOwn(schema, key) ? schema[key] : undefined;
  return typeof value === "string" ? value : undefined;
}
