import type { Json, JsonSchema } from "@orrery/chat";
import { tool } from "@orrery/agent";
import fc from "fast-check";
import { toDraft2020 } from "./dialect.ts";

const OLD = "http://json-schema.org/draft-07/schema#";

test.each<[string, Json, JsonSchema]>([
  ["marks of other tools go", { type: "object", "x-order": 1, nullable: true, example: 3, $id: "urn:a", id: "a" }, { type: "object" }],
  ["first items", { items: [{ type: "string" }, true], additionalItems: false }, { prefixItems: [{ type: "string" }, true], items: false }],
  ["no first items", { items: { type: "string" }, additionalItems: false }, { items: { type: "string" } }],
  [
    "dependencies",
    { dependencies: { a: ["b"], c: { required: ["d"] } } },
    { dependentRequired: { a: ["b"] }, dependentSchemas: { c: { required: ["d"] } } },
  ],
  ["bounds of draft 4", { minimum: 1, exclusiveMinimum: true, maximum: 5, exclusiveMaximum: false }, { exclusiveMinimum: 1, maximum: 5 }],
  ["bounds of today", { exclusiveMinimum: 1, minimum: 0 }, { exclusiveMinimum: 1, minimum: 0 }],
  [
    "what an old draft has beside a reference",
    { $schema: OLD, $ref: "#/definitions/a", minLength: 3, definitions: { a: {} } },
    { $ref: "#/definitions/a", definitions: { a: {} } },
  ],
  [
    "what a new draft has beside a reference",
    { $ref: "#/$defs/a", minLength: 3, $defs: { a: {} } },
    { $ref: "#/$defs/a", minLength: 3, $defs: { a: {} } },
  ],
])("%s", (_, schema, expected) => {
  expect(toDraft2020(schema)).toEqual(expected);
});

test("properties are not keywords, whatever they are called", () => {
  const schema = {
    type: "object",
    properties: { items: { type: "string", "x-a": 1 }, $id: {}, description: true, ["__proto__"]: { type: "null" } },
  };
  expect(toDraft2020(JSON.parse(JSON.stringify(schema)))).toEqual({
    type: "object",
    properties: { items: { type: "string" }, $id: {}, description: true, ["__proto__"]: { type: "null" } },
  });
});

test("a schema of zod-to-json-schema's kind becomes a tool", () => {
  const input = toDraft2020({
    $schema: OLD,
    type: "object",
    properties: {
      where: { $ref: "#/definitions/place" },
      pair: { type: "array", items: [{ type: "number" }, { type: "number" }], minItems: 2, maxItems: 2 },
    },
    required: ["where"],
    definitions: { place: { type: "object", properties: { city: { type: "string" } }, required: ["city"] } },
    additionalProperties: false,
  });
  const made = tool({ name: "go", description: "", input, run: () => null });
  return expect(made.run({ where: { town: "Oslo" } }, { callId: "1", signal: new AbortController().signal })).rejects.toMatchObject({
    code: "tool/bad-input",
    message: "where: 'city' is missing",
  });
});

test("long descriptions are cut; what is too large or too deep is refused", () => {
  expect(String(toDraft2020({ description: "a".repeat(1_000) })["description"])).toHaveLength(301);
  expect(() => toDraft2020({ title: "a".repeat(30_000) })).toThrow(RangeError);
  let deep: Json = {};
  for (let i = 0; i < 100; i++) deep = { not: deep };
  expect(() => toDraft2020(deep)).toThrow(RangeError);
});

test("any JSON is translated or refused with a RangeError or a TypeError, and twice is once", () => {
  const keyword = fc.constantFrom(
    "items",
    "properties",
    "anyOf",
    "not",
    "dependencies",
    "exclusiveMinimum",
    "minimum",
    "description",
    "$ref",
    "$schema",
    "x",
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.jsonValue({ maxDepth: 1 }),
      fc.dictionary(keyword, tie("tree"), { maxKeys: 4 }),
      fc.array(tie("tree"), { maxLength: 3 }),
    ),
  }));
  fc.assert(
    fc.property(tree, (schema) => {
      let once: JsonSchema;
      try {
        once = toDraft2020(JSON.parse(JSON.stringify(schema)));
      } catch (thrown) {
        expect(thrown instanceof RangeError || thrown instanceof TypeError).toBe(true);
        return;
      }
      expect(toDraft2020(once)).toEqual(once);
    }),
  );
});
