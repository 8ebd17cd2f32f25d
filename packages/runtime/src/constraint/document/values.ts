/** Values in `const` and `enum`: JSON of bounded depth, number and size. Law: iterative, so that no value can overflow the stack. */
import type { Json } from "@orrery/chat";
import type { Where } from "../where.ts";
import { isPlainObject } from "./plain.ts";
import { badSchema, MAX_DEPTH, MAX_VALUE_SIZE, MAX_VALUES, schemaError } from "./limits.ts";

/** Counts the values of one schema. */
export class Values {
  #count = 0;
  #size = 0;

  /** The value itself. @throws ConstraintError `constraint/bad-schema` when it is not JSON, `constraint/too-deep`, `constraint/too-large` */
  take(value: unknown, where: () => Where): Json {
    const stack: { readonly value: unknown; readonly depth: number }[] = [{ value, depth: 0 }];
    for (let next = stack.pop(); next; next = stack.pop()) {
      const { value, depth } = next;
      if (depth > MAX_DEPTH)
        throw schemaError("constraint/too-deep", where(), `a value nested more than ${MAX_DEPTH} levels`, "flatten it");
      this.#add(where, 1, typeof value === "string" ? value.length : 0);
      if (typeof value === "string" || value === null || typeof value === "boolean") continue;
      if (Array.isArray(value)) for (const item of value as unknown[]) stack.push({ value: item, depth: depth + 1 });
      else if (isPlainObject(value))
        for (const [name, member] of Object.entries(value)) {
          if (member === undefined) continue;
          this.#add(where, 0, name.length);
          stack.push({ value: member, depth: depth + 1 });
        }
      else if (!Number.isFinite(value)) throw badSchema(where(), `not a JSON value: ${shown(value)}`);
    }
    return value as Json;
  }

  /** A text that counts as much as a value. */
  text(value: string, where: () => Where): string {
    this.#add(where, 1, value.length);
    return value;
  }

  #add(where: () => Where, values: number, size: number): void {
    this.#count += values;
    this.#size += size;
    if (this.#count > MAX_VALUES) throw schemaError("constraint/too-large", where(), `more than ${MAX_VALUES} values`, "shorten the enums");
    if (this.#size > MAX_VALUE_SIZE)
      throw schemaError("constraint/too-large", where(), `values of more than ${MAX_VALUE_SIZE} characters`, "shorten the enums and texts");
  }
}

/** A name for what is none: text that it gives of itself is not asked for. */
function shown(value: unknown): string {
  return typeof value === "object" || typeof value === "function" ? typeof value : String(value);
}
