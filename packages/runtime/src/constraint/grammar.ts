/**
 * A grammar of replies, and the state of one reply under it: an immutable value. In: token ids, one by one. Out: what may follow,
 * and what must. Law: an id is legal exactly when the mask has it.
 */
import { ConstraintError } from "../errors.ts";
import type { Tokenizer } from "../tokenizer/vocabulary.ts";
import { Automaton, type Node } from "./automaton.ts";
import { forcedAt, type Reading } from "./forced.ts";
import { maskOf } from "./mask.ts";
import type { TokenMask } from "./token-mask.ts";
import { CONTROL, type Part } from "./part.ts";
import { positionOf, type Position } from "./position.ts";
import { trieOf } from "./trie.ts";

/** Forced tokens returned at once. */
const MAX_FORCED_TOKENS = 512;

/** Nodes after which the next reply starts with a fresh automaton: bounds the memory of a grammar that lives long. */
const MAX_NODES = 20_000;

/** What one reply may be. Compiled once, used for many replies. */
export interface Grammar {
  /** The state before the first token of a reply. */
  start(): ConstraintState;
}

/** The grammar whose replies are the spellings of `root`. */
export function createGrammar(root: Part, tokenizer: Tokenizer): Grammar {
  const trie = trieOf(tokenizer);
  let automaton = new Automaton(root);
  return {
    start() {
      if (automaton.size > MAX_NODES) automaton = new Automaton(root);
      return new ConstraintState({ automaton, trie, tokenizer }, automaton.start);
    },
  };
}

/** Tokens since the last control token, newest first. */
interface Segment {
  readonly id: number;
  readonly before: Segment | null;
}

export class ConstraintState {
  readonly #reading: Reading;
  readonly #node: Node;
  readonly #segment: Segment | null;

  constructor(reading: Reading, node: Node, segment: Segment | null = null) {
    this.#reading = reading;
    this.#node = node;
    this.#segment = segment;
  }

  /** The reply is complete: its stop token has been read. */
  get done(): boolean {
    return this.#node.done;
  }

  /** Where in the reply the next token stands. Costs no mask. */
  get position(): Position {
    return positionOf(this.#node);
  }

  /**
   * The tokens that may follow; at least one unless `done`.
   * @throws ConstraintError `constraint/dead-end` when the vocabulary lacks the bytes to go on
   */
  mask(): TokenMask {
    const mask = maskOf(this.#reading.automaton, this.#node, this.#reading.trie);
    if (mask.count === 0 && !this.done)
      throw new ConstraintError("constraint/dead-end", "no token of the vocabulary can continue the reply", {
        pointer: "",
        hint: "the vocabulary must have a token for every byte that UTF-8 uses",
      });
    return mask;
  }

  /** The state after `id`. @throws ConstraintError `constraint/illegal-token` */
  advance(id: number): ConstraintState {
    const { automaton, tokenizer } = this.#reading;
    const bytes = tokenizer.bytes(id);
    const next = bytes ? automaton.run(this.#node, bytes) : automaton.step(this.#node, CONTROL + id);
    // A token without bytes would be legal everywhere and lead nowhere.
    if (!next || bytes?.length === 0)
      throw new ConstraintError("constraint/illegal-token", `token ${id} may not follow here`, {
        pointer: "",
        hint: "sample with the mask of this state",
      });
    return new ConstraintState(this.#reading, next, bytes ? { id, before: this.#segment } : null);
  }

  /**
   * Tokens that may be appended without sampling, because nothing else could be said: literal text as the tokenizer spells it,
   * and control tokens. Empty where the model has a choice. Advance through them one by one.
   */
  forced(): number[] {
    const ids: number[] = [];
    let state = new ConstraintState(this.#reading, this.#node, this.#segment);
    while (ids.length < MAX_FORCED_TOKENS) {
      const next = forcedAt(this.#reading, state.#node, state.#tokens());
      if (next.length === 0) break;
      for (const id of next) {
        state = state.advance(id);
        ids.push(id);
      }
    }
    return ids;
  }

  #tokens(): number[] {
    const ids: number[] = [];
    // Free text forces nothing, so there the list, which grows with the text, is not needed.
    if (this.#node.only < 0) return ids;
    for (let at = this.#segment; at; at = at.before) ids.push(at.id);
    return ids.reverse();
  }
}
