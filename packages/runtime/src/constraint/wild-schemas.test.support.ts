/* oxlint-disable unicorn/no-thenable -- `then` is a keyword of JSON Schema */
/** For property tests: random schemas that use every applicator, random values that come near them, and random moves over them. */
import type { Json, JsonSchema, Moves } from "@orrery/chat";
import fc from "fast-check";

const NAMES = ["a", "b", "aa", "x1"];
const name = fc.constantFrom(...NAMES);
const number = fc.oneof(fc.integer({ min: -3, max: 12 }), fc.constantFrom(0.5, 1.5, 2.25, -0.75, 100));
const string = fc.oneof(fc.constantFrom("", "a", "b", "ab", "aab", "x1", 'q"', "é", "😀", "long text"), fc.string({ maxLength: 3 }));
const scalar: fc.Arbitrary<Json> = fc.oneof(fc.constantFrom(null, true, false), number, string);

/** Small values over few names, so that random schemas and random values meet. */
export const { value } = fc.letrec<{ value: Json; array: Json; object: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    { weight: 5, arbitrary: scalar },
    { weight: 2, arbitrary: tie("array") },
    { weight: 4, arbitrary: tie("object") },
  ),
  array: fc.array(tie("value"), { maxLength: 4 }),
  object: fc.dictionary(fc.oneof({ weight: 5, arbitrary: name }, { weight: 1, arbitrary: fc.string({ maxLength: 2 }) }), tie("value"), {
    maxKeys: 4,
    noNullPrototype: true,
  }),
}));

const bounds = (low: string, high: string) => fc.record({ [low]: fc.nat(2), [high]: fc.integer({ min: 0, max: 4 }) }, { requiredKeys: [] });
const types = fc.oneof(
  fc.constantFrom("null", "boolean", "number", "integer", "string", "array", "object"),
  fc.uniqueArray(fc.constantFrom("null", "boolean", "number", "integer", "string", "array", "object"), { minLength: 1, maxLength: 3 }),
);

const assertion = fc.oneof(
  types.map((type) => ({ type })),
  fc.uniqueArray(value, { minLength: 1, maxLength: 4, selector: (one) => JSON.stringify(one) }).map((list) => ({ enum: list })),
  value.map((one) => ({ const: one })),
  fc.record({ minimum: number, exclusiveMaximum: number }, { requiredKeys: [] }),
  fc.record({ maximum: number, exclusiveMinimum: number }, { requiredKeys: [] }),
  fc.constantFrom(2, 3, 5).map((multipleOf) => ({ multipleOf })),
  bounds("minLength", "maxLength"),
  fc.constantFrom("^a", "b$", "^[a-c]*$", "1", "^.?$").map((pattern) => ({ pattern })),
  bounds("minItems", "maxItems"),
  bounds("minProperties", "maxProperties"),
  fc.uniqueArray(name, { maxLength: 2 }).map((required) => ({ required })),
  fc.tuple(name, fc.uniqueArray(name, { maxLength: 2 })).map(([key, list]) => ({ dependentRequired: { [key]: list } })),
);

type Schema = boolean | { readonly [key: string]: unknown };

/** What only {@link wildSchema} has. */
const FORMATS = ["date", "time", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "uuid", "uri", "json-pointer"];
const furtherAssertion = fc.oneof(
  fc.constantFrom(0.5, 0.1, 0.25, 1.5, 1e-3, 1e-9, 7, 1_000).map((multipleOf) => ({ multipleOf })),
  fc.constantFrom(...FORMATS).map((format) => ({ type: "string", format })),
  fc.tuple(bounds("minItems", "maxItems")).map(([counts]) => ({ uniqueItems: true, ...counts })),
  fc.constantFrom("^\\p{Lu}", "^(é|😀)+$", "^[^a]*$", "^\\d{2,3}(-\\d+)?$", "(?=.*b)^a", '\\\\|"').map((pattern) => ({ pattern })),
  fc.constantFrom("é😀 aab x1", 'q"uo\\te', "aabaab").map((substringOf) => ({ substringOf })),
  fc.constantFrom("aab x1 aab", "abc").map((uniqueSubstringOf) => ({ uniqueSubstringOf })),
  fc.uniqueArray(fc.integer({ min: -50, max: 500 }), { minLength: 1, maxLength: 20 }).map((list) => ({ enum: list })),
);
const reference = fc.constantFrom("#", "#/$defs/a", "#/$defs/b").map(($ref) => ({ $ref }));

const some = (tie: fc.Arbitrary<Schema>) => fc.array(tie, { minLength: 1, maxLength: 3 });

const schemas = (further: readonly fc.WeightedArbitrary<object>[]) =>
  fc.letrec<{ schema: Schema; part: object }>((tie) => {
    const inner = tie("schema") as fc.Arbitrary<Schema>;
    return {
      part: fc.oneof(
        { maxDepth: 3, depthSize: "small" },
        ...further,
        { weight: 6, arbitrary: assertion },
        { weight: 3, arbitrary: fc.dictionary(name, inner, { maxKeys: 3, noNullPrototype: true }).map((properties) => ({ properties })) },
        {
          weight: 1,
          arbitrary: fc
            .dictionary(fc.constantFrom("^a", "1", "b$"), inner, { maxKeys: 2, noNullPrototype: true })
            .map((patternProperties) => ({ patternProperties })),
        },
        { weight: 1, arbitrary: inner.map((additionalProperties) => ({ additionalProperties })) },
        { weight: 1, arbitrary: inner.map((propertyNames) => ({ propertyNames })) },
        { weight: 1, arbitrary: fc.tuple(name, inner).map(([key, one]) => ({ dependentSchemas: { [key]: one } })) },
        { weight: 2, arbitrary: inner.map((items) => ({ items })) },
        { weight: 1, arbitrary: some(inner).map((prefixItems) => ({ prefixItems })) },
        {
          weight: 1,
          arbitrary: fc.tuple(inner, bounds("minContains", "maxContains")).map(([contains, counts]) => ({ contains, ...counts })),
        },
        { weight: 1, arbitrary: some(inner).map((allOf) => ({ allOf })) },
        { weight: 1, arbitrary: some(inner).map((anyOf) => ({ anyOf })) },
        { weight: 1, arbitrary: some(inner).map((oneOf) => ({ oneOf })) },
        { weight: 1, arbitrary: inner.map((not) => ({ not })) },
        { weight: 1, arbitrary: fc.record({ if: inner, then: inner, else: inner }, { requiredKeys: ["if"] }) },
        { weight: 1, arbitrary: inner.map((unevaluatedProperties) => ({ unevaluatedProperties })) },
        { weight: 1, arbitrary: inner.map((unevaluatedItems) => ({ unevaluatedItems })) },
      ),
      schema: fc.oneof(
        { maxDepth: 4, depthSize: "small" },
        { weight: 1, arbitrary: fc.boolean() },
        {
          weight: 9,
          arbitrary: fc.array(tie("part") as fc.Arbitrary<object>, { maxLength: 3 }).map((parts) => Object.assign({}, ...parts) as Schema),
        },
      ),
    };
  });

/** Schemas of everything but references and uniqueItems. */
export const { schema } = schemas([]);

const { schema: inner } = schemas([
  { weight: 4, arbitrary: furtherAssertion },
  // Through an item or a property, as a value cannot be judged by itself.
  { weight: 1, arbitrary: fc.tuple(name, reference).map(([key, one]) => ({ properties: { [key]: one } })) },
  { weight: 1, arbitrary: reference.map((items) => ({ items })) },
  { weight: 1, arbitrary: reference.map((additionalProperties) => ({ additionalProperties })) },
]);

/** Schemas of everything: they refer to two definitions and to themselves. */
export const wildSchema: fc.Arbitrary<JsonSchema> = fc
  .record({ root: inner.filter((one) => typeof one === "object"), a: inner, b: inner })
  .map(({ root, a, b }) => ({ ...(root as object), $defs: { a, b } }) as JsonSchema);

const call = fc.record({ name: fc.constantFrom("f", "get_weather", "a.b-c", "call"), input: wildSchema });

/** Moves of which no answer and no input is anything but wild. */
export const wildMoves: fc.Arbitrary<Moves> = fc
  .record({
    answer: fc.oneof(fc.boolean(), fc.record({ schema: wildSchema })),
    calls: fc.uniqueArray(call, { maxLength: 3, selector: ({ name }) => name }),
    parallel: fc.integer({ min: 1, max: 3 }),
  })
  .filter(({ answer, calls }) => answer !== false || calls.length > 0);
