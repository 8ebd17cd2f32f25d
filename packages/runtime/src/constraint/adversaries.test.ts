/**
 * Replies of models that want something else: each has its highest logits where nothing is legal, at control tokens, or wherever a reply
 * does not end. In every format, with thoughts, several calls, answers under schemas, and wild schemas. `PROPERTY_REPLIES` replies in all.
 */
import type { Moves } from "@orrery/chat";
import fc from "fast-check";
import { ConstraintError } from "../errors.ts";
import { FUNCTION_GEMMA_FORMAT, GEMMA4_FORMAT, type ChatFormat } from "../prompt/format.ts";
import { extended, JSON_CASES } from "../prompt/json-formats.test.support.ts";
import { createJsonReplyParser } from "../prompt/json-reply.ts";
import { createReplyParser, type ReplyParser, type ReplyPart } from "../prompt/reply.ts";
import { createTextReplyParser } from "../prompt/text-reply.ts";
import { createRandom, type Random } from "../sampling/random.ts";
import { createSampler } from "../sampling/sample.ts";
import type { Tokenizer } from "../tokenizer/vocabulary.ts";
import type { ConstraintState, Grammar } from "./grammar.ts";
import { compileMoves, type Thought } from "./moves.ts";
import { complaint, uniform, validators, write } from "./replies.test.support.ts";
import { moves as tameMoves } from "./schemas.test.support.ts";
import type { TokenMask } from "./token-mask.ts";
import { smallTokenizer } from "./vocabulary.test.support.ts";
import { wildMoves } from "./wild-schemas.test.support.ts";

const WORDS = [
  '{"',
  '":',
  '","',
  '":"',
  '"}',
  "}}",
  "}]",
  "],[",
  "call:",
  "name",
  "true",
  "12",
  "0.",
  "e+",
  "-1",
  " the",
  "é",
  "\\u00",
  "a:",
];
const controlsOf = (format: ChatFormat) => Object.values(format).filter((name): name is string => /^<.*>$/.test(String(name)));

/** The native formats, and those whose calls are JSON. */
const FORMATS: readonly (readonly [name: string, format: ChatFormat, tokenizer: Tokenizer])[] = [
  ["Gemma 4", GEMMA4_FORMAT, smallTokenizer(WORDS)],
  ["FunctionGemma", FUNCTION_GEMMA_FORMAT, extended(smallTokenizer(WORDS), controlsOf(FUNCTION_GEMMA_FORMAT))],
  ...JSON_CASES.map(([name, { format, controls }]) => [name, format, extended(smallTokenizer(WORDS), controls)] as const),
];

/** What an adversary does to a row of random logits. */
type Adversary = (logits: Float32Array, mask: TokenMask, tokenizer: Tokenizer, random: Random) => void;

const ADVERSARIES: readonly Adversary[] = [
  function wantsTheIllegal(logits, mask, { size }, random) {
    for (let tries = 0; tries < 50; tries++) {
      const id = Math.floor(random() * size);
      if (!mask.has(id)) logits[id] = 1e9 * (1 + random());
    }
  },
  function wantsControlTokens(logits, _, { control }, random) {
    for (const id of control.values()) logits[id] = 100 + random();
  },
  function wantsNoEnd(logits, _, tokenizer) {
    for (let id = 0; id < tokenizer.size; id++) {
      const bytes = tokenizer.bytes(id);
      if (!bytes || bytes.some((byte) => '"]}'.includes(String.fromCharCode(byte)))) logits[id]! -= 1_000;
    }
  },
];

/** `npm run nightly` asks for more. */
const REPLIES = Number(process.env["PROPERTY_REPLIES"] ?? 60);
const RUNS = Math.ceil(REPLIES / (FORMATS.length * ADVERSARIES.length));
const LIMIT = 120;

interface Setting {
  readonly tokenizer: Tokenizer;
  readonly format: ChatFormat;
  readonly random: Random;
}

/** The ids of a reply up to a limit, chosen by the product's sampler where it goes for the highest logit; and the state behind them. */
function reply(start: ConstraintState, adversary: Adversary, { tokenizer, random }: Setting): { ids: number[]; state: ConstraintState } {
  const sampler = createSampler({ temperature: 0, seed: 0 }, tokenizer.size);
  const logits = new Float32Array(tokenizer.size);
  const ids: number[] = [];
  let state = start;
  while (!state.done && ids.length < LIMIT) {
    let next = state.forced();
    if (next.length === 0) {
      const mask = state.mask();
      for (let id = 0; id < logits.length; id++) logits[id] = random();
      adversary(logits, mask, tokenizer, random);
      next = [sampler.sample(logits, mask, ids).id];
    }
    for (const id of next.slice(0, LIMIT - ids.length)) {
      if (!state.mask().has(id)) throw new Error(`token ${id} is not legal`);
      state = state.advance(id);
      ids.push(id);
    }
  }
  return { ids, state };
}

function parserOf({ tokenizer, format }: Setting, calling: boolean, thought: Thought): ReplyParser {
  if (format.calls === "native") return createReplyParser(tokenizer, format, { inThought: thought === "open" });
  return format.calls === "json" && calling ? createJsonReplyParser(tokenizer, format) : createTextReplyParser(tokenizer, format);
}

function parse(parser: ReplyParser, ids: readonly number[]): ReplyPart[] {
  return [...ids.flatMap((id) => parser.push(id)), ...parser.end()];
}

/** Undefined for moves that cannot be compiled. */
function grammarOf(moves: Moves, { tokenizer, format }: Setting, thought: Thought): Grammar | undefined {
  try {
    return compileMoves(moves, tokenizer, format, { thought });
  } catch (thrown) {
    if (thrown instanceof ConstraintError) return undefined;
    throw thrown;
  }
}

const thoughts = fc.constantFrom<Thought>("none", "optional", "open");

test.each(FORMATS)(
  "%s: replies of models that want something else are within the moves; one that is cut has no stop, and can still be ended",
  (_, format, tokenizer) => {
    const counts = { compiled: 0, replies: 0, cut: 0, calls: 0, several: 0, reasoned: 0, answers: 0 };
    fc.assert(
      fc.property(fc.oneof(tameMoves, wildMoves), thoughts, fc.integer(), (moves, wanted, seed) => {
        const thought = format.channelOpen === "" ? "none" : wanted;
        const setting: Setting = { tokenizer, format, random: createRandom(seed) };
        const grammar = grammarOf(moves, setting, thought);
        if (!grammar) return;
        counts.compiled++;
        const valid = validators();
        const calling = moves.calls.length > 0;
        for (const adversary of ADVERSARIES) {
          const { ids, state } = reply(grammar.start(), adversary, setting);
          counts.replies++;
          if (!state.done) {
            counts.cut++;
            const cut = parse(parserOf(setting, calling, thought), ids).map(({ type }) => type);
            expect(cut.filter((type) => type === "stop" || type === "malformed")).toEqual([]);
            ids.push(...write(state, { ...setting, draw: uniform(setting.random) }));
          }
          const parts = parse(parserOf(setting, calling, thought), ids);
          const said = parts.filter(({ type }) => type !== "reasoning-delta");
          expect(complaint(said, moves, valid)).toBeUndefined();
          if (thought === "none") expect(said).toHaveLength(parts.length);
          const calls = parts.filter(({ type }) => type === "tool-call").length;
          counts.calls += calls;
          if (calls > 1) counts.several++;
          if (calls === 0) counts.answers++;
          if (said.length < parts.length) counts.reasoned++;
        }
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
    expect(counts.compiled).toBeGreaterThan(RUNS / 2);
    expect(counts.cut + counts.calls + counts.answers).toBeGreaterThan(0);
    if (RUNS > 20) {
      for (const count of [counts.cut, counts.calls, counts.answers]) expect(count).toBeGreaterThan(0);
      expect(counts.several > 0).toBe(format.calls !== "json" || format.json.between !== null);
      expect(counts.reasoned > 0).toBe(format.channelOpen !== "");
    }
  },
);
