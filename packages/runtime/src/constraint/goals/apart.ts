/**
 * Schemas that plainly have no value in common, as the branches of a oneOf mostly do. In: two nodes. Out: true; false proves nothing.
 * Law: reads the nodes alone, so it may be asked while a schema that contains itself is being opened.
 */
import type { Json } from "@orrery/chat";
import type { JsonType, SchemaNode } from "../document/node.ts";
import { canonical } from "./distinct.ts";

/** How deep properties are compared. */
const MAX_DEPTH = 3;
/** Nodes that judge one value, as far as they are looked at. */
const MAX_NODES = 32;

export function areApart(a: SchemaNode, b: SchemaNode, depth = 0): boolean {
  const [one, other] = [aspectsOf(a), aspectsOf(b)];
  return one.some((x) => other.some((y) => typesApart(x, y) || valuesApart(x, y) || valuesApart(y, x))) || objectsApart(one, other, depth);
}

/** The node and those that it applies to the same value. */
function aspectsOf(node: SchemaNode): readonly SchemaNode[] {
  const aspects = new Set([node]);
  for (const { allOf, ref, dynamicRef } of aspects) {
    if (aspects.size > MAX_NODES) break;
    for (const one of allOf ?? []) aspects.add(one);
    for (const target of [ref, dynamicRef]) if (target) aspects.add(target());
  }
  return [...aspects];
}

function typesApart({ types: one }: SchemaNode, { types: other }: SchemaNode): boolean {
  if (!one || !other) return false;
  const has = (types: ReadonlySet<JsonType>, type: JsonType) =>
    types.has(type) || (type === "integer" && types.has("number")) || (type === "number" && types.has("integer"));
  return ![...one].some((type) => has(other, type));
}

/** Does the second one refuse every listed value of the first? */
function valuesApart(listed: SchemaNode, other: SchemaNode): boolean {
  const values = valuesOf(listed);
  if (!values) return false;
  const allowed = valuesOf(other) && new Set(valuesOf(other)!.map(canonical));
  return values.every((value) => (allowed && !allowed.has(canonical(value))) || (other.types && !isOf(other.types, value)));
}

function valuesOf(node: SchemaNode): readonly Json[] | undefined {
  return node.const ? [node.const.value] : node.enum;
}

function isOf(types: ReadonlySet<JsonType>, value: Json): boolean {
  if (value === null) return types.has("null");
  if (Array.isArray(value)) return types.has("array");
  if (typeof value === "number") return types.has("number") || (types.has("integer") && Number.isInteger(value));
  return types.has(typeof value as JsonType);
}

/** Only objects, and a property that one requires and the other refuses, or gives another value. */
function objectsApart(one: readonly SchemaNode[], other: readonly SchemaNode[], depth: number): boolean {
  if (depth >= MAX_DEPTH || !onlyObjects(one) || !onlyObjects(other)) return false;
  return [...new Set([...one, ...other].flatMap(({ required }) => required ?? []))].some(
    (name) =>
      one.some((node) => refuses(node, name)) ||
      other.some((node) => refuses(node, name)) ||
      propertiesOf(one, name).some((x) => propertiesOf(other, name).some((y) => areApart(x, y, depth + 1))),
  );
}

function onlyObjects(nodes: readonly SchemaNode[]): boolean {
  return nodes.some(({ types }) => types?.size === 1 && types.has("object"));
}

function propertiesOf(nodes: readonly SchemaNode[], name: string): SchemaNode[] {
  return nodes.flatMap(({ properties }) => properties?.get(name) ?? []);
}

function refuses({ properties, patternProperties, additionalProperties }: SchemaNode, name: string): boolean {
  const own = properties?.get(name);
  if (own) return own.always === false;
  return additionalProperties?.always === false && !patternProperties;
}
