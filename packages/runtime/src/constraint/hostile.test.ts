/** Hostile schemas: each ends as the typed error that is written beside it, or compiles, and then replies begin. */
import { ConstraintError } from "../errors.ts";
import { createRandom } from "../sampling/random.ts";
import type { Attack } from "./attack.test.support.ts";
import { ATTACKS } from "./hostile.test.support.ts";
import { compile } from "./library.ts";
import { uniform } from "./replies.test.support.ts";
import { smallTokenizer } from "./vocabulary.test.support.ts";

const tokenizer = smallTokenizer();
const TOKENS = 50;

/** How a schema ends, and what a random reply under it came to: fifty tokens, or an end. */
function ending({ schema }: Attack): { ends: string; pointer?: string; message?: string } {
  try {
    let state = compile(schema(), tokenizer).start();
    const draw = uniform(createRandom(1));
    for (let i = 0; i < TOKENS && !state.done; i++) {
      const mask = state.mask();
      if (mask.count === 0) break;
      state = state.advance(draw(mask));
    }
    return { ends: "compiled" };
  } catch (thrown) {
    if (!(thrown instanceof ConstraintError)) throw thrown;
    return { ends: thrown.code, pointer: thrown.pointer, message: thrown.message };
  }
}

test.each(ATTACKS.filter(({ heavy }) => !heavy).map((attack) => [attack.name, attack.ends, attack] as const))(
  "%s: %s",
  (_, ends, attack) => {
    const found = ending(attack);
    expect(found.ends).toBe(ends);
    if (attack.pointer !== undefined) expect(found.pointer).toBe(attack.pointer);
    if (ends !== "compiled") expect(found.message).toMatch(/^the schema: ./);
  },
);
