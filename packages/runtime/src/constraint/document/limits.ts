/** Limits on a schema from outside, and the error that names them. */
import { ConstraintError } from "../../errors.ts";
import type { Where } from "../where.ts";

/** Nesting of schemas in a document, and of values in `const` and `enum`. Hand-written ones stay below 20; the reader recurses. */
export const MAX_DEPTH = 256;
/** Schemas in one document, and nodes in all: a place counts once for each dynamic scope. The largest public schemas have some 10,000. */
export const MAX_NODES = 100_000;
/** UTF-16 units of the pointers of all places: a long name is repeated in the pointer of everything below it. */
export const MAX_POINTER_SIZE = 50_000_000;
/** Steps of a pointer in a `$ref`. */
export const MAX_POINTER_STEPS = 1_024;
/** UTF-16 units of a URI after it is resolved. Relative ones below a long one are as long. */
export const MAX_URI_SIZE = 2_048;
/** Anchors in all dynamic scopes: n resources that refer to each other make up to 2ⁿ scopes, the metaschema two. */
export const MAX_SCOPE_ANCHORS = 50_000;
/** Values in all `const` and `enum`, members and items included. */
export const MAX_VALUES = 1_000_000;
/** UTF-16 units of the strings and names in them and in `required`, and of the texts of `substringOf` and `uniqueSubstringOf`. */
export const MAX_VALUE_SIZE = 32_000_000;

export type SchemaErrorCode = "constraint/bad-schema" | "constraint/unsupported" | "constraint/too-deep" | "constraint/too-large";

/** An error at a place. */
export function schemaError(code: SchemaErrorCode, where: Where, what: string, hint: string): ConstraintError {
  return new ConstraintError(code, `${where.subject}: at '${where.pointer}': ${what}`, { pointer: where.pointer, hint });
}

export function badSchema(where: Where, what: string, hint = "correct the schema"): ConstraintError {
  return schemaError("constraint/bad-schema", where, what, hint);
}

/** A place below another one. */
export function below(where: Where, ...steps: readonly (string | number)[]): Where {
  return { subject: where.subject, pointer: where.pointer + pointerOf(steps) };
}

/** Steps as the end of a JSON pointer. */
export function pointerOf(steps: readonly (string | number)[]): string {
  let pointer = "";
  for (const step of steps) pointer += `/${typeof step === "number" ? step : escaped(step)}`;
  return pointer;
}

function escaped(name: string): string {
  return /[~/]/.test(name) ? name.replaceAll("~", "~0").replaceAll("/", "~1") : name;
}
