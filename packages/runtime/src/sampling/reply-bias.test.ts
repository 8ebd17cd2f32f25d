import { ChatError } from "@orrery/chat";
import fc from "fast-check";
import { callMarks } from "../call-marks.ts";
import { trieOf } from "../constraint/trie.ts";
import { smallTokenizer } from "../constraint/vocabulary.test.support.ts";
import { compileMoves } from "../constraint/moves.ts";
import { extended, JSON_CASES } from "../prompt/json-formats.test.support.ts";
import { GEMMA4_FORMAT } from "../prompt/format.ts";
import { biasStrengths, createReplyBias, type BiasParts } from "./reply-bias.ts";

const vocabulary = smallTokenizer(["Dun", "can"]);
const callOpen = vocabulary.controlId(GEMMA4_FORMAT.callOpen);
const quote = vocabulary.controlId(GEMMA4_FORMAT.quote);
const marks = callMarks(vocabulary, trieOf(vocabulary), GEMMA4_FORMAT);
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
  offset.push(callOpen, "move");
  const answer = createReplyBias({ copyBias: 1, callOffset: 0 }, { ...parts, passages })!;
  for (const id of vocabulary.encode("Dun")) answer.push(id, "string");
  expect(answer.next("string").size).toBe(0);
  expect(() => answer.push(callOpen, "move")).toThrow("was read");
});

test("the offset is for the choice between an answer and a first call, not for one call more", () => {
  const bias = createReplyBias({ copyBias: 0, callOffset: -1.5 }, parts)!;
  expect([...bias.next("move")]).toEqual([[callOpen, -1.5]]);
  expect([...bias.next("free-text")]).toEqual([]);
  bias.push(callOpen, "move");
  expect([...bias.next("move")]).toEqual([]);
});

test.each(JSON_CASES.map(([name, one]) => [name, one] as const))(
  "%s: the offset moves the choice between an answer and a call that is JSON, and nothing follows its values",
  (_, { format, controls }) => {
    const words = extended(smallTokenizer(['[{"', '[{"name', "<tool", "[x"]), controls);
    const trie = trieOf(words);
    const found = callMarks(words, trie, format);
    const [lead] = format.json.before;
    const begins = (id: number) => {
      const spelt = words.bytes(id);
      return spelt && lead && "text" in lead
        ? Buffer.from(lead.text).indexOf(Buffer.from(spelt)) === 0
        : id === words.control.get((lead as { control: string }).control);
    };
    const expected = Array.from({ length: words.size }, (_, id) => id).filter(begins);
    expect([...found.opens].toSorted((a, b) => a - b)).toEqual(expected);
    expect(expected.length).toBeGreaterThan(0);

    const bias = createReplyBias({ copyBias: 5, callOffset: -1.5 }, { ...parts, vocabulary: words, trie, marks: found })!;
    const grammar = compileMoves({ answer: true, calls: [{ name: "f", input: { type: "object" } }], parallel: 2 }, words, format);
    const start = grammar.start();
    expect(start.position).toBe("move");
    expect([...bias.next(start.position).keys()].filter((id) => !start.mask().has(id))).toEqual([]);
    expect(new Map(bias.next(start.position))).toEqual(new Map(expected.map((id) => [id, -1.5])));
    bias.push(expected[0]!, "move");
    expect(bias.next("move").size).toBe(0);
    expect(createReplyBias({ copyBias: 5, callOffset: 0 }, { ...parts, marks: found })).toBeUndefined();
  },
);

test("the copy bias is for the arguments of a call", () => {
  const bias = createReplyBias({ copyBias: 3, callOffset: 0 }, parts)!;
  bias.push(callOpen, "move");
  bias.push(quote, "structure");
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
          expect(by).toBe(moved === callOpen ? -2 : 3);
        }
        bias.push(id, at);
      }
    }),
  );
});
