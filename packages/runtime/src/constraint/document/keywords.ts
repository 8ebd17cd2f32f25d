/**
 * The keywords of one schema object, each with the type that the specification gives it. Law: what the dialect does not know is
 * absent; what has a value of another type is `constraint/bad-schema` at its pointer.
 */
import type { JsonObject } from "@orrery/chat";
import type { Where } from "../where.ts";
import type { Dialect } from "./dialect.ts";
import { badSchema, below, MAX_VALUES, schemaError } from "./limits.ts";
import type { JsonType } from "./node.ts";
import { isPlainObject } from "./plain.ts";
import type { Values } from "./values.ts";

const TYPES = new Set<unknown>(["null", "boolean", "number", "integer", "string", "array", "object"] satisfies JsonType[]);

export class Keywords {
  readonly where: Where;
  readonly dialect: Dialect;
  readonly #known = new Map<string, unknown>();

  constructor(schema: JsonObject, dialect: Dialect, where: Where) {
    this.dialect = dialect;
    this.where = where;
    for (const key of Object.keys(schema)) if (dialect.keywords.has(key)) this.#known.set(key, schema[key]);
  }

  at(...steps: readonly (string | number)[]): Where {
    return below(this.where, ...steps);
  }

  /** Undefined when the keyword is absent. */
  get(key: string): unknown {
    return this.#known.get(key);
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  text(key: string): string | undefined {
    const value = this.get(key);
    if (value === undefined || typeof value === "string") return value;
    throw badSchema(this.at(key), `\`${key}\` must be a string`);
  }

  flag(key: string): boolean | undefined {
    const value = this.get(key);
    if (value === undefined || typeof value === "boolean") return value;
    throw badSchema(this.at(key), `\`${key}\` must be true or false`);
  }

  number(key: string): number | undefined {
    const value = this.get(key);
    if (value === undefined || (typeof value === "number" && Number.isFinite(value))) return value;
    throw badSchema(this.at(key), `\`${key}\` must be a number`);
  }

  positive(key: string): number | undefined {
    const value = this.number(key);
    if (value === undefined || value > 0) return value;
    throw badSchema(this.at(key), `\`${key}\` must be greater than 0`);
  }

  count(key: string): number | undefined {
    const value = this.number(key);
    if (value === undefined || (Number.isInteger(value) && value >= 0)) return value;
    throw badSchema(this.at(key), `\`${key}\` must be a non-negative integer`);
  }

  list(key: string): readonly unknown[] | undefined {
    const value = this.get(key);
    if (value === undefined) return undefined;
    // Holes become undefined, which nothing takes for a value.
    if (Array.isArray(value)) return Array.from(listed(value, this.at(key)));
    throw badSchema(this.at(key), `\`${key}\` must be a list`);
  }

  /** The members of an object, in its order; those that are undefined are absent. */
  entries(key: string): readonly (readonly [name: string, value: unknown])[] | undefined {
    const value = this.get(key);
    if (value === undefined) return undefined;
    if (isPlainObject(value)) return Object.entries(value).filter(([, member]) => member !== undefined);
    throw badSchema(this.at(key), `\`${key}\` must be an object`);
  }

  types(): ReadonlySet<JsonType> | undefined {
    const value = this.get("type");
    if (value === undefined) return undefined;
    const list = Array.isArray(value) ? this.list("type")! : [value];
    const wrong = list.findIndex((type) => !TYPES.has(type));
    if (wrong >= 0 || list.length === 0) throw badSchema(this.at("type"), `unknown type ${JSON.stringify(list[wrong] ?? list)}`);
    return new Set(list as readonly JsonType[]);
  }

  names(key: string, values: Values): readonly string[] | undefined {
    const value = this.list(key);
    return value && namesIn(value, this.at(key), values);
  }
}

/** A list that is no longer than any limit allows, whatever it says of its length. @throws ConstraintError `constraint/too-large` */
export function listed(list: readonly unknown[], where: Where): readonly unknown[] {
  if (list.length <= MAX_VALUES) return list;
  throw schemaError("constraint/too-large", where, `a list of more than ${MAX_VALUES}`, "shorten it");
}

/** A list of names, each once. They count as values. */
export function namesIn(list: readonly unknown[], where: Where, values: Values): readonly string[] {
  values.take(list, () => where);
  const wrong = list.find((name) => typeof name !== "string");
  if (wrong !== undefined) throw badSchema(where, "must be a list of strings");
  return [...new Set(list as readonly string[])];
}
