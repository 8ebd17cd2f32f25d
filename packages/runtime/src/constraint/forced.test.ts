import type { JsonSchema, Moves } from "@orrery/chat";
import fc from "fast-check";
import { miniTokenizer, trainedConversations, toTool } from "../prompt/fixtures.test.support.ts";
import { GEMMA4_FORMAT } from "../prompt/format.ts";
import { createRandom } from "../sampling/random.ts";
import { createConstraintEngine } from "./engine.ts";
import { compileMoves } from "./moves.ts";
import { moves as anyMoves } from "./schemas.test.support.ts";
import { idsOf, smallTokenizer } from "./vocabulary.test.support.ts";

const mini = miniTokenizer();
const call = (name: string, input: JsonSchema): Moves => ({ answer: false, calls: [{ name, input }], parallel: 1 });

test("a call without a choice is forced from its first to its last token, spelt as the tokenizer spells it", () => {
  const moves = call("get_weather", { type: "object", properties: { city: { const: "São Paulo" } }, required: ["city"] });
  const state = compileMoves(moves, mini, GEMMA4_FORMAT).start();
  expect(state.forced()).toEqual(idsOf(mini, '<|tool_call>call:get_weather{city:<|"|>São Paulo<|"|>}<tool_call|><|tool_response>'));
});

test("forcing stops where a value begins, and goes on when it has ended", () => {
  const input: JsonSchema = {
    type: "object",
    properties: { city: { type: "string" }, days: { type: "integer" } },
    required: ["city", "days"],
  };
  let state = compileMoves(call("forecast", input), mini, GEMMA4_FORMAT).start();
  const head = state.forced();
  expect(head).toEqual(idsOf(mini, '<|tool_call>call:forecast{city:<|"|>'));
  for (const id of [...head, ...idsOf(mini, 'Oslo<|"|>')]) state = state.advance(id);
  // The colon might merge with the number that follows, so it is left to the model.
  const middle = mini.encode(",days:");
  expect(state.forced()).toEqual(middle.slice(0, -1));
  for (const id of [...middle, ...mini.encode("3")]) state = state.advance(id);
  expect(state.forced()).toEqual([]);
});

test("a word that what follows could change is not forced", () => {
  const tokenizer = smallTokenizer(["call", "ab", "abc"]);
  const state = compileMoves(
    call("f", { type: "object", properties: { v: { enum: ["xabc", "xabd"] } }, required: ["v"] }),
    tokenizer,
    GEMMA4_FORMAT,
  ).start();
  const forced = state.forced();
  // After x comes "ab" by force, but the text may become "abc", which is one token.
  expect(forced.slice(-2)).toEqual([tokenizer.controlId(GEMMA4_FORMAT.quote), "x".charCodeAt(0)]);
});

test("a long text is spelt as a whole, though only its end is encoded again", () => {
  const random = createRandom(5);
  const words = [
    "the",
    "über",
    "3141",
    "  ",
    "a,b",
    "naïve",
    "\n",
    "x=[1, 22]",
    "don't",
    "漢字",
    "tokenization",
    "…",
    "  spaces",
    "0000000",
  ];
  const text = Array.from({ length: 6_000 }, () => words[Math.floor(random() * words.length)]).join(" ");
  let encoded = 0;
  const counting = {
    ...mini,
    encode(text: string) {
      encoded += text.length;
      return mini.encode(text);
    },
  };
  const moves = call("f", { type: "object", properties: { text: { const: text } }, required: ["text"] });
  let state = compileMoves(moves, counting, GEMMA4_FORMAT).start();
  const ids: number[] = [];
  while (!state.done) {
    const forced = state.forced();
    expect(forced.length).toBeGreaterThan(0);
    for (const id of forced) {
      ids.push(id);
      state = state.advance(id);
    }
  }
  expect(ids).toEqual(idsOf(mini, `<|tool_call>call:f{text:<|"|>${text}<|"|>}<tool_call|><|tool_response>`));
  expect(encoded).toBeLessThan(2 * text.length); // as a whole each time: 5 times
});

test("what the embedded model was trained to write is legal, and the forced tokens are its tokens", () => {
  const engine = createConstraintEngine(mini, GEMMA4_FORMAT);
  let forcedTokens = 0;
  let replies = 0;
  for (const { tools, segments } of trainedConversations()) {
    const calls = tools.map(toTool).map(({ name, input }) => ({ name, input }));
    for (const [text, written] of segments) {
      if (!written) continue;
      const ids = idsOf(mini, text);
      let state = engine.compile({ answer: true, calls, parallel: 8 }).start();
      const reply: number[] = [];
      while (!state.done) {
        const forced = state.forced();
        forcedTokens += forced.length;
        const next = forced.length > 0 ? forced : [ids[reply.length]!];
        for (const id of next) {
          reply.push(id);
          state = state.advance(id);
        }
      }
      expect(reply).toEqual(ids);
      replies++;
    }
  }
  expect(replies).toBeGreaterThan(20);
  expect(forcedTokens).toBeGreaterThan(50);
});

test("forced tokens are legal one by one, and the only spelling that the tokenizer would give", () => {
  const tokenizer = smallTokenizer();
  fc.assert(
    fc.property(anyMoves, fc.integer(), (moves, seed) => {
      const random = createRandom(seed);
      let state = compileMoves(moves, tokenizer, GEMMA4_FORMAT).start();
      for (let step = 0; step < 60 && !state.done; step++) {
        for (const id of state.forced()) {
          const mask = state.mask();
          if (!mask.has(id)) throw new Error(`forced ${id} is not legal`);
          // Whatever else was legal here spells the same bytes: nothing that could have been said is lost.
          const bytes = tokenizer.bytes(id) ?? new Uint8Array();
          for (let other = 0; other < tokenizer.size; other++) {
            if (!mask.has(other) || other === id) continue;
            const spelt = tokenizer.bytes(other)!;
            for (let i = 0; i < Math.min(bytes.length, spelt.length); i++)
              if (spelt[i] !== bytes[i]) throw new Error(`forced ${id}, but ${other} says something else`);
          }
          state = state.advance(id);
        }
        if (state.done) break;
        const mask = state.mask();
        let left = Math.floor(random() * mask.count);
        let id = 0;
        while (!mask.has(id) || left-- > 0) id++;
        state = state.advance(id);
      }
    }),
    { numRuns: 40 },
  );
});

test("equal moves share a grammar; the engine forgets the ones not used", () => {
  const engine = createConstraintEngine(mini, GEMMA4_FORMAT);
  const of = (n: number) => engine.compile(call(`f${n}`, { type: "object" }));
  const first = of(0);
  expect(of(0)).toBe(first);
  for (let n = 1; n < 64; n++) of(n);
  expect(of(0)).toBe(first);
  for (let n = 64; n < 128; n++) of(n);
  expect(of(0)).not.toBe(first);
});
