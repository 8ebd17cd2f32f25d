/** Declarations of schemas that the syntax cannot say as they are. (Plain ones are compared with the canonical templates in gemma4.test.) */
import type { JsonSchema } from "@orrery/chat";
import { writeDeclaration } from "./declaration.ts";
import { SegmentWriter, spellSegments } from "./segments.ts";

function declare(a: JsonSchema, rest: JsonSchema = {}): string {
  const out = new SegmentWriter();
  writeDeclaration(out, { name: "f", description: "d", input: { type: "object", properties: { a }, ...rest } });
  return spellSegments(out.take()).replaceAll('<|"|>', "'");
}
const wrap = (property: string) => `<|tool>declaration:f{description:'d',parameters:{properties:{a:${property}},type:'OBJECT'}}<tool|>`;

test.each<[string, JsonSchema, string]>([
  [
    "a union with null is nullable",
    { anyOf: [{ type: "string" }, { type: "null" }], description: "x" },
    "{description:'x',nullable:true,type:'STRING'}",
  ],
  ["a list of types is its first, nullable if null is in it", { type: ["null", "integer"] }, "{nullable:true,type:'INTEGER'}"],
  ["of several alternatives the first is told", { oneOf: [{ type: "number" }, { type: "string" }] }, "{type:'NUMBER'}"],
  ["a constant is a choice of one", { const: "x" }, "{enum:['x'],type:'STRING'}"],
  ["choices of text without a type are strings", { enum: ["x", "y"] }, "{enum:['x','y'],type:'STRING'}"],
  ["choices of numbers are not told", { type: "integer", enum: [1, 2] }, "{type:'INTEGER'}"],
  ["no type at all is an empty one", { description: "x" }, "{description:'x',type:''}"],
])("%s", (_, schema, expected) => {
  expect(declare(schema)).toBe(wrap(expected));
});

test("references within the schema are followed", () => {
  expect(declare({ type: "array", items: { $ref: "#/$defs/b~1c" } }, { $defs: { "b/c": { type: "boolean" } } })).toBe(
    wrap("{items:{type:'BOOLEAN'},type:'ARRAY'}"),
  );
  expect(declare({ $ref: "#/$defs/none" })).toBe(wrap("{type:''}"));
});

test.each<JsonSchema>([{ $ref: "#/properties/a" }, { type: "object", properties: { b: { $ref: "#/properties/a" } } }])(
  "a schema without end is refused",
  (schema) => {
    expect(() => declare(schema)).toThrow(expect.objectContaining({ code: "prompt/too-deep" }));
  },
);

test("a tool whose name the syntax cannot spell is refused", () => {
  expect(() => writeDeclaration(new SegmentWriter(), { name: "a b", description: "", input: {} })).toThrow(
    expect.objectContaining({ code: "prompt/bad-tool-name" }),
  );
});
