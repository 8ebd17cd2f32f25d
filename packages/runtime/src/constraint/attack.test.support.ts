/** For the tables of hostile schemas: what an attack is, and short ways to write one. In: a schema. Out: an attack. */

export interface Attack {
  readonly name: string;
  readonly schema: () => unknown;
  /** `compiled`, or the code of the error. */
  readonly ends: string;
  /** Where the error points; left out: anywhere. */
  readonly pointer?: string;
  /** It takes a second or more: for the bench alone. */
  readonly heavy?: true;
}

export type Schema = Record<string, unknown>;

export const DEEP = 10_000;
export const times = <Value>(count: number, make: (index: number) => Value): Value[] => Array.from({ length: count }, (_, i) => make(i));
export const named = <Value>(count: number, make: (index: number) => Value, name = "p"): Record<string, Value> =>
  Object.fromEntries(times(count, (i) => [`${name}${i}`, make(i)]));
export const nested = (depth: number, around: (inner: unknown, level: number) => Schema, core: unknown = { type: "string" }): unknown => {
  let schema = core;
  for (let level = depth - 1; level >= 0; level--) schema = around(schema, level);
  return schema;
};
/** A name that begins with ‡ is that of a heavy one. */
export const attack = (name: string, ends: string, schema: () => unknown, pointer?: string): Attack => ({
  name: name.replace("‡ ", ""),
  ...(name.startsWith("‡ ") ? { heavy: true } : {}),
  schema,
  ends,
  ...(pointer === undefined ? {} : { pointer }),
});
export const compiled = (name: string, schema: () => unknown) => attack(name, "compiled", schema);
export const tooDeep = (name: string, schema: () => unknown) => attack(name, "constraint/too-deep", schema);
export const tooLarge = (name: string, schema: () => unknown) => attack(name, "constraint/too-large", schema);
export const unsupported = (name: string, schema: () => unknown, pointer?: string) =>
  attack(name, "constraint/unsupported", schema, pointer);
export const bad = (name: string, schema: () => unknown, pointer?: string) => attack(name, "constraint/bad-schema", schema, pointer);
export const empty = (name: string, schema: () => unknown) => attack(name, "constraint/unsatisfiable", schema);
