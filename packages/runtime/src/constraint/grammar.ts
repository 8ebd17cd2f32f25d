/**
 * A grammar of replies, and the state of one reply under it: an immutable value. In: token ids, one by one. Out: what may follow,
 * and what must. Law: an id is legal exactly when the mask has it.
 */
import { ConstraintError } from "../errors.ts";
import { Automaton, type Node } from "./automaton.ts";
import { ALL_FEATURES, type ConstraintFeatures } from "./features.ts";
import { forcedAt, MAX_SEGMENT, type Reading, type Spelling } from "./forced.ts";
import { maskOf, shortMask } from "./mask.ts";
import type { TokenMask } from "./token-mask.ts";
import { CONTROL, type Part } from "./part.ts";
import { positionOf, type Position } from "./position.ts";
import { trieOf } from "./trie.ts";

/** Forced tokens returned at once. */
const MAX_FORCED_TOKENS = 512;

/** Nodes after which the next reply starts with a fresh automaton: bounds the memory of a grammar that lives long. */
const MAX_NODES = 20_000;

/** What one reply may be. Compiled once, used for many replies; one that lives long keeps a bounded memory. */
export interface Grammar {
  /** The state before the first token of a reply. */
  start(): ConstraintState;
}

/** The grammar whose replies are the spellings of `root`. */
export function createGrammar(root: Part, tokenizer: Spelling, features: ConstraintFeatures = ALL_FEATURES): Grammar {
  const trie = trieOf(tokenizer);
  let automaton = new Automaton(root);
  return {
    start() {
      if (automaton.size > MAX_NODES) automaton = new Automaton(root);
      return new ConstraintState({ automaton, trie, tokenizer, features }, automaton.start);
    },
  };
}

/** Tokens since the last control token, newest first. */
interface Segment {
  readonly id: number;
  readonly before: Segment | null;
}

/**
 * One reply so far: an immutable value, so that a state may be kept to go back to, or be gone on from twice. The end of the text is not
 * part of the grammar: a caller ends the reply where `done`, or where `mayEnd` and the model chooses its end-of-text token, which is
 * in no mask.
 */
export class ConstraintState {
  readonly #reading: Reading;
  readonly #node: Node;
  readonly #segment: Segment | null;

  constructor(reading: Reading, node: Node, segment: Segment | null = null) {
    this.#reading = reading;
    this.#node = node;
    this.#segment = segment;
  }

  /** What was read is complete, and nothing can follow. */
  get done(): boolean {
    return this.#node.done && this.#node.tops.length === 0;
  }

  /** What was read is complete, though more may follow: a number in JSON text may end, or go on. */
  get mayEnd(): boolean {
    return this.#node.done;
  }

  /** Where in the reply the next token stands. Costs no mask. */
  get position(): Position {
    return positionOf(this.#node);
  }

  /**
   * The tokens that may follow; at least one unless `mayEnd`.
   * @throws ConstraintError `constraint/dead-end` when the vocabulary lacks the bytes to go on
   */
  mask(): TokenMask {
    const { automaton, trie, features } = this.#reading;
    const mask = maskOf(automaton, this.#node, trie, features);
    if (mask.count === 0 && !this.mayEnd)
      throw new ConstraintError("constraint/dead-end", "no token of the vocabulary can continue the reply", {
        pointer: "",
        hint: "the vocabulary must have a token for every byte that UTF-8 uses",
      });
    return mask;
  }

  /** The mask where it is short: known, or soon found. Undefined where many tokens may follow, or finding out would take long. */
  shortMask(): TokenMask | undefined {
    const { automaton, trie, features } = this.#reading;
    return shortMask(automaton, this.#node, trie, features);
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
    for (let at = this.#segment; at && ids.length <= MAX_SEGMENT; at = at.before) ids.push(at.id);
    return ids.reverse();
  }
}
