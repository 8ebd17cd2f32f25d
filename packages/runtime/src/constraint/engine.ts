/** The constraint engine of a model: compiles moves, and remembers the latest grammars, since turns repeat their moves. */
import type { Moves } from "@orrery/chat";
import type { ChatFormat } from "../prompt/format.ts";
import type { Tokenizer } from "../tokenizer/vocabulary.ts";
import { PLAIN_TEXT } from "./alphabet.ts";
import { ALL_FEATURES, type ConstraintFeatures } from "./features.ts";
import type { Grammar } from "./grammar.ts";
import { compileMoves, type Thought } from "./moves.ts";
import { giveTrie, trieOf, type VocabularyTrie } from "./trie.ts";

/** Grammars kept: more than the deciding states of any chart we know. */
const MAX_GRAMMARS = 64;
/** Of those that hold a conversation: the next turn has another one. */
const MAX_COPYING = 4;
/** In the key of moves where a schema has the keyword; perhaps elsewhere, which costs a second grammar. */
const COPY_FROM = '"copyFrom"';

export interface ConstraintEngine {
  readonly features: ConstraintFeatures;
  /**
   * The grammar of these moves; the same object for equal moves while it is remembered.
   * @param conversation The passages to copy from; only asked where a schema has `copyFrom`.
   * @throws ConstraintError (see compileMoves)
   */
  compile(moves: Moves, thought?: Thought, conversation?: () => readonly string[]): Grammar;
}

/** How an engine is made. */
export interface ConstraintEngineOptions {
  /** What is switched off. */
  readonly features?: Partial<ConstraintFeatures>;
  /** The trie of the tokenizer's vocabulary, where it was made before. */
  readonly trie?: VocabularyTrie;
}

/** Builds the vocabulary's trie, where it is not given, and its free text at once, so that the first reply does not wait for them. */
export function createConstraintEngine(
  tokenizer: Tokenizer,
  format: ChatFormat,
  { features: wanted, trie }: ConstraintEngineOptions = {},
): ConstraintEngine {
  const features = { ...ALL_FEATURES, ...wanted };
  if (trie) giveTrie(tokenizer, trie);
  trieOf(tokenizer).slice(PLAIN_TEXT);
  const grammars = new Remembered(MAX_GRAMMARS);
  const copying = new Remembered(MAX_COPYING);
  return {
    features,
    compile(moves, thought = "none", conversation) {
      const key = keyOf(moves, thought);
      if (key === undefined) return compileMoves(moves, tokenizer, format, { thought, features });
      if (!conversation || !key.includes(COPY_FROM))
        return grammars.get(key, () => compileMoves(moves, tokenizer, format, { thought, features }));
      const passages = conversation();
      const make = () => compileMoves(moves, tokenizer, format, { thought, features, conversation: passages });
      return copying.get(key + JSON.stringify(passages), make);
    },
  };
}

/** The latest grammars by their keys. */
class Remembered {
  readonly #most: number;
  /** Least recently used first. */
  readonly #grammars = new Map<string, Grammar>();

  constructor(most: number) {
    this.#most = most;
  }

  get(key: string, make: () => Grammar): Grammar {
    const grammar = this.#grammars.get(key) ?? make();
    this.#grammars.delete(key);
    this.#grammars.set(key, grammar);
    if (this.#grammars.size > this.#most) this.#grammars.delete(this.#grammars.keys().next().value!);
    return grammar;
  }
}

/** Undefined for moves that are not JSON, such as a cyclic schema: the compiler says what is wrong with them. */
function keyOf({ answer, calls, parallel }: Moves, thought: Thought): string | undefined {
  try {
    return JSON.stringify([answer, calls, parallel, thought]);
  } catch {
    return undefined;
  }
}
