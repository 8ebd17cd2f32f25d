/** Thoughts in the grammar of a reply: before all else, and only where they are allowed. */
import type { Moves } from "@orrery/chat";
import { GEMMA4_FORMAT } from "../prompt/format.ts";
import { createReplyParser } from "../prompt/reply.ts";
import { compileMoves, type Thought } from "./moves.ts";
import { accepts, idsOf, smallTokenizer } from "./vocabulary.test.support.ts";

const tokenizer = smallTokenizer();
const moves: Moves = { answer: true, calls: [{ name: "f", input: { type: "object", properties: {} } }], parallel: 1 };
const legal = (thought: Thought, reply: string) =>
  accepts(compileMoves(moves, tokenizer, GEMMA4_FORMAT, { thought }).start(), tokenizer, reply);

const CALL = "<|tool_call>call:f{}<tool_call|><|tool_response>";
const THOUGHT = "<|channel>thought\nhm\n<channel|>";

test.each<[Thought, string, boolean]>([
  ["none", "yes<turn|>", true],
  ["none", `${THOUGHT}yes<turn|>`, false],
  ["optional", "yes<turn|>", true],
  ["optional", CALL, true],
  ["optional", `${THOUGHT}yes<turn|>`, true],
  ["optional", `${THOUGHT}${CALL}`, true],
  ["optional", "<|channel>thought\n<channel|>yes<turn|>", true],
  ["optional", "<|channel>other\n<channel|>yes<turn|>", false],
  ["optional", `yes${THOUGHT}<turn|>`, false],
  ["optional", `${THOUGHT}<turn|>`, false],
  ["open", `hm\n<channel|>${CALL}`, true],
  ["open", "hm\n<channel|>yes<turn|>", true],
  ["open", "yes<turn|>", false],
  ["open", `${THOUGHT}yes<turn|>`, false],
])("%s: %s is legal: %s", (thought, reply, expected) => {
  expect(legal(thought, reply)).toBe(expected);
});

test("what the grammar takes for a thought, the parser does", () => {
  const parser = createReplyParser(tokenizer, GEMMA4_FORMAT, { inThought: true });
  const parts = idsOf(tokenizer, `hm\n<channel|>${CALL}`).flatMap((id) => parser.push(id));
  expect(parts.map(({ type }) => type).filter((type, at, all) => type !== all[at - 1])).toEqual([
    "reasoning-delta",
    "tool-call-delta",
    "tool-call",
    "stop",
  ]);
});
