/**
 * Ids, one by one, to text. In: ids as they are sampled. Out: the text that is certain so far. Law: a character whose bytes are not
 * all there is held back, and the deltas joined are `decode` of all the ids.
 */
import type { Vocabulary } from "./vocabulary.ts";

/** Text of one run of ids. Make a new one for each run; control tokens add nothing. */
export class TextStream {
  readonly #vocabulary: Vocabulary;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
  }

  /** The text that `id` completes; "" while a character is incomplete. */
  push(id: number): string {
    const bytes = this.#vocabulary.bytes(id);
    return bytes ? this.#decoder.decode(bytes, { stream: true }) : "";
  }

  /** What is left: "" or, when the last character never became whole, U+FFFD. The stream can then be used for another run. */
  end(): string {
    return this.#decoder.decode();
  }
}
