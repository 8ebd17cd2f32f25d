/** Replies of formats without native calls: text until the token that ends the turn. */
import { byteTokenizer } from "./fixtures.test.support.ts";
import { GEMMA3_FORMAT } from "./gemma3.ts";
import { createTextReplyParser } from "./text-reply.ts";

const tokenizer = byteTokenizer(["<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>"]);
const id = (name: string): number => tokenizer.controlId(name);
const parse = (ids: readonly number[]) => {
  const parser = createTextReplyParser(tokenizer, GEMMA3_FORMAT);
  return [...ids.flatMap((one) => parser.push(one)), ...parser.end(), ...parser.push(65), ...parser.end()];
};
const text = (words: string) => [{ type: "text-delta", text: words }];

test.each<[string, number[], unknown[]]>([
  [
    "stops at the end of the turn, and nothing comes after",
    [72, 105, id("<end_of_turn>"), 33],
    [...text("H"), ...text("i"), { type: "stop", reason: "turn" }],
  ],
  ["stops at the end of the text", [72, id("<eos>")], [...text("H"), { type: "stop", reason: "end" }]],
  ["holds back half a character", [0xc3, 0xa9], text("é")],
  ["gives half a character at the end as what it is", [0xc3], text("\ufffd")],
  ["leaves out a control token that means nothing", [72, id("<bos>"), 105], [...text("H"), ...text("i")]],
  ["of nothing is nothing", [], []],
])("a reply %s", (_, ids, parts) => {
  expect(parse(ids)).toEqual(parts);
});

test("a vocabulary without the end of a turn is refused", () => {
  expect(() => createTextReplyParser(byteTokenizer([]), GEMMA3_FORMAT)).toThrow("<end_of_turn>");
});
