/**
 * A soft bias towards copying: the value that is being written, held against what was said. In: the reply's tokens, and where each
 * stands. Out: the tokens that copy on, and those that end the value where a copy may end. Law: it compares bytes, so it does not matter
 * how tokens cut the two texts; it says nothing of a value that is no copy.
 */
import type { Position } from "../constraint/position.ts";
import type { VocabularyTrie } from "../constraint/trie.ts";
import type { Vocabulary } from "../tokenizer/vocabulary.ts";
import type { CopySource } from "./copy-source.ts";
import { TokensAlong } from "./tokens-along.ts";

/** Occurrences that are followed at once, the latest first: what occurs more often is hardly a name. */
const MAX_OCCURRENCES = 256;

const VALUES: ReadonlySet<Position> = new Set<Position>(["string", "number", "enum"]);
/** What ends a bare value in the call syntax. */
const AFTER_BARE = new Set([..."],}"].map((mark) => mark.charCodeAt(0)));
const PUNCTUATION = new Set([...AFTER_BARE, ...[..."[{:"].map((mark) => mark.charCodeAt(0))]);

/** Follows the calls of one reply, from the first one's opening on. */
export class CopyBias {
  readonly #source: CopySource;
  readonly #vocabulary: Vocabulary;
  readonly #trie: TokensAlong;
  readonly #quote: number;
  /** Offsets at which the copies so far go on; null before the first byte of a value. */
  #copies: readonly number[] | null = null;

  /** @param quote The control token that ends a text. */
  constructor(source: CopySource, vocabulary: Vocabulary, trie: VocabularyTrie, quote: number) {
    this.#source = source;
    this.#vocabulary = vocabulary;
    this.#trie = new TokensAlong(trie);
    this.#quote = quote;
  }

  /** The tokens that copy on at a place of this kind; empty where nothing is copied, or nothing is begun yet. */
  next(position: Position): ReadonlySet<number> {
    const ids = new Set<number>();
    if (this.#copies === null || !VALUES.has(position)) return ids;
    let complete = false;
    for (const at of this.#copies.slice(-MAX_OCCURRENCES)) {
      complete ||= this.#source.ends(at);
      this.#trie.collect(this.#source, at, ids);
    }
    if (complete) {
      ids.add(this.#quote);
      if (position === "number") this.#trie.addBeginningWith(AFTER_BARE, ids);
    }
    return ids;
  }

  /** The reply goes on with this token. */
  push(id: number, position: Position): void {
    const bytes = this.#vocabulary.bytes(id);
    const over = bytes === undefined || !VALUES.has(position) || (position === "number" && bytes.some((byte) => PUNCTUATION.has(byte)));
    this.#copies = over ? null : this.#followed(bytes);
  }

  /** Where the copies stand after these bytes more. */
  #followed(bytes: Uint8Array): readonly number[] {
    const followed: number[] = [];
    for (const at of this.#copies ?? this.#source.starts) {
      let read = 0;
      while (read < bytes.length && this.#source.byte(at + read) === bytes[read]) read++;
      if (read === bytes.length) followed.push(at + read);
    }
    return followed;
  }
}
