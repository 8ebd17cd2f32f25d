/**
 * Objects as JSON.parse makes them. In: anything. Out: is it one? Law: what keeps its members elsewhere, as a Map or an instance of a class
 * does, is none: read as data it would be an empty object, and an empty schema allows everything.
 */
import { isJsonObject, type JsonObject } from "@orrery/chat";

export function isPlainObject(value: unknown): value is JsonObject {
  if (!isJsonObject(value)) return false;
  const prototype = Object.getPrototypeOf(value) as object | null;
  // Another realm has an Object.prototype of its own.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
