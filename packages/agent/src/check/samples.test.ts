import type { Json, JsonSchema } from "@orrery/chat";
import fc from "fast-check";
import { randomFrom, randomInstance } from "../random-instance.ts";
import { problemOf } from "../schema.ts";
import { samplesOf } from "./samples.ts";

const closed = (properties: Record<string, Json>, required: string[] = Object.keys(properties)): JsonSchema => ({
  type: "object",
  properties,
  required,
  additionalProperties: false,
});

test.each<[string, JsonSchema, Json[], boolean]>([
  ["each value of an enum", { enum: ["a", "b", null] }, ["a", "b", null], true],
  ["each branch", { anyOf: [{ const: 1 }, { type: "boolean" }] }, [1, false, true], true],
  [
    "each combination",
    closed({ a: { enum: [1, 2] }, b: { type: "boolean" } }),
    [1, 2].flatMap((a) => [false, true].map((b) => ({ a, b }))),
    true,
  ],
  ["there and not there", closed({ a: { const: 1 }, b: { const: 2 } }, ["a"]), [{ a: 1, b: 2 }, { a: 1 }], true],
  ["a short range", { type: "integer", minimum: 1, exclusiveMaximum: 4 }, [1, 2, 3], true],
  ["both ends of a long range", { type: "integer", minimum: -5, maximum: 1000 }, [-5, 1000], false],
  ["multiples", { type: "integer", exclusiveMinimum: 1, multipleOf: 3, maximum: 9 }, [3, 6, 9], true],
  ["both lengths", { type: "string", minLength: 2, maxLength: 5 }, ["te", "textt"], false],
  [
    "the shortest list, each item, the longest",
    { type: "array", items: { enum: [1, 2] }, maxItems: 2 },
    [[], [1], [2], [1, 2], [2, 1]],
    false,
  ],
  ["what `not` leaves", { enum: [1, 2, 3], not: { const: 2 } }, [1, 3], true],
  ["a piece of a text", { type: "string", uniqueSubstringOf: "one two" }, ["one two", "one"], false],
  ["a recursion", { $ref: "#/$defs/n", $defs: { n: closed({ next: { $ref: "#/$defs/n" } }, []) } }, [{}], false],
  ["nothing of nothing", { type: "string", substringOf: "" }, [], false],
])("%s", (_, schema, values, all) => {
  const samples = samplesOf(schema, 8);
  expect(samples.values).toEqual(expect.arrayContaining(values));
  expect(samples.all).toBe(all);
  if (all) expect(samples.values).toHaveLength(values.length);
});

const leaf = fc.constantFrom<JsonSchema>(
  { type: "boolean" },
  { enum: ["a", "b", "c"] },
  { const: 7 },
  { type: "integer", minimum: 0, maximum: 2 },
  { type: "integer", minimum: -1 },
  { type: "string", maxLength: 3 },
  { type: ["null", "boolean"] },
);
const schemas = fc.letrec<{ node: JsonSchema; object: JsonSchema }>((tie) => ({
  node: fc.oneof(
    { depthSize: "small" },
    leaf,
    tie("object"),
    fc.array(tie("node"), { minLength: 1, maxLength: 2 }).map((anyOf) => ({ anyOf })),
  ),
  object: fc
    .tuple(fc.dictionary(fc.constantFrom("x", "y", "z"), tie("node"), { maxKeys: 3 }), fc.boolean())
    .map(([properties, needed]) => closed(properties, needed ? Object.keys(properties) : [])),
})).node;

test("samples are valid, and where they are all there are, no random value is another", () => {
  fc.assert(
    fc.property(schemas, fc.integer(), fc.integer({ min: 1, max: 40 }), (schema, seed, max) => {
      const { values, all } = samplesOf(schema, max);
      expect(values.length).toBeLessThanOrEqual(max);
      expect(values.length).toBeGreaterThan(0);
      for (const value of values) expect(problemOf(schema, value)).toBeUndefined();
      if (!all) return;
      const texts = new Set(values.map((value) => sorted(value)));
      const random = randomFrom(seed);
      for (let i = 0; i < 20; i++) expect(texts).toContain(sorted(randomInstance(schema, random)));
    }),
  );
});

function sorted(value: Json): string {
  return JSON.stringify(value, (_, inner: Json) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner) ? Object.fromEntries(Object.entries(inner).sort()) : inner,
  );
}

test("each value of each property is played where the combinations are too many", () => {
  const letters = ["a", "b", "c", "d", "e"];
  const schema = closed({ x: { enum: letters }, y: { enum: letters }, z: { type: "boolean" } }, ["x", "y"]);
  const { values, all } = samplesOf(schema, 8);
  const seen = (name: string) => new Set(values.map((value) => (value as Record<string, Json>)[name]));
  expect([seen("x").size, seen("y").size, seen("z"), all]).toEqual([5, 5, new Set([false, true, undefined]), false]);
});
