/** For property tests: random moves over the schemas that the compiler supports. */
import type { CallMove, Json, JsonSchema, Moves } from "@orrery/chat";
import fc from "fast-check";

const printable = fc.string({ unit: fc.constantFrom(..."abcXYZ 019_-.,:{}[]\"'<|>\\/\n\té😀漢ß"), maxLength: 8 });
const name = fc
  .string({ unit: fc.constantFrom(..."abcdeABCDE_019-. éß"), minLength: 1, maxLength: 6 })
  .filter((text) => text.trim() === text);
const toolName = fc.string({ unit: fc.constantFrom(..."abc_.-9Z"), minLength: 1, maxLength: 8 });
const finite = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 });

const scalar = fc.oneof(printable, fc.integer(), finite, fc.boolean(), fc.constant(null));
const value: fc.Arbitrary<Json> = fc.oneof(
  { weight: 6, arbitrary: scalar },
  { weight: 1, arbitrary: fc.array(scalar, { maxLength: 3 }) },
  { weight: 1, arbitrary: fc.dictionary(name, scalar, { maxKeys: 3, noNullPrototype: true }) },
);

const text = fc.tuple(fc.nat(5), fc.option(fc.nat(20), { nil: undefined }), fc.boolean()).map(([min, more, bounded]): JsonSchema => ({
  type: "string",
  ...(bounded ? { minLength: min } : {}),
  ...(more === undefined ? {} : { maxLength: min + more }),
}));

const integer = fc
  // Bounds of at most 14 digits: the engine writes numbers of up to 15, and refuses bounds that leave none.
  .tuple(
    fc.maxSafeInteger().map((integer) => integer % 1e14),
    fc.nat(10_000),
    fc.constantFrom("none", "min", "max", "both", "small"),
  )
  .map(([low, size, kind]): JsonSchema => {
    const bounds = {
      none: {},
      min: { minimum: low },
      max: { exclusiveMaximum: low },
      both: { exclusiveMinimum: low - 2, maximum: low + size },
      small: { minimum: (low % 10) - 5, maximum: (low % 10) + 5 },
    };
    return { type: "integer", ...bounds[kind as keyof typeof bounds] };
  });

const number = fc
  .tuple(finite, fc.double({ noNaN: true, min: 0.001, max: 1e6 }), fc.constantFrom("none", "min", "max", "both"))
  .map(([low, size, kind]): JsonSchema => {
    const bounds = {
      none: {},
      min: { exclusiveMinimum: low },
      max: { maximum: low },
      both: { minimum: low, exclusiveMaximum: low + size },
    };
    return { type: "number", ...bounds[kind as keyof typeof bounds] };
  });

const enumeration = fc.oneof(
  value.map((one): JsonSchema => ({ const: one })),
  fc.array(value, { minLength: 1, maxLength: 8 }).map((list): JsonSchema => ({ enum: list })),
);

const leaf = fc.oneof(
  text,
  integer,
  number,
  enumeration,
  fc.constantFrom<JsonSchema>(
    { type: "boolean" },
    { type: "null" },
    { type: ["string", "null"] },
    { type: ["integer", "boolean", "string"], maxLength: 3, minimum: -4 },
  ),
);

/** Schemas of the supported subset; those of `object` are objects. */
export const { schema, object } = fc.letrec<{ schema: JsonSchema; object: JsonSchema; array: JsonSchema; choice: JsonSchema }>((tie) => ({
  object: fc
    .tuple(fc.uniqueArray(fc.tuple(name, tie("schema"), fc.boolean()), { maxLength: 4, selector: ([key]) => key }), fc.boolean())
    .map(([entries, closed]): JsonSchema => ({
      type: "object",
      properties: Object.fromEntries(entries.map(([key, one]) => [key, one])),
      required: entries.filter(([, , required]) => required).map(([key]) => key),
      ...(closed ? { additionalProperties: false } : {}),
    })),
  array: fc.tuple(tie("schema"), fc.nat(3), fc.option(fc.nat(3), { nil: undefined })).map(([items, min, more]): JsonSchema => ({
    type: "array",
    items,
    minItems: min,
    ...(more === undefined ? {} : { maxItems: min + more }),
  })),
  choice: fc.array(tie("schema"), { minLength: 1, maxLength: 3 }).map((anyOf): JsonSchema => ({ anyOf })),
  schema: fc.oneof(
    { maxDepth: 3, depthSize: "small", withCrossShrink: true },
    { weight: 5, arbitrary: leaf },
    { weight: 2, arbitrary: tie("object") },
    { weight: 1, arbitrary: tie("array") },
    { weight: 2, arbitrary: tie("choice") },
  ),
}));

const call: fc.Arbitrary<CallMove> = fc.record({ name: toolName, input: object });

export const moves: fc.Arbitrary<Moves> = fc
  .record({
    answer: fc.oneof(fc.boolean(), fc.record({ schema })),
    calls: fc.uniqueArray(call, { maxLength: 4, selector: (one) => one.name }),
    parallel: fc.integer({ min: 1, max: 3 }),
  })
  .filter(({ answer, calls }) => answer !== false || calls.length > 0);
