/**
 * For tests: a plain evaluator over nodes, the meaning of every field in one place. In: a node, a JSON value. Out: valid or not.
 * Formats are not asserted; patterns are the `u` regular expressions of JavaScript; multiples are judged on decimals.
 */
import { isJsonObject, type Json, type JsonObject } from "@orrery/chat";
import type { JsonType, SchemaNode } from "./node.ts";

/** What a valid node has evaluated: item positions and property names. */
interface Evaluated {
  readonly items: Set<number>;
  readonly names: Set<string>;
}

export function valid(node: SchemaNode, value: Json): boolean {
  return evaluate(node, value) !== undefined;
}

/** What the node evaluated, undefined when the value is not valid. */
function evaluate(node: SchemaNode, value: Json): Evaluated | undefined {
  if (node.always !== undefined) return node.always ? { items: new Set(), names: new Set() } : undefined;
  const done: Evaluated = { items: new Set(), names: new Set() };
  const ok =
    scalar(node, value) &&
    applicators(node, value, done) &&
    (!Array.isArray(value) || array(node, value as readonly Json[], done)) &&
    (!isJsonObject(value) || object(node, value, done));
  return ok ? done : undefined;
}

/** Whether a value is valid; what the node evaluated is added. */
function into(node: SchemaNode, value: Json, done: Evaluated): boolean {
  const found = evaluate(node, value);
  found?.items.forEach((item) => done.items.add(item));
  found?.names.forEach((name) => done.names.add(name));
  return found !== undefined;
}

function scalar(node: SchemaNode, value: Json): boolean {
  if (node.types && ![...node.types].some((type) => isOf(type, value))) return false;
  if (node.enum && !node.enum.some((other) => same(other, value))) return false;
  if (node.const && !same(node.const.value, value)) return false;
  if (typeof value === "number") {
    if (value < (node.minimum ?? -Infinity) || value > (node.maximum ?? Infinity)) return false;
    if (value <= (node.exclusiveMinimum ?? -Infinity) || value >= (node.exclusiveMaximum ?? Infinity)) return false;
    return node.multipleOf === undefined || isMultiple(value, node.multipleOf);
  }
  if (typeof value !== "string") return true;
  const length = [...value].length;
  if (length < (node.minLength ?? 0) || length > (node.maxLength ?? Infinity)) return false;
  if (node.substringOf !== undefined && !node.substringOf.includes(value)) return false;
  if (node.uniqueSubstringOf !== undefined && occurrences(node.uniqueSubstringOf, value) !== 1) return false;
  return node.pattern === undefined || new RegExp(node.pattern, "u").test(value);
}

function applicators(node: SchemaNode, value: Json, done: Evaluated): boolean {
  for (const reference of [node.ref, node.dynamicRef]) if (reference && !into(reference(), value, done)) return false;
  for (const branch of node.allOf ?? []) if (!into(branch, value, done)) return false;
  if (node.anyOf && node.anyOf.filter((branch) => into(branch, value, done)).length === 0) return false;
  if (node.oneOf) {
    const matches = node.oneOf.filter((branch) => valid(branch, value));
    if (matches.length !== 1 || !into(matches[0]!, value, done)) return false;
  }
  if (node.not && valid(node.not, value)) return false;
  if (!node.if) return true;
  const branch = into(node.if, value, done) ? node.then : node.else;
  return !branch || into(branch, value, done);
}

function array(node: SchemaNode, value: readonly Json[], done: Evaluated): boolean {
  if (value.length < (node.minItems ?? 0) || value.length > (node.maxItems ?? Infinity)) return false;
  if (node.uniqueItems && value.some((item, i) => value.slice(0, i).some((other) => same(item, other)))) return false;
  const first = node.prefixItems ?? [];
  for (const [i, item] of value.entries()) {
    const schema = first[i] ?? node.items;
    if (!schema) continue;
    if (!valid(schema, item)) return false;
    done.items.add(i);
  }
  if (node.contains) {
    const matches = [...value.keys()].filter((i) => valid(node.contains!, value[i]!));
    if (matches.length < (node.minContains ?? 1) || matches.length > (node.maxContains ?? Infinity)) return false;
    matches.forEach((i) => done.items.add(i));
  }
  if (!node.unevaluatedItems) return true;
  const rest = [...value.keys()].filter((i) => !done.items.has(i));
  rest.forEach((i) => done.items.add(i));
  return rest.every((i) => valid(node.unevaluatedItems!, value[i]!));
}

function object(node: SchemaNode, value: JsonObject, done: Evaluated): boolean {
  const names = Object.keys(value);
  if (names.length < (node.minProperties ?? 0) || names.length > (node.maxProperties ?? Infinity)) return false;
  const has = (name: string) => Object.hasOwn(value, name);
  if (!(node.required ?? []).every(has)) return false;
  for (const [name, others] of node.dependentRequired ?? []) if (has(name) && !others.every(has)) return false;
  for (const [name, schema] of node.dependentSchemas ?? []) if (has(name) && !into(schema, value, done)) return false;
  if (node.propertyNames && !names.every((name) => valid(node.propertyNames!, name))) return false;
  for (const name of names) {
    const patterns = [...(node.patternProperties ?? [])].filter(([pattern]) => new RegExp(pattern, "u").test(name));
    const schemas = patterns.map(([, schema]) => schema);
    const declared = node.properties?.get(name);
    if (declared) schemas.push(declared);
    if (schemas.length === 0 && node.additionalProperties) schemas.push(node.additionalProperties);
    if (!schemas.every((schema) => valid(schema, value[name]!))) return false;
    if (schemas.length > 0) done.names.add(name);
  }
  if (!node.unevaluatedProperties) return true;
  const rest = names.filter((name) => !done.names.has(name));
  rest.forEach((name) => done.names.add(name));
  return rest.every((name) => valid(node.unevaluatedProperties!, value[name]!));
}

function isOf(type: JsonType, value: Json): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "integer":
      return Number.isInteger(value);
    case "array":
      return Array.isArray(value);
    case "object":
      return isJsonObject(value);
    default:
      return typeof value === type;
  }
}

/** Equal as JSON: members in any order. */
function same(one: Json, other: Json): boolean {
  if (Array.isArray(one)) return Array.isArray(other) && one.length === other.length && one.every((item, i) => same(item, other[i]));
  if (!isJsonObject(one)) return one === other;
  if (!isJsonObject(other)) return false;
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => Object.hasOwn(other, name) && same(one[name]!, other[name]!));
}

function isMultiple(value: number, divisor: number): boolean {
  const [one, other] = [decimal(value), decimal(divisor)];
  const exponent = Math.min(one.exponent, other.exponent);
  const scaled = ({ digits, exponent: own }: { digits: bigint; exponent: number }) => digits * 10n ** BigInt(own - exponent);
  return scaled(one) % scaled(other) === 0n;
}

/** A finite number as digits · 10^exponent, exactly as it is printed. */
function decimal(value: number): { digits: bigint; exponent: number } {
  const [mantissa = "", exponent = "0"] = value.toExponential().split("e");
  const fraction = mantissa.split(".")[1] ?? "";
  return { digits: BigInt(mantissa.replace(".", "")), exponent: Number(exponent) - fraction.length };
}

function occurrences(text: string, part: string): number {
  let count = 0;
  for (let at = text.indexOf(part); at >= 0 && count < 2; at = text.indexOf(part, at + 1)) count++;
  return count;
}
