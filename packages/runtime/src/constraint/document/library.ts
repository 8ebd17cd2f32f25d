/**
 * References → places. In: the schema that was given, the remotes, the official metaschemas. Out: the place that a `$ref` means,
 * or an error that says why there is none. Law: nothing is fetched; a document is opened when something refers to it.
 */
import { isJsonObject, type Json } from "@orrery/chat";
import type { Where } from "../where.ts";
import { dialectOfDraft, dialectOfVocabularies, officialDialect, type Dialect } from "./dialect.ts";
import { badSchema, MAX_POINTER_STEPS, pointerOf, schemaError } from "./limits.ts";
import { METASCHEMAS } from "./metaschemas.ts";
import { isPlainObject } from "./plain.ts";
import type { SchemaOptions } from "./node.ts";
import { openDocument, type Place, type Resource } from "./resource.ts";
import { resolve } from "./size.ts";
import { splitFragment } from "./uri.ts";

export class Library {
  /** The schema that was given. */
  readonly root: Place;
  readonly #subject: string;
  readonly #remotes: ReadonlyMap<string, Json>;
  readonly #dialect: Dialect;
  /** By URI; null for one that two places of a document claim. */
  readonly #resources = new Map<string, Resource | null>();

  constructor(schema: unknown, options: SchemaOptions) {
    this.#subject = options.subject;
    this.#remotes = options.remotes ?? new Map();
    this.#dialect = dialectOfDraft(options.draft ?? "2020-12");
    this.root = rootOf(this.#open(schema, "", ""));
  }

  /** The place that a reference in `from` means. @throws ConstraintError at `where` when there is none */
  resolve(reference: string, from: Resource, where: Where): Place {
    const { uri, fragment } = splitFragment(reference);
    const resource = uri === "" ? from : this.#resource(resolve(from.uri, uri, where), where);
    const name = decode(fragment);
    if (name === undefined) throw badSchema(where, `the fragment of '${reference}' is not percent-encoded UTF-8`);
    if (name === "") return rootOf(resource);
    const place = name.startsWith("/") ? pointed(resource, name, where) : resource.anchors.get(name);
    if (place === null) throw badSchema(where, `the anchor of '${reference}' has two places`, "give each place an anchor of its own");
    if (!place) throw badSchema(where, `the reference '${reference}' points nowhere`);
    if (typeof place.value !== "boolean" && !isPlainObject(place.value))
      throw badSchema(where, `the reference '${reference}' points to what is not a schema`);
    return place;
  }

  #resource(uri: string, where: Where): Resource {
    const known = this.#resources.get(uri);
    if (known) return known;
    if (known === null) throw badSchema(where, `two schemas have the URI '${uri}'`, "give each resource an `$id` of its own");
    const document = this.#document(uri);
    if (document === undefined)
      throw schemaError("constraint/unsupported", where, `the document '${uri}' is not known`, "give it in `remotes`; nothing is fetched");
    return this.#open(document, uri, `${uri}#`);
  }

  #document(uri: string): Json | undefined {
    return this.#remotes.get(uri) ?? this.#remotes.get(`${uri}#`) ?? METASCHEMAS.get(uri);
  }

  #open(value: unknown, uri: string, pointer: string): Resource {
    const where = { subject: this.#subject, pointer };
    const dialectOf = (schema: string, at: Where) => this.#dialectOf(schema, at);
    const document = openDocument(value, { where, uri, dialect: this.#dialect, dialectOf });
    const root = document.resources.get("")!;
    for (const resource of document.resources.values()) {
      const other = this.#resources.get(resource.uri);
      // What was opened first keeps its URI; within one document nothing says which of two is meant.
      if (other === undefined) this.#resources.set(resource.uri, resource);
      else if (other?.document === document) this.#resources.set(resource.uri, null);
    }
    if (!this.#resources.has(uri)) this.#resources.set(uri, root);
    return root;
  }

  /** What the schema of schemas at a URI says about keywords. */
  #dialectOf(schema: string, where: Where): Dialect {
    const seen = new Set<string>();
    for (let { uri } = splitFragment(schema); !seen.has(uri);) {
      seen.add(uri);
      if (/^https?:\/\/json-schema\.org\/schema$/.test(uri)) return this.#dialect;
      const official = officialDialect(uri);
      if (official) return official;
      const metaschema = this.#document(uri) ?? this.#resources.get(uri)?.value;
      if (!isJsonObject(metaschema)) break;
      const vocabularies = metaschema["$vocabulary"];
      if (isJsonObject(vocabularies)) {
        const dialect = dialectOfVocabularies(vocabularies);
        if (!("unknown" in dialect)) return dialect;
        throw schemaError(
          "constraint/unsupported",
          where,
          `the vocabulary '${dialect.unknown}' is not known`,
          "use a metaschema without it",
        );
      }
      if (typeof metaschema["$schema"] === "string") uri = splitFragment(metaschema["$schema"]).uri;
    }
    const hint = "use an official one, or give the metaschema in `remotes`";
    throw schemaError("constraint/unsupported", where, `the metaschema '${schema}' is not known`, hint);
  }
}

function rootOf(resource: Resource): Place {
  return { resource, pointer: resource.pointer, value: resource.value };
}

/** The place below a resource's root that a JSON pointer leads to. It may lie in a keyword that nobody knows. */
function pointed(resource: Resource, path: string, where: Where): Place | undefined {
  const steps = path.slice(1).split("/");
  if (steps.length > MAX_POINTER_STEPS)
    throw schemaError("constraint/too-deep", where, `a pointer of more than ${MAX_POINTER_STEPS} steps`, "use an `$anchor`");
  let place: Place = rootOf(resource);
  for (const step of steps) {
    const name = step.replaceAll("~1", "/").replaceAll("~0", "~");
    const value = member(place.value, name);
    if (value === undefined) return undefined;
    const pointer = place.pointer + pointerOf([name]);
    place = { resource: resource.document.resources.get(pointer) ?? place.resource, pointer, value };
  }
  return place;
}

function member(value: unknown, name: string): unknown {
  if (Array.isArray(value)) return /^(0|[1-9]\d*)$/.test(name) ? (value as unknown[])[Number(name)] : undefined;
  return isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function decode(fragment: string): string | undefined {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return undefined;
  }
}
