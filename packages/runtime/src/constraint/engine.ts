/** The constraint engine of a model: compiles moves, and remembers the latest grammars, since turns repeat their moves. */
import type { Moves } from "@orrery/chat";
import type { ChatFormat } from "../prompt/format.ts";
import type { Tokenizer } from "../tokenizer/vocabulary.ts";
import { PLAIN_TEXT } from "./alphabet.ts";
import type { Grammar } from "./grammar.ts";
import { compileMoves, type Thought } from "./moves.ts";
import { trieOf } from "./trie.ts";

/** Grammars kept: more than the deciding states of any chart we know. */
const MAX_GRAMMARS = 64;

export interface ConstraintEngine {
  /** The grammar of these moves; the same object for equal moves while it is remembered. @throws ConstraintError (see compileMoves) */
  compile(moves: Moves, thought?: Thought): Grammar;
}

/** Builds the vocabulary's trie and its free text at once, so that the first reply does not wait for them. */
export function createConstraintEngine(tokenizer: Tokenizer, format: ChatFormat): ConstraintEngine {
  trieOf(tokenizer).slice(PLAIN_TEXT);
  /** Least recently used first. */
  const grammars = new Map<string, Grammar>();
  return {
    compile(moves, thought = "none") {
      const key = keyOf(moves, thought);
      if (key === undefined) return compileMoves(moves, tokenizer, format, thought);
      const grammar = grammars.get(key) ?? compileMoves(moves, tokenizer, format, thought);
      grammars.delete(key);
      grammars.set(key, grammar);
      if (grammars.size > MAX_GRAMMARS) grammars.delete(grammars.keys().next().value!);
      return grammar;
    },
  };
}

/** Undefined for moves that are not JSON, such as a cyclic schema: the compiler says what is wrong with them. */
function keyOf({ answer, calls, parallel }: Moves, thought: Thought): string | undefined {
  try {
    return JSON.stringify([answer, calls, parallel, thought]);
  } catch {
    return undefined;
  }
}
