/** A call that is alone has no other beside it, whatever `parallel` says. */
import type { Moves } from "@orrery/chat";
import { GEMMA4_FORMAT } from "../prompt/format.ts";
import { compileMoves } from "./moves.ts";
import { accepts, smallTokenizer } from "./vocabulary.test.support.ts";

const tokenizer = smallTokenizer();
const input = { type: "object", properties: {} };
const moves = (parallel: number, ...alone: boolean[]): Moves => ({
  answer: false,
  calls: alone.map((one, i) => ({ name: "fg"[i]!, input, ...(one ? { alone: true } : {}) })),
  parallel,
});
const calls = (names: string) => [...names].map((name) => `<|tool_call>call:${name}{}<tool_call|>`).join("") + "<|tool_response>";

test.each<[string, Moves, string[], string[]]>([
  ["one may have others, one not", moves(3, false, true), ["f", "ff", "fff", "g"], ["fg", "gf", "gg", "ffff"]],
  ["both are alone", moves(3, true, true), ["f", "g"], ["ff", "fg", "gg"]],
  ["one call at most", moves(1, false, true), ["f", "g"], ["ff", "fg"]],
])("%s", (_, legal, yes, no) => {
  const start = () => compileMoves(legal, tokenizer, GEMMA4_FORMAT).start();
  for (const names of yes) expect([names, accepts(start(), tokenizer, calls(names))]).toEqual([names, true]);
  for (const names of no) expect([names, accepts(start(), tokenizer, calls(names))]).toEqual([names, false]);
});
