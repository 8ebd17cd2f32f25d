/** JSON as a type: what may lie in messages, tool inputs and machine contexts. */

export type Json = string | number | boolean | null | readonly Json[] | JsonObject;

/** A JSON object. A property that is undefined counts as absent. */
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

/** A JSON Schema (draft 2020-12) as plain data. What a compiler cannot express exactly is its error, never ignored. */
export type JsonSchema = JsonObject;

/** True for a non-null, non-array object. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
