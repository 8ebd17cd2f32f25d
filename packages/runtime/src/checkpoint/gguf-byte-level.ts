/**
 * A byte-level BPE (GPT-2's alphabet) out of a GGUF. In: its vocabulary. Out: the parts of tokenizer.json, or null where the
 * pre-tokenizer is not known here. Law: only pre-tokenizers whose original tokenizer.json we know; a similar one gives other ids.
 */
import { badConfig } from "./config-fields.ts";
import type { GgufVocabulary, TokenizerModel } from "./gguf-vocabulary.ts";

interface PreTokenizer {
  readonly normalizer: unknown;
  readonly preTokenizer: unknown;
  /** True when a word that is a token is taken whole. */
  readonly ignoreMerges: boolean;
}

const byteLevel = (useRegex: boolean) => ({ type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: useRegex });
const sequence = (...pretokenizers: readonly unknown[]) => ({ type: "Sequence", pretokenizers });
const split = (pattern: string) =>
  sequence({ type: "Split", pattern: { Regex: pattern }, behavior: "Isolated", invert: false }, byteLevel(false));

const gpt2: PreTokenizer = { normalizer: null, preTokenizer: byteLevel(true), ignoreMerges: false };

/** Single digits, then GPT-2's pattern. */
const digits: PreTokenizer = { ...gpt2, preTokenizer: sequence({ type: "Digits", individual_digits: true }, byteLevel(true)) };

const cl100k: PreTokenizer = {
  normalizer: null,
  preTokenizer: split(
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  ),
  ignoreMerges: false,
};

const llama3: PreTokenizer = { ...cl100k, ignoreMerges: true };

const qwen2: PreTokenizer = {
  normalizer: { type: "NFC" },
  preTokenizer: split(
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  ),
  ignoreMerges: false,
};

/** By `tokenizer.ggml.pre` (llama-vocab.cpp). Granite 3 files say `refact`, Granite 4 files `dbrx`. */
const PRE_TOKENIZERS: ReadonlyMap<string | undefined, PreTokenizer> = new Map([
  ["gpt-2", gpt2],
  ["phi-2", gpt2],
  ["smollm", digits],
  ["refact", digits],
  ["starcoder", digits],
  ["dbrx", cl100k],
  ["llama3", llama3],
  ["llama-v3", llama3],
  ["llama-bpe", llama3],
  ["qwen2", qwen2],
]);

/** @throws CheckpointError `checkpoint/bad-config` when there are no merges */
export function byteLevelModel({ tokens, pre, merges, file }: GgufVocabulary): TokenizerModel | null {
  const known = PRE_TOKENIZERS.get(pre);
  if (known === undefined) return null;
  if (merges === undefined) throw badConfig(file, "tokenizer.ggml.merges is missing", "a list of merges");
  const { normalizer, preTokenizer, ignoreMerges } = known;
  return {
    tokens,
    normalizer,
    preTokenizer,
    decoder: { ...byteLevel(true), add_prefix_space: true },
    model: { ignore_merges: ignoreMerges, merges },
  };
}
