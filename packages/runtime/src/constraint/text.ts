/** Free text as a terminal: characters of an alphabet, as many as the model likes. In: symbols. Out: states that know whether it may end. */
import { DEAD, type Alphabet } from "./alphabet.ts";
import type { Symbol, Terminal } from "./part.ts";
import type { PartPosition } from "./position.ts";

const NO_CONTROLS: readonly Symbol[] = [];

export interface TextOptions {
  /** Must it hold a byte that is neither a control character nor a space? */
  readonly visible?: boolean;
  /** Default `string`. */
  readonly position?: PartPosition;
}

/** Text of `alphabet`. State: twice the alphabet's, plus 1 while all of it is blank and must not be. */
export function text(alphabet: Alphabet, { visible = false, position = "string" }: TextOptions = {}): Terminal {
  return {
    kind: "terminal",
    position,
    start: visible ? 1 : 0,
    accepts: (state) => state === 0,
    step(state, symbol) {
      if (symbol > 0xff) return -1;
      const next = alphabet.next[256 * (state >> 1) + symbol]!;
      if (next === DEAD) return -1;
      const isBlank = symbol <= 0x20 || symbol === 0x7f;
      return 2 * next + (isBlank ? state & 1 : 0);
    },
    ends: () => false,
    only: () => -1,
    controls: () => NO_CONTROLS,
    canonical: (state) => state,
    free: (state) => (state < 2 ? alphabet : undefined),
  };
}
