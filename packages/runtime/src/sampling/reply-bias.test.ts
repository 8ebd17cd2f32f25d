import { ChatError } from "@orrery/chat";
import fc from "fast-check";
import { trieOf } from "../constraint/trie.ts";
import { smallTokenizer } from "../constraint/vocabulary.test.support.ts";
import { GEMMA4_FORMAT } from "../prompt/format.ts";
import { biasStrengths, createReplyBias, type BiasParts } from "./reply-bias.ts";

const vocabulary = smallTokenizer(["Dun", "can"]);
const marks = { callOpen: vocabulary.controlId(GEMMA4_FORMAT.callOpen), quote: vocabulary.controlId(GEMMA4_FORMAT.quote) };
const parts: BiasParts = { vocabulary, trie: trieOf(vocabulary), marks, passages: () => ["Dr. Duncan"] };

test("a request's strengths go before the model's own, and those before none", () => {
  expect(biasStrengths()).toEqual({ copyBias: 0, callOffset: 0 });
  expect(biasStrengths(undefined, { copyBias: 2, callOffset: -1 })).toEqual({ copyBias: 2, callOffset: -1 });
  expect(biasStrengths({ copyBias: 0 }, { copyBias: 2, callOffset: -1 })).toEqual({ copyBias: 0, callOffset: -1 });
  expect(biasStrengths({ callOffset: 20, copyBias: 20 })).toEqual({ copyBias: 20, callOffset: 20 });
});

test.each([
  { copyBias: -0.1 },
  { copyBias: 20.1 },
  { copyBias: Number.NaN },
  { callOffset: -21 },
  { callOffset: 21 },
  { callOffset: Infinity },
  { callOffset: Number.NaN },
])("%j is refused", (sampling) => {
  expect(() => biasStrengths(sampling)).toThrow(ChatError);
  expect(() => biasStrengths(sampling)).toThrow(expect.objectContaining({ code: "chat/bad-sampling", hint: expect.any(String) }));
});

test("without a strength there is no bias, and without a call the conversation is not read", () => {
  const passages = () => {
    throw new Error("was read");
  };
  expect(createReplyBias({ copyBias: 0, callOffset: 0 }, { ...parts, passages })).toBeUndefined();
  const offset = createReplyBias({ copyBias: 0, callOffset: 1 }, { ...parts, passages })!;
  offset.push(marks.callOpen, "move");
  const answer = createReplyBias({ copyBias: 1, callOffset: 0 }, { ...parts, passages })!;
  for (const id of vocabulary.encode("Dun")) answer.push(id, "string");
  expect(answer.next("string").size).toBe(0);
  expect(() => answer.push(marks.callOpen, "move")).toThrow("was read");
});

test("the offset is for the choice between an answer and a first call, not for one call more", () => {
  const bias = createReplyBias({ copyBias: 0, callOffset: -1.5 }, parts)!;
  expect([...bias.next("move")]).toEqual([[marks.callOpen, -1.5]]);
  expect([...bias.next("free-text")]).toEqual([]);
  bias.push(marks.callOpen, "move");
  expect([...bias.next("move")]).toEqual([]);
});

test("the copy bias is for the arguments of a call", () => {
  const bias = createReplyBias({ copyBias: 3, callOffset: 0 }, parts)!;
  bias.push(marks.callOpen, "move");
  bias.push(marks.quote, "structure");
  for (const id of vocabulary.encode("Dun")) bias.push(id, "string");
  expect(new Map(bias.next("string"))).toEqual(
    new Map([["c".charCodeAt(0), 3], ...vocabulary.encode("can").map((id): [number, number] => [id, 3])]),
  );
});

test("whatever comes, only ids of the vocabulary are moved, by the strengths given", () => {
  const position = fc.constantFrom("move", "string", "number", "enum", "structure", "free-text", "tool-name", "thought" as const);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(vocabulary.size - 1), position)), (steps) => {
      const bias = createReplyBias({ copyBias: 3, callOffset: -2 }, parts)!;
      for (const [id, at] of steps) {
        for (const [moved, by] of bias.next(at)) {
          expect(moved).toBeLessThan(vocabulary.size);
          expect(by).toBe(moved === marks.callOpen ? -2 : 3);
        }
        bias.push(id, at);
      }
    }),
  );
});
