/**
 * What the model really wrote. Text can be cut into tokens in many ways, and a model does not always take the canonical one; nor does
 * it sort its arguments. In: the ids of each reply, under its piece's key. Out: the ids of a conversation. Law: with the memory of its
 * replies, the ids sent and sampled before are the beginning of the ids of the next turn, so the KV cache holds.
 */
import type { Tokenizer } from "../tokenizer/vocabulary.ts";
import type { Piece } from "./pieces.ts";
import { encodeSegments } from "./segments.ts";

/** A million ids are 8 MB and some thousand long replies: more than any run that still fits a context. */
const DEFAULT_MAX_IDS = 1_000_000;

/** The ids of pieces by key; the least recently used go first. Pieces that were only encoded are kept too: a turn encodes what is new. */
export class ReplyMemory {
  readonly #maxIds: number;
  readonly #pieces = new Map<string, readonly number[]>(); // in order of use
  #held = 0;

  /** @param maxIds ids held in all, 1 or more. Default 1,000,000. */
  constructor(maxIds = DEFAULT_MAX_IDS) {
    this.#maxIds = maxIds;
  }

  /** Ids held in all. */
  get size(): number {
    return this.#held;
  }

  /** Keeps what was sampled for a reply, its stop token included. */
  remember(key: string, ids: readonly number[]): void {
    this.#drop(key);
    this.#pieces.set(key, [...ids]);
    this.#held += ids.length;
    for (const oldest of this.#pieces.keys()) {
      if (this.#held <= this.#maxIds) break;
      this.#drop(oldest);
    }
  }

  recall(key: string): readonly number[] | undefined {
    const ids = this.#pieces.get(key);
    if (!ids) return undefined;
    this.#pieces.delete(key);
    this.#pieces.set(key, ids);
    return ids;
  }

  /** Keys and ids, least recently used first. */
  entries(): IterableIterator<[string, readonly number[]]> {
    return this.#pieces.entries();
  }

  #drop(key: string): void {
    this.#held -= this.#pieces.get(key)?.length ?? 0;
    this.#pieces.delete(key);
  }
}

/**
 * Ids of a conversation: pieces as `memory` has them, the others encoded (and remembered). Each is encoded by itself, because the model,
 * too, starts a reply on a token boundary.
 * @throws TokenizerError `tokenizer/no-control-token`
 */
export function encodeConversation(pieces: readonly Piece[], tokenizer: Tokenizer, memory?: ReplyMemory): number[] {
  const ids: number[] = [];
  for (const { key, segments } of pieces) {
    const known = memory?.recall(key);
    const piece = known ?? encodeSegments(segments, tokenizer);
    if (!known) memory?.remember(key, piece);
    for (const id of piece) ids.push(id);
  }
  return ids;
}
