import type { Json, JsonSchema } from "@orrery/chat";
import { z } from "zod";
import { ConstraintError } from "../errors.ts";
import { GEMMA4_FORMAT } from "../prompt/format.ts";
import { compileMoves } from "./moves.ts";
import { accepts, smallTokenizer } from "./vocabulary.test.support.ts";

const tokenizer = smallTokenizer();
const DRAFT_07: JsonSchema = { $schema: "http://json-schema.org/draft-07/schema#" };

function grammarOf(input: JsonSchema) {
  return compileMoves({ answer: false, calls: [{ name: "f", input }], parallel: 1 }, tokenizer, GEMMA4_FORMAT);
}

/** Is `call:f{body}` a legal reply under the schema? */
function takes(input: JsonSchema, body: string): boolean {
  return accepts(grammarOf(input).start(), tokenizer, `<|tool_call>call:f${body}<tool_call|><|tool_response>`);
}

/** Is `{v:spelling}` legal where `v` has the schema? */
function takesValue(schema: JsonSchema, spelling: string): boolean {
  return takes({ type: "object", properties: { v: schema }, required: ["v"] }, `{v:${spelling}}`);
}

function refusal(input: JsonSchema): ConstraintError {
  try {
    grammarOf(input);
  } catch (thrown) {
    if (thrown instanceof ConstraintError) return thrown;
    throw thrown;
  }
  throw new Error("the schema was compiled");
}

describe("objects", () => {
  const input: JsonSchema = {
    type: "object",
    properties: { b: { type: "boolean" }, A: { type: "null" }, c: { type: "integer" } },
    required: ["b"],
  };

  test("keys come sorted without regard to case; optional ones may be left out", () => {
    expect(takes(input, "{A:null,b:true,c:1}")).toBe(true);
    expect(takes(input, "{b:true}")).toBe(true);
    expect(takes(input, "{b:false,c:12}")).toBe(true);
    expect(takes(input, "{b:true,A:null}")).toBe(false);
    expect(takes(input, "{A:null}")).toBe(false);
    expect(takes(input, "{}")).toBe(false);
    expect(takes(input, "{A:null,b:true,c:1,}")).toBe(false);
    expect(takes(input, "{b:true,b:true}")).toBe(false);
    expect(takes(input, "{b:true,d:1}")).toBe(false);
  });

  test("an object without properties is empty", () => {
    expect(takes({ type: "object" }, "{}")).toBe(true);
    expect(takes({}, "{}")).toBe(true);
  });

  test("nested objects and arrays of objects are compiled", () => {
    const nested: JsonSchema = {
      type: "array",
      items: { type: "object", properties: { x: { type: "array", items: { type: "null" } } }, required: ["x"] },
    };
    expect(takesValue(nested, "[{x:[null,null]},{x:[]}]")).toBe(true);
    expect(takesValue(nested, "[{x:[null,]}]")).toBe(false);
    expect(takesValue(nested, "[{}]")).toBe(false);
  });

  test("an optional property that no value fits is never written; a required one makes the move impossible", () => {
    expect(takes({ type: "object", properties: { a: false, b: { type: "null" } } }, "{b:null}")).toBe(true);
    expect(takes({ type: "object", properties: { a: false } }, "{a:null}")).toBe(false);
    expect(refusal({ type: "object", properties: { a: { enum: [] } }, required: ["a"] })).toMatchObject({
      code: "constraint/unsatisfiable",
    });
  });
});

describe("values", () => {
  test("enum and const are exact, of every type", () => {
    const schema: JsonSchema = { enum: ["red", "re", 12, null, [1, "x"], { b: true, A: "é" }] };
    for (const spelling of ['<|"|>red<|"|>', '<|"|>re<|"|>', "12", "null", '[1,<|"|>x<|"|>]', '{A:<|"|>é<|"|>,b:true}'])
      expect([spelling, takesValue(schema, spelling)]).toEqual([spelling, true]);
    for (const spelling of ['<|"|>r<|"|>', '<|"|>redo<|"|>', "1", "[1]", "red"])
      expect([spelling, takesValue(schema, spelling)]).toEqual([spelling, false]);
    expect(takesValue({ const: "a" }, '<|"|>a<|"|>')).toBe(true);
  });

  test("enum is filtered by the keywords beside it", () => {
    const schema: JsonSchema = { type: ["string", "integer"], enum: ["a", "long", 3, 300, 1.5], maxLength: 2, maximum: 10 };
    expect(takesValue(schema, '<|"|>a<|"|>')).toBe(true);
    expect(takesValue(schema, "3")).toBe(true);
    for (const spelling of ['<|"|>long<|"|>', "300", "1.5"]) expect(takesValue(schema, spelling)).toBe(false);
  });

  test("lengths count code points", () => {
    const schema: JsonSchema = { type: "string", minLength: 2, maxLength: 3 };
    for (const text of ["ab", "😀😀", "é😀a"]) expect([text, takesValue(schema, `<|"|>${text}<|"|>`)]).toEqual([text, true]);
    for (const text of ["", "a", "😀", "abcd", "😀😀😀😀"]) expect([text, takesValue(schema, `<|"|>${text}<|"|>`)]).toEqual([text, false]);
  });

  test("array lengths are exact", () => {
    const schema: JsonSchema = { type: "array", items: { type: "null" }, minItems: 1, maxItems: 3 };
    expect([0, 1, 2, 3, 4].map((n) => takesValue(schema, `[${Array(n).fill("null").join()}]`))).toEqual([false, true, true, true, false]);
  });

  test("a type list takes each of its types", () => {
    const schema: JsonSchema = { type: ["string", "null"] };
    expect(takesValue(schema, "null")).toBe(true);
    expect(takesValue(schema, '<|"|>null<|"|>')).toBe(true);
    expect(takesValue(schema, "true")).toBe(false);
  });
});

describe("combinations", () => {
  test("anyOf branches may share beginnings", () => {
    const schema: JsonSchema = { anyOf: [{ const: "abc" }, { const: "abd" }, { type: "integer", minimum: 5 }, { const: 51.5 }] };
    for (const spelling of ['<|"|>abc<|"|>', '<|"|>abd<|"|>', "5", "51", "51.5"])
      expect([spelling, takesValue(schema, spelling)]).toEqual([spelling, true]);
    for (const spelling of ['<|"|>ab<|"|>', "4", "52.5"]) expect([spelling, takesValue(schema, spelling)]).toEqual([spelling, false]);
  });

  test("dependent narrowing is an anyOf beside the properties", () => {
    const input: JsonSchema = {
      type: "object",
      properties: { id: { type: "string" }, n: { type: "integer" } },
      required: ["id", "n"],
      anyOf: [{ properties: { id: { const: "a" }, n: { maximum: 3 } } }, { properties: { id: { const: "b" }, n: { minimum: 7 } } }],
    };
    expect(takes(input, '{id:<|"|>a<|"|>,n:3}')).toBe(true);
    expect(takes(input, '{id:<|"|>b<|"|>,n:7}')).toBe(true);
    expect(takes(input, '{id:<|"|>a<|"|>,n:7}')).toBe(false);
    expect(takes(input, '{id:<|"|>c<|"|>,n:3}')).toBe(false);
  });

  test("allOf narrows, and a name required in one branch only is required", () => {
    const input: JsonSchema = {
      allOf: [
        { type: "object", properties: { a: { type: "integer" }, b: { type: "null" } } },
        { required: ["a"] },
        { properties: { a: { minimum: 9 } } },
      ],
    };
    expect(takes(input, "{a:9}")).toBe(true);
    expect(takes(input, "{b:null}")).toBe(false);
    expect(takes(input, "{a:8}")).toBe(false);
  });

  test("of the branches of oneOf exactly one holds", () => {
    const branch = (kind: string, name: string): JsonSchema => ({
      type: "object",
      properties: { kind: { const: kind }, [name]: { type: "null" } },
      required: ["kind", name],
      additionalProperties: false,
    });
    expect(takesValue({ oneOf: [branch("a", "x"), branch("b", "y")] }, '{kind:<|"|>a<|"|>,x:null}')).toBe(true);
    expect(takesValue({ oneOf: [branch("a", "x"), branch("b", "y")] }, '{kind:<|"|>a<|"|>,y:null}')).toBe(false);
    expect(takesValue({ oneOf: [{ type: "integer" }, { type: "number" }] }, "1.5")).toBe(true);
    expect(takesValue({ oneOf: [{ type: "integer" }, { type: "number" }] }, "2")).toBe(false);
  });

  test("local references are followed", () => {
    const input: JsonSchema = {
      type: "object",
      properties: { v: { $ref: "#/$defs/a~1b%25" }, w: { $ref: "#/$defs/a~1b%25", description: "again" } },
      required: ["v"],
      $defs: { "a/b%": { type: "integer", minimum: 1 } },
    };
    expect(takes(input, "{v:1,w:2}")).toBe(true);
    expect(takes(input, "{v:0}")).toBe(false);
  });

  test("what zod writes for a plain object is compiled", () => {
    const schema = z.object({
      n: z.int(),
      price: z.number().min(0).max(1),
      name: z.string().min(1).max(20).describe("a name"),
      size: z.enum(["s", "m"]).optional(),
      note: z.string().nullable(),
      list: z.array(z.object({ k: z.literal("x") })).max(2),
      either: z.discriminatedUnion("t", [z.object({ t: z.literal("a") }), z.object({ t: z.literal("b") })]),
    });
    const input = z.toJSONSchema(schema) as JsonSchema;
    expect(takes(input, '{either:{t:<|"|>b<|"|>},list:[{k:<|"|>x<|"|>}],n:-9007199254740991,name:<|"|>é<|"|>,note:null,price:0.25}')).toBe(
      true,
    );
    expect(takes(input, '{either:{t:<|"|>b<|"|>},list:[],n:9007199254740992,name:<|"|>é<|"|>,note:null,price:0.25}')).toBe(false);
  });
});

describe("formats and content", () => {
  test("a format that the standard does not define is a remark", () => {
    for (const format of ["int32", "double", "colour"]) {
      expect(takesValue({ type: "string", format }, '<|"|>any<|"|>')).toBe(true);
      expect(takesValue({ type: "number", format }, "1.5")).toBe(true);
    }
    expect(takesValue({ type: "string", format: "date" }, '<|"|>any<|"|>')).toBe(false);
  });

  test("base64 is asserted in draft-07, and a remark later", () => {
    const input = (v: JsonSchema, rest: JsonSchema): JsonSchema => ({ type: "object", properties: { v }, required: ["v"], ...rest });
    const schema: JsonSchema = { type: ["string", "null"], contentEncoding: "base64" };
    expect(takes(input(schema, DRAFT_07), '{v:<|"|>YQ==<|"|>}')).toBe(true);
    expect(takes(input(schema, DRAFT_07), "{v:null}")).toBe(true);
    expect(takes(input(schema, DRAFT_07), '{v:<|"|>YQ=<|"|>}')).toBe(false);
    expect(takes(input(schema, {}), '{v:<|"|>YQ=<|"|>}')).toBe(true);
    expect(takes(input({ type: "string", contentMediaType: "application/json" }, {}), '{v:<|"|>{<|"|>}')).toBe(true);
  });
});

describe("what cannot be compiled exactly is refused with a pointer", () => {
  const at = (schema: Json): JsonSchema => ({ type: "object", properties: { "a/b": schema } });
  test.each<[string, JsonSchema, string, string]>([
    ["a pattern that refers back", at({ type: "string", pattern: "(a)\\1" }), "unsupported", "/properties/a~1b/pattern"],
    ["a format that no automaton decides", at({ type: "string", format: "regex" }), "unsupported", "/properties/a~1b/format"],
    [
      "content of draft-07",
      { ...at({ contentMediaType: "application/json" }), ...DRAFT_07 },
      "unsupported",
      "/properties/a~1b/contentMediaType",
    ],
    [
      "an encoding of draft-07",
      { ...at({ contentEncoding: "quoted-printable" }), ...DRAFT_07 },
      "unsupported",
      "/properties/a~1b/contentEncoding",
    ],
    ["equal items wanted", at({ type: "array", not: { uniqueItems: true } }), "unsupported", "/properties/a~1b"],
    ["a foreign reference", at({ $ref: "other.json" }), "unsupported", "/properties/a~1b/$ref"],
    ["a reference to the same value", at({ $ref: "#/properties/a~1b" }), "unsupported", "/properties/a~1b"],
    ["a reference to nowhere", at({ $ref: "#/$defs/no" }), "bad-schema", "/properties/a~1b/$ref"],
    ["a name with a colon", { type: "object", properties: { "a:b": { type: "null" } } }, "unsupported", "/properties/a:b"],
    ["bounds beyond safe integers", at({ type: "integer", minimum: 2 ** 60 }), "unsupported", "/properties/a~1b"],
    ["a recursion without an end", { type: "object", properties: { a: { $ref: "#" } }, required: ["a"] }, "unsatisfiable", ""],
    ["half of a surrogate pair", { type: "object", properties: { a: { const: "\ud800" } }, required: ["a"] }, "unsatisfiable", ""],
    ["an unknown type", at({ type: "text" }), "bad-schema", "/properties/a~1b/type"],
    ["a bound that is no number", at({ type: "integer", minimum: "1" }), "bad-schema", "/properties/a~1b/minimum"],
    ["a schema that is none", at("string"), "bad-schema", "/properties/a~1b"],
    ["a schema without a value", { type: "string" }, "unsatisfiable", ""],
  ])("%s", (_, input, code, pointer) => {
    const error = refusal(input);
    expect({ code: error.code, pointer: error.pointer }).toEqual({ code: `constraint/${code}`, pointer });
    expect(error.hint).toBeTruthy();
  });

  test("properties named __proto__ and constructor are properties like others", () => {
    const input = JSON.parse(
      '{"type":"object","properties":{"__proto__":{"type":"null"},"constructor":{"const":{"__proto__":1}}}}',
    ) as JsonSchema;
    expect(takes(input, "{__proto__:null,constructor:{__proto__:1}}")).toBe(true);
    expect(takes(input, "{__proto__:1}")).toBe(false);
  });
});

describe("hostile schemas end in a typed error or in a grammar, quickly", () => {
  test("deep nesting", () => {
    let schema: JsonSchema = { type: "null" };
    for (let i = 0; i < 100_000; i++) schema = { type: "array", items: schema };
    expect(refusal({ type: "object", properties: { a: schema } })).toMatchObject({ code: "constraint/too-deep" });
    let value: Json = null;
    for (let i = 0; i < 100_000; i++) value = [value];
    expect(refusal({ type: "object", properties: { a: { const: value } } })).toMatchObject({ code: "constraint/too-deep" });
  });

  test("an object that contains itself", () => {
    const schema: Record<string, Json> = { type: "object" };
    schema["properties"] = { a: schema };
    expect(refusal(schema)).toMatchObject({ code: "constraint/bad-schema" });
  });

  test("an enum of 10,000 strings", () => {
    const ids = Array.from({ length: 10_000 }, (_, i) => `paper-${i}`);
    expect(takesValue({ enum: ids }, '<|"|>paper-9999<|"|>')).toBe(true);
    expect(takesValue({ enum: ids }, '<|"|>paper-10000<|"|>')).toBe(false);
  });

  test("definitions that double thirty times", () => {
    const doubling = (make: (next: JsonSchema) => JsonSchema): JsonSchema => {
      const $defs: Record<string, Json> = { d30: { type: "null" } };
      for (let i = 0; i < 30; i++) $defs[`d${i}`] = make({ $ref: `#/$defs/d${i + 1}` });
      return { type: "object", properties: { v: { $ref: "#/$defs/d0" } }, $defs };
    };
    expect(() => grammarOf(doubling((next) => ({ anyOf: [next, next] })))).not.toThrow();
    expect(() => grammarOf(doubling((next) => ({ type: "object", properties: { a: next, b: next } })))).not.toThrow();
    expect(() => grammarOf(doubling((next) => ({ anyOf: [next, { allOf: [next, { type: ["null", "string"] }] }] })))).not.toThrow();
  });

  test("a product of choices", () => {
    const many: Json[] = Array.from({ length: 300 }, (_, i) => ({ properties: { a: { minimum: i } } }));
    expect(refusal({ type: "object", allOf: [{ anyOf: many }, { anyOf: many }] })).toMatchObject({ code: "constraint/too-large" });
  });
});
