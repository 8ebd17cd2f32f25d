/** Replies with JSON calls that no grammar kept in order: each is text, calls, or says what is wrong, and nothing throws. */
import fc from "fast-check";
import { byteTokenizer } from "./fixtures.test.support.ts";
import { GEMMA3_FORMAT } from "./gemma3.ts";
import { createJsonReplyParser } from "./json-reply.ts";
import type { ReplyPart } from "./reply.ts";
import { MAX_VALUE_DEPTH } from "./value.ts";

const tokenizer = byteTokenizer(["<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>"]);
const CONTROL = /(<bos>|<eos>|<start_of_turn>|<end_of_turn>)/;
const idsOf = (reply: string): number[] =>
  reply.split(CONTROL).flatMap((piece) => (CONTROL.test(piece) ? [tokenizer.controlId(piece)] : tokenizer.encode(piece)));

function parse(ids: readonly number[]): ReplyPart[] {
  const parser = createJsonReplyParser(tokenizer, GEMMA3_FORMAT);
  const parts = [...ids.flatMap((id) => parser.push(id)), ...parser.end()];
  expect([...parser.push(65), ...parser.end()]).toEqual([]);
  return parts;
}
const whole = (parts: readonly ReplyPart[]) => parts.filter(({ type }) => type !== "tool-call-delta" && type !== "stop");

const CALL = '[{"name": "f", "parameters": ';

test.each([
  ["a name that is none", '[{"name": "f x", "parameters": {}}]'],
  ["no name", '[{"name": "", "parameters": {}}]'],
  ["a name of 65 letters", `[{"name": "${"a".repeat(65)}", "parameters": {}}]`],
  ["other words before the input", '[{"name": "f", "arguments": {}}]'],
  ["a list as input", `${CALL}[]}]`],
  ["what is no JSON", `${CALL}{"a": x}}]`],
  ["brackets that do not match", `${CALL}{"a": [1}}]`],
  ["a number beyond all numbers", `${CALL}{"a": 1e999}}]`],
  ["too many levels", `${CALL}{"a": ${"[".repeat(MAX_VALUE_DEPTH)}${"]".repeat(MAX_VALUE_DEPTH)}}}]`],
  ["a control token in the input", `${CALL}{"a": <bos>1}}]`],
  ["a control token behind it", `${CALL}{}}<bos>]`],
  ["more behind the calls", `${CALL}{}}] and so on`],
  ["no comma between two", `${CALL}{}} {"name": "g"`],
])("%s is malformed, and told as it was written", (_, reply) => {
  for (const end of ["<end_of_turn>", "<eos>", ""])
    expect(whole(parse(idsOf(reply + end)))).toEqual([{ type: "malformed", index: 0, wrong: expect.stringMatching(/./), raw: reply }]);
});

test("what was called before something malformed stays called", () => {
  expect(whole(parse(idsOf(`${CALL}{"a": 1}}, {"name": "g", "parameters": 2}]<end_of_turn>`)))).toEqual([
    { type: "tool-call", index: 0, name: "f", input: { a: 1 } },
    { type: "malformed", index: 1, wrong: expect.any(String), raw: 'g", "parameters": 2}]' },
  ]);
});

test("a key __proto__ is a key like any other", () => {
  const [call] = whole(parse(idsOf(`${CALL}{"__proto__": {"a": 1}}}]<end_of_turn>`)));
  expect(JSON.stringify(call)).toContain('"input":{"__proto__":{"a":1}}');
});

test("any ids are read: text exactly when they do not begin like a call, and all of the text comes out", () => {
  const piece = fc.constantFrom(
    '[{"name": "',
    "f",
    '", "parameters": ',
    "{",
    "}",
    "}]",
    '}, {"name": "',
    '"a":1',
    "é",
    "<bos>",
    "<eos>",
    "<end_of_turn>",
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string({ maxLength: 3 })), { maxLength: 12 }), (pieces) => {
      const reply = pieces.join("");
      const parts = parse(idsOf(reply));
      const [said = ""] = reply.split(/<eos>|<end_of_turn>/);
      const text = parts.map((part) => (part.type === "text-delta" ? part.text : "")).join("");
      const isCall = said.startsWith('[{"name": "');
      expect(text).toBe(isCall ? "" : said.replaceAll(/<bos>|<start_of_turn>/g, ""));
      expect(whole(parts).some(({ type }) => type !== "text-delta")).toBe(isCall);
    }),
    { numRuns: 500 },
  );
});
