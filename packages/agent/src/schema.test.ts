import type { JsonSchema } from "@orrery/chat";
import fc from "fast-check";
import { randomFrom, randomInstance } from "./random-instance.ts";
import { z } from "zod";
import { compileSchema, intersect, problemOf } from "./schema.ts";
import { tool } from "./tool.ts";

const schemaOfInput = (input: z.ZodType): JsonSchema => tool({ name: "t", description: "", input, run: () => null }).input;

const object = (properties: JsonSchema, required: string[] = Object.keys(properties)): JsonSchema => ({
  type: "object",
  properties,
  required,
});

describe("problemOf", () => {
  const schema = object({ unit: { enum: ["celsius", "kelvin"] }, at: { type: "array", items: { type: "integer", maximum: 3 } } });
  test.each([
    [{ unit: "celsius", at: [1] }, undefined],
    [{ unit: "celsius" }, "'at' is missing"],
    [{ unit: "f", at: [] }, 'unit: must be one of "celsius", "kelvin"'],
    [{ unit: "celsius", at: [1, 9] }, "at.1: must be <= 3"],
    [[], "must be object"],
  ])("%j: %s", (input, problem) => expect(problemOf(schema, input)).toBe(problem));

  test("a misspelt keyword is refused, because nothing would enforce it", () => {
    expect(() => compileSchema({ type: "object", propertes: {} })).toThrow(expect.objectContaining({ code: "agent/bad-schema" }));
  });

  test("a schema with an $id can be compiled more than once", () => {
    const schema = { $id: "https://example.org/a", type: "string" };
    expect([problemOf({ ...schema }, "a"), problemOf({ ...schema }, 1)]).toEqual([undefined, "must be string"]);
  });

  test("__proto__ in an input is data", () => {
    const input: unknown = JSON.parse('{"__proto__": {"admin": true}}');
    expect(problemOf({ type: "object", additionalProperties: false }, input)).toBe("'__proto__' is not an argument");
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });
});

describe("extensions", () => {
  test("what must be taken from a text is checked", () => {
    const schema = object({ quote: { type: "string", substringOf: "a b a 😀" }, at: { type: "string", uniqueSubstringOf: "a b a 😀" } });
    expect(problemOf(schema, { quote: "a", at: "b a" })).toBeUndefined();
    for (const quote of ["", "ab", "\ud83d"])
      expect(problemOf(schema, { quote, at: "b" })).toBe("quote: must stand, word for word, in the text that it is taken from");
    for (const at of ["", "a", "c", "\ude00"])
      expect(problemOf(schema, { quote: "b", at })).toBe("at: must stand exactly once in the text that it is taken from");
  });

  test("copyFrom is a remark, and a source that nobody knows is refused", () => {
    expect(problemOf(object({ name: { type: "string", copyFrom: "conversation" } }), { name: "anything" })).toBeUndefined();
    expect(() => compileSchema({ copyFrom: "file" })).toThrow(expect.objectContaining({ code: "agent/bad-schema" }));
  });

  test("zod carries them in meta", () => {
    const input = z.object({ name: z.string().meta({ copyFrom: "conversation" }), quote: z.string().meta({ substringOf: "text" }) });
    expect(schemaOfInput(input)).toMatchObject({
      properties: { name: { type: "string", copyFrom: "conversation" }, quote: { type: "string", substringOf: "text" } },
    });
  });

  test("a narrowing may add them", () => {
    const base = object({ quote: { type: "string", maxLength: 9 } });
    const narrowed = intersect(base, { properties: { quote: { substringOf: "said" } } });
    expect(narrowed).toEqual(object({ quote: { type: "string", maxLength: 9, substringOf: "said" } }));
  });
});

describe("intersect", () => {
  const base = object({ id: { type: "string", enum: ["a", "b", "c"] }, n: { type: "integer", minimum: 0, maximum: 9 } });

  test("enums intersect and bounds tighten", () => {
    expect(intersect(base, { properties: { id: { enum: ["c", "d", "a"] }, n: { minimum: 3, maximum: 20 } } })).toEqual(
      object({ id: { type: "string", enum: ["c", "a"] }, n: { type: "integer", minimum: 3, maximum: 9 } }),
    );
  });
  test("nothing left to choose is false", () => {
    expect(intersect(base, { properties: { id: { enum: ["x"] } } })).toBe(false);
    expect(intersect(base, { properties: { id: { const: "x" } } })).toBe(false);
    expect(intersect(base, { anyOf: [{ properties: { id: { const: "x" } } }] })).toBe(false);
  });
  test("a dependent narrowing is one branch an id, each with the whole base", () => {
    const narrowed = intersect(base, { anyOf: ["a", "b"].map((id, i) => ({ properties: { id: { const: id }, n: { maximum: i } } })) });
    if (narrowed === false) throw new Error("expected a schema");
    expect(problemOf(narrowed, { id: "b", n: 1 })).toBeUndefined();
    expect(problemOf(narrowed, { id: "a", n: 1 })).toBeDefined();
  });
  test("types that share nothing leave nothing; an integer is a number", () => {
    expect(intersect(base, { type: "array" })).toBe(false);
    expect(intersect({ type: ["number", "string"] }, { type: ["integer", "null"] })).toEqual({ type: "integer" });
  });
  test("what cannot be merged stands beside the base", () => {
    const narrowed = intersect({ not: { required: ["n"] } }, { not: { required: ["id"] } });
    if (narrowed === false) throw new Error("expected a schema");
    expect([{}, { id: "a" }, { n: 1 }].map((value) => problemOf(narrowed, value) === undefined)).toEqual([true, false, false]);
  });

  test("the intersection accepts exactly what both accept", () => {
    const letters = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d"), { minLength: 1 });
    const limits = fc.record({
      id: letters.map((choices) => ({ enum: choices })),
      n: fc.record({ minimum: fc.integer({ min: -3, max: 3 }), maximum: fc.integer({ min: -3, max: 12 }) }),
    });
    const input = fc.record({ id: fc.constantFrom("a", "b", "c", "d"), n: fc.integer({ min: -4, max: 12 }) });
    fc.assert(
      fc.property(limits, input, (properties, value) => {
        const extra: JsonSchema = { type: "object", properties };
        const both = intersect(base, extra);
        const legal = problemOf(base, value) === undefined && problemOf(extra, value) === undefined;
        expect(both !== false && problemOf(both, value) === undefined).toBe(legal);
      }),
      { numRuns: 60 },
    );
  });
});

test("a random instance is valid under its schema", () => {
  const schemas: JsonSchema[] = [
    object({ a: { type: "string", minLength: 2, maxLength: 4 }, b: { type: "integer", exclusiveMinimum: 3, maximum: 5 } }, ["a"]),
    object({
      list: { type: "array", items: { anyOf: [{ type: "null" }, { type: "number", minimum: 0, maximum: 1 }] }, minItems: 1, maxItems: 2 },
    }),
    {
      type: "object",
      properties: { next: { $ref: "#/$defs/node" } },
      $defs: { node: { type: "object", properties: { next: { $ref: "#/$defs/node" } } } },
    },
    { enum: ["x", 1, null] },
    { type: ["string", "boolean"] },
    { type: "string", substringOf: "no man is an island", maxLength: 30 },
    { type: "string", uniqueSubstringOf: "to be or not to be" },
    object({ n: { type: "integer", allOf: [{ minimum: 3 }, { not: { const: 5 } }] } }, ["n"]),
  ];
  for (const schema of schemas)
    for (let seed = 0; seed < 50; seed++) expect(problemOf(schema, randomInstance(schema, randomFrom(seed)))).toBeUndefined();
});
