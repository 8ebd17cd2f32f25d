/**
 * Random values of a JSON Schema. In: a schema and a source of randomness. Out: a valid value, with text as hostile as users' text
 * can be. Law: a keyword that it cannot honour is an error, so that what it makes is always valid.
 */
import { isJsonObject, type Json, type JsonSchema } from "@orrery/chat";
import { AgentError } from "./errors.ts";
import { intersect, problemOf } from "./schema.ts";

/** Uniform in [0, 1). */
export type Random = () => number;

/** mulberry32: small, fast, the same on every machine. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** An integer, both ends included. */
export function randomInteger(random: Random, low: number, high: number): number {
  return low + Math.floor(random() * (high - low + 1));
}

export function pick<T>(random: Random, items: readonly [T, ...T[]] | readonly T[]): T {
  return items[randomInteger(random, 0, items.length - 1)]!;
}

/** Pieces of text; among them what control tokens of model formats are spelt like. */
const PIECES = [
  "a",
  "Oslo",
  "x.txt",
  " ",
  "\n",
  "é",
  "日本",
  "😀",
  '"',
  "\\",
  "{",
  "}",
  "'",
  '<|"|>',
  "<turn|>",
  "<|tool_response>",
  "<tool_call|>",
  "</s>",
  "__proto__",
];
export function randomText(random: Random, pieces = randomInteger(random, 0, 6)): string {
  return Array.from({ length: pieces }, () => pick(random, PIECES)).join("");
}

const HONOURED = new Set([
  ..."type const enum anyOf oneOf $ref $defs properties required additionalProperties items prefixItems minItems maxItems".split(" "),
  ..."minLength maxLength minimum maximum exclusiveMinimum exclusiveMaximum title description default examples $comment".split(" "),
  ..."allOf not pattern substringOf uniqueSubstringOf copyFrom".split(" "),
]);

/** What is not built in but tried: values are made without it until one is valid. */
const TRIED = ["allOf", "not", "pattern"];
const MAX_TRIES = 500;

/** Deeper than this, optional properties and further items are left out, so that recursive schemas end. */
const MAX_DEPTH = 6;

const UNSUPPORTED = "leave the keyword out in the test, or script the calls";

/** @throws AgentError `agent/unsupported-schema` */
export function randomInstance(schema: JsonSchema, random: Random): Json {
  const tried = JSON.stringify(schema, (key, value: unknown) => (TRIED.includes(key) ? undefined : value)) !== JSON.stringify(schema);
  for (let n = 0; n < MAX_TRIES; n++) {
    const value = instance(schema, schema, random, 0);
    if (!tried || problemOf(schema, value) === undefined) return value;
  }
  throw new AgentError("agent/unsupported-schema", `none of ${MAX_TRIES} random values was valid`, { hint: UNSUPPORTED });
}

function instance(schema: JsonSchema, root: JsonSchema, random: Random, depth: number): Json {
  const foreign = Object.keys(schema).find((keyword) => !HONOURED.has(keyword));
  if (foreign) throw new AgentError("agent/unsupported-schema", `cannot make random values under '${foreign}'`, { hint: UNSUPPORTED });
  const { $ref, enum: choices, anyOf = schema["oneOf"], allOf, type } = schema;
  if (isList(allOf)) return instance(flattened(schema, allOf), root, random, depth);
  if (typeof $ref === "string") return instance(resolve($ref, root), root, random, depth + 1);
  if (schema["const"] !== undefined) return schema["const"];
  if (isList(choices)) return pick(random, choices);
  if (isList(anyOf)) {
    const { anyOf: _any, oneOf: _one, ...rest } = schema;
    const branch = pick(random, anyOf);
    return instance(isJsonObject(branch) ? { ...rest, ...branch } : rest, root, random, depth);
  }
  switch (isList(type) ? pick(random, type) : type) {
    case "object":
      return objectOf(schema, root, random, depth);
    case "array":
      return arrayOf(schema, root, random, depth);
    case "string":
      return stringOf(schema, random);
    case "integer":
    case "number":
      return numberOf(schema, random, type !== "number");
    case "boolean":
      return random() < 0.5;
    case "null":
      return null;
    default:
      return pick<Json>(random, [null, true, 7, randomText(random), [], {}]);
  }
}

function objectOf(schema: JsonSchema, root: JsonSchema, random: Random, depth: number): Json {
  const { properties, required } = schema;
  const needed = new Set(isList(required) ? required : []);
  const entries = Object.entries(isJsonObject(properties) ? properties : {}).filter(
    ([name]) => needed.has(name) || (depth < MAX_DEPTH && random() < 0.5),
  );
  return Object.fromEntries(entries.map(([name, value]) => [name, instance(isJsonObject(value) ? value : {}, root, random, depth + 1)]));
}

function arrayOf(schema: JsonSchema, root: JsonSchema, random: Random, depth: number): Json {
  const { items, prefixItems, minItems = 0, maxItems = Number(minItems) + 3 } = schema;
  const first = isList(prefixItems) ? prefixItems : [];
  const length =
    depth < MAX_DEPTH ? randomInteger(random, Number(minItems), Math.min(Number(maxItems), Number(minItems) + 3)) : Number(minItems);
  return Array.from({ length }, (_, i) => {
    const of = first[i] ?? items;
    return instance(isJsonObject(of) ? of : {}, root, random, depth + 1);
  });
}

/** What of an `allOf` can be merged; the rest is left to chance. */
function flattened(schema: JsonSchema, branches: readonly Json[]): JsonSchema {
  const { allOf: _all, ...rest } = schema;
  const merged = branches.filter(isJsonObject).reduce<JsonSchema | false>((all, branch) => all && intersect(all, branch), rest);
  const { allOf: _left, ...flat } = merged || rest;
  return flat;
}

/** Lengths count code points, as JSON Schema has it. */
function stringOf({ minLength = 0, maxLength = Infinity, substringOf, uniqueSubstringOf }: JsonSchema, random: Random): string {
  const text = uniqueSubstringOf ?? substringOf;
  if (typeof text === "string") return pieceOf(text, uniqueSubstringOf !== undefined, random);
  const points = [...randomText(random)].slice(0, Number(maxLength));
  while (points.length < Number(minLength)) points.push("x");
  return points.join("");
}

function pieceOf(text: string, unique: boolean, random: Random): string {
  const points = [...text];
  for (let n = 0; n < MAX_TRIES; n++) {
    const start = randomInteger(random, 0, points.length - 1);
    const piece = points.slice(start, randomInteger(random, start + 1, points.length)).join("");
    if (!unique || text.indexOf(piece) === text.lastIndexOf(piece)) return piece;
  }
  return text;
}

function numberOf(schema: JsonSchema, random: Random, whole: boolean): number {
  const step = whole ? 1 : 0.5;
  const low = Math.max(Number(schema["minimum"] ?? -1000), Number(schema["exclusiveMinimum"] ?? -1001) + step);
  const high = Math.min(Number(schema["maximum"] ?? 1000), Number(schema["exclusiveMaximum"] ?? 1001) - step);
  if (whole) return randomInteger(random, Math.ceil(low), Math.floor(high));
  return low + random() * (high - low);
}

function resolve(reference: string, root: JsonSchema): JsonSchema {
  const definitions = root["$defs"];
  const name = reference.replace(/^#\/\$defs\//, "");
  const found = isJsonObject(definitions) && Object.hasOwn(definitions, name) ? definitions[name] : undefined;
  if (reference === "#") return root;
  if (!isJsonObject(found))
    throw new AgentError("agent/unsupported-schema", `cannot follow the reference ${reference}`, { hint: UNSUPPORTED });
  return found;
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}
