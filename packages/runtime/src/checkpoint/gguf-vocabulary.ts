/** A vocabulary as a GGUF lists it, and what a kind of tokenizer makes of it: the words between gguf-tokenizer.ts and the two kinds. */

/** llama.h, llama_token_type. */
export const TOKEN_TYPE = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

export type Merge = readonly [left: string, right: string];

export interface GgufVocabulary {
  /** For messages. */
  readonly file: string;
  /** By id. */
  readonly tokens: readonly string[];
  /** {@link TOKEN_TYPE}, by id. */
  readonly types: readonly number[];
  /** llama.cpp's name of the pre-tokenizer. */
  readonly pre: string | undefined;
  /** Best first. */
  readonly merges: readonly Merge[] | undefined;
  /** By id; the higher, the earlier a token is merged. */
  readonly scores: readonly number[] | undefined;
  /** The id that stands for what the vocabulary cannot spell. */
  readonly unknown: number | undefined;
  /** True when a space is written before every text. */
  readonly spacePrefix: boolean;
  /** True when runs of spaces become one. */
  readonly collapsesSpaces: boolean;
}

/** Parts of tokenizer.json. */
export interface TokenizerModel {
  /** By id, spelt as in tokenizer.json. */
  readonly tokens: readonly string[];
  readonly normalizer: unknown;
  readonly preTokenizer: unknown;
  readonly decoder: unknown;
  /** Fields of `model` that differ from a plain BPE's. */
  readonly model: Readonly<Record<string, unknown>> & { readonly merges: readonly Merge[] };
}
