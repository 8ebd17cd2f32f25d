import fc from "fast-check";
import { miniTokenizer } from "../prompt/fixtures.test.support.ts";
import { GEMMA4_FORMAT } from "../prompt/format.ts";
import { createReplyParser, type ReplyPart } from "../prompt/reply.ts";
import { createRandom } from "../sampling/random.ts";
import type { Tokenizer } from "../tokenizer/vocabulary.ts";
import { createConstraintEngine } from "./engine.ts";
import { complaint, sampled, uniform, validators, write } from "./replies.test.support.ts";
import { moves as anyMoves } from "./schemas.test.support.ts";

function parse(tokenizer: Tokenizer, ids: readonly number[]): ReplyPart[] {
  const parser = createReplyParser(tokenizer, GEMMA4_FORMAT);
  return [...ids.flatMap((id) => parser.push(id)), ...parser.end()];
}

describe("replies sampled from random logits under random moves", () => {
  const REPLIES = 4;
  /** `npm run nightly` asks for more. */
  const RUNS = Math.ceil(Number(process.env["PROPERTY_REPLIES"] ?? 600) / REPLIES);

  test(`${RUNS * REPLIES} replies end, parse, satisfy ajv and are among the moves`, () => {
    const tokenizer = miniTokenizer();
    const engine = createConstraintEngine(tokenizer, GEMMA4_FORMAT);
    let replies = 0;
    let calls = 0;
    fc.assert(
      fc.property(anyMoves, fc.integer(), (moves, seed) => {
        const random = createRandom(seed);
        const valid = validators();
        for (let i = 0; i < REPLIES; i++) {
          const draw = replies % 100 === 0 ? sampled(tokenizer, random) : uniform(random);
          const parts = parse(tokenizer, write(engine.compile(moves).start(), { tokenizer, format: GEMMA4_FORMAT, random, draw }));
          expect(complaint(parts, moves, valid)).toBeUndefined();
          replies++;
          calls += parts.filter((part) => part.type === "tool-call").length;
        }
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
    expect(replies).toBeGreaterThanOrEqual(RUNS * REPLIES);
    expect(calls).toBeGreaterThan(RUNS / 2);
  }, 120_000);
});
