/** Nodes and ajv judge alike: random schemas with references, and values near what they talk about. */
import type { Json } from "@orrery/chat";
import { Ajv } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { valid } from "./evaluate.test.support.js";
import { openSchema } from "./open.js";

const name = fc.constantFrom("a", "b", "aa");
const member = <T>(of: fc.Arbitrary<T>) => fc.dictionary(name, of, { maxKeys: 3, noNullPrototype: true });
const { value } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    fc.constantFrom<Json>(null, true, 0, 1, 2.5, "", "a", "ab"),
    fc.array(tie("value"), { maxLength: 3 }),
    member(tie("value")),
  ),
}));

const SCALARS: Record<string, fc.Arbitrary<Json>> = {
  type: fc.constantFrom("null", "number", "integer", "string", "array", "object"),
  enum: fc.uniqueArray(fc.constantFrom<Json>(null, 1, "a"), { minLength: 1 }),
  const: fc.constantFrom<Json>([1], { a: 1 }, "ab"),
  minimum: fc.constantFrom(0, 1.5),
  maxLength: fc.nat(2),
  pattern: fc.constantFrom("^a", "b"),
  minItems: fc.nat(2),
  uniqueItems: fc.boolean(),
  required: fc.uniqueArray(name, { maxLength: 2 }),
  maxProperties: fc.nat(2),
};

type Own = (schema: fc.Arbitrary<Json>) => Record<string, fc.Arbitrary<Json>>;

/**
 * Random schemas; `own` has the keywords of one draft. A reference stands alone, since ajv asserts in draft-07 what is beside it, and
 * below an item or a property: one that led back to itself on the same value would have no answer.
 */
function schemas(own: Own, references: readonly string[]): fc.Arbitrary<Json> {
  return fc.letrec<{ schema: Json }>((tie) => {
    const some = tie("schema");
    const list = fc.array(some, { minLength: 1, maxLength: 2 });
    const keywords: Record<string, fc.Arbitrary<Json>> = {
      ...SCALARS,
      ...Object.fromEntries(["allOf", "anyOf", "oneOf"].map((key) => [key, list])),
      ...Object.fromEntries("not if then else items contains additionalProperties propertyNames".split(" ").map((key) => [key, some])),
      properties: member(some),
      patternProperties: fc.dictionary(fc.constantFrom("^a", "b"), some, { maxKeys: 2, noNullPrototype: true }),
      ...own(some),
    };
    const entry = fc.constantFrom(...Object.keys(keywords)).chain((key) => fc.tuple(fc.constant(key), keywords[key]!));
    const object = fc.array(entry, { minLength: 1, maxLength: 4 }).map((entries): Json => Object.fromEntries(entries));
    const reference = fc
      .constantFrom(...references)
      .chain(($ref) => fc.constantFrom<Json>({ items: { $ref } }, { properties: { a: { $ref } } }));
    return { schema: fc.oneof({ maxDepth: 3, depthSize: "small" }, fc.boolean(), reference, object) };
  }).schema;
}

const OPTIONS = { strict: false, logger: false, validateSchema: false } as const;

test.each([
  {
    draft: "2020-12" as const,
    ajv: new Ajv2020(OPTIONS),
    definitions: "$defs",
    references: ["#", "#/$defs/a", "#b"],
    anchor: { $anchor: "b" },
    own: (some: fc.Arbitrary<Json>) => ({
      prefixItems: fc.array(some, { minLength: 1, maxLength: 2 }),
      minContains: fc.nat(2),
      dependentRequired: member(fc.uniqueArray(name)),
      dependentSchemas: member(some),
      unevaluatedProperties: some,
    }),
  },
  {
    draft: "07" as const,
    ajv: new Ajv(OPTIONS),
    definitions: "definitions",
    references: ["#", "#/definitions/a", "#b"],
    anchor: { $id: "#b" },
    own: (some: fc.Arbitrary<Json>) => ({
      items: fc.oneof(some, fc.array(some, { minLength: 1, maxLength: 2 })),
      additionalItems: some,
      dependencies: member(fc.oneof(some, fc.uniqueArray(name))),
    }),
  },
])("draft $draft", ({ draft, ajv, definitions, references, anchor, own }) => {
  const schema = schemas(own, references);
  fc.assert(
    fc.property(schema, schema, schema, fc.array(value, { minLength: 10, maxLength: 10 }), (root, a, b, values) => {
      const whole = { allOf: [root], [definitions]: { a, b: { ...anchor, allOf: [b] } } };
      const judge = ajv.compile(whole);
      const node = openSchema(whole, { subject: "the schema", draft });
      for (const one of values) expect([one, valid(node, one)]).toEqual([one, judge(one)]);
    }),
    { numRuns: 200 },
  );
});
