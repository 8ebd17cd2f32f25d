/** Free text as a terminal: characters of an alphabet, counted. In: symbols. Out: states that know what is still allowed. */
import { DEAD, type Alphabet } from "./alphabet.ts";
import { MAX_MIN_LENGTH, MAX_TEXT_LENGTH } from "./limits.ts";
import type { Symbol, Terminal } from "./part.ts";
import type { PartPosition } from "./position.ts";

/** Most states an alphabet may have. */
const STATES = 16;
/** One more than the largest count of characters that may follow: the count of a text without a limit. */
const UNLIMITED = MAX_TEXT_LENGTH + 1;
const NO_CONTROLS: readonly Symbol[] = [];

/** A state unpacked: characters that must, and that may, still begin; is all of it blank and must not be; the alphabet's state. */
interface TextState {
  readonly missing: number;
  readonly left: number;
  readonly blank: boolean;
  readonly inside: number;
}

function pack({ missing, left, blank, inside }: TextState): number {
  return ((missing * (UNLIMITED + 1) + left) * 2 + (blank ? 1 : 0)) * STATES + inside;
}

function unpack(state: number): TextState {
  const inside = state % STATES;
  const rest = (state - inside) / STATES;
  const blank = rest % 2 === 1;
  const counts = (rest - (blank ? 1 : 0)) / 2;
  const left = counts % (UNLIMITED + 1);
  return { missing: (counts - left) / (UNLIMITED + 1), left, blank, inside };
}

export interface TextOptions {
  /** Code points; `min` at most {@link MAX_MIN_LENGTH}. */
  readonly min: number;
  readonly max: number;
  /** Must it hold a byte that is neither a control character nor a space? */
  readonly visible?: boolean;
  /** Default `string`. */
  readonly position?: PartPosition;
}

/** Text of `alphabet`. */
export function text(alphabet: Alphabet, options: TextOptions): Terminal {
  const min = Math.min(options.min, MAX_MIN_LENGTH);
  const max = options.max > MAX_TEXT_LENGTH ? UNLIMITED : options.max;

  function accepts(state: number): boolean {
    const { missing, blank, inside } = unpack(state);
    return missing === 0 && !blank && inside === 0;
  }

  return {
    kind: "terminal",
    position: options.position ?? "string",
    start: pack({ missing: min, left: max, blank: options.visible === true, inside: 0 }),
    accepts,
    step(state, symbol) {
      if (symbol > 0xff) return -1;
      const { missing, left, blank, inside } = unpack(state);
      const next = alphabet.next[256 * inside + symbol]!;
      if (next === DEAD) return -1;
      const stillBlank = blank && (symbol <= 0x20 || symbol === 0x7f);
      if (inside !== 0) return pack({ missing, left, blank: stillBlank, inside: next });
      if (left === 0) return -1;
      return pack({
        missing: Math.max(0, missing - 1),
        left: left === UNLIMITED ? UNLIMITED : left - 1,
        blank: stillBlank,
        inside: next,
      });
    },
    ends: (state) => unpack(state).left === 0 && accepts(state),
    only: () => -1,
    controls: () => NO_CONTROLS,
    canonical(state, longest) {
      const { missing, left, blank, inside } = unpack(state);
      // A token begins at most `longest` characters; with one more to spare, the counts cannot matter.
      const spare = longest + 1;
      return pack({ missing: Math.min(missing, spare), left: left > spare ? UNLIMITED : left, blank, inside });
    },
    free(state, longest) {
      const { left, inside } = unpack(state);
      return inside === 0 && left >= longest ? alphabet : undefined;
    },
  };
}
