/**
 * The keywords that Orrery adds to JSON Schema, for ajv. In: an ajv. Out: the same, which knows them. Law: what the token mask allows is
 * valid here. `substringOf` and `uniqueSubstringOf` are checked exactly; `copyFrom` is a remark, because ajv does not see the conversation.
 */
import type { Ajv2020 } from "ajv/dist/2020.js";

export function addExtensions(ajv: Ajv2020): Ajv2020 {
  return ajv
    .addKeyword({
      keyword: "substringOf",
      type: "string",
      schemaType: "string",
      compile: (text: string) => (value: string) => isPiece(value) && text.includes(value),
      error: { message: "must stand, word for word, in the text that it is taken from" },
    })
    .addKeyword({
      keyword: "uniqueSubstringOf",
      type: "string",
      schemaType: "string",
      compile: (text: string) => (value: string) =>
        isPiece(value) && text.includes(value) && text.indexOf(value) === text.lastIndexOf(value),
      error: { message: "must stand exactly once in the text that it is taken from" },
    })
    .addKeyword({ keyword: "copyFrom", schemaType: "string", metaSchema: { const: "conversation" } });
}

/** Not empty, and no half of a surrogate pair: no text of code points holds one. */
function isPiece(value: string): boolean {
  return value !== "" && !/\p{Surrogate}/u.test(value);
}
