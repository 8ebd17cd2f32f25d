/** A vocabulary as the constraint engine and the parsers see it: ids, bytes and control tokens. */

/**
 * Ids and what they stand for. `loadTokenizer(folder)` and `createTokenizer(json)` make one of a tokenizer.json; one of another source
 * needs these three members. It must not change: what is built of it is kept with the object.
 */
export interface Vocabulary {
  /** Ids run from 0 to size − 1. */
  readonly size: number;
  /** The bytes an id stands for; undefined for control tokens and unused ids. Never empty. */
  bytes(id: number): Uint8Array | undefined;
  /** Id of each control token by its text, e.g. `<|tool_call>` → 7. */
  readonly control: ReadonlyMap<string, number>;
}

/** Text to ids and back. */
export interface Tokenizer extends Vocabulary {
  /** Ids of plain text. Control tokens spelt in the text are text: they are never encoded as control ids. */
  encode(text: string): number[];
  /** Text of ids; control tokens are left out; broken UTF-8 becomes U+FFFD. */
  decode(ids: readonly number[]): string;
  /** Id of a control token. @throws TokenizerError `tokenizer/no-control-token` */
  controlId(text: string): number;
}
