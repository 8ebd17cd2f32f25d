/**
 * The tokenizer inside a GGUF, in the form of tokenizer.json and tokenizer_config.json. In: metadata. Out: both, or null when the file
 * holds a tokenizer of a kind that cannot be rebuilt exactly. Law: what is returned encodes as the original did.
 */
import { z } from "zod";
import { badConfig, parseFields } from "./config-fields.ts";
import type { GgufMetadata } from "./gguf.ts";
import { quoted } from "./json.ts";

/** llama.h LLAMA_TOKEN_TYPE_CONTROL and _USER_DEFINED; both are cut out of text before anything else. */
const CONTROL = 3;
const USER_DEFINED = 4;

/**
 * Pre-tokenizers by llama.cpp's name (llama-vocab.cpp): these first split off single digits, `\p{N}`, and go on with GPT-2's pattern, which
 * is what ByteLevel does.
 */
const SINGLE_DIGITS: ReadonlySet<string> = new Set(["smollm", "refact", "starcoder"]);

const id = z.int().nonnegative().optional();

const schema = z.object({
  "tokenizer.ggml.model": z.literal("gpt2"),
  "tokenizer.ggml.pre": z.string(),
  "tokenizer.ggml.tokens": z.array(z.string()),
  "tokenizer.ggml.token_type": z.array(z.int()),
  "tokenizer.ggml.merges": z.array(z.string()),
  "tokenizer.ggml.bos_token_id": id,
  "tokenizer.ggml.eos_token_id": id,
  "tokenizer.ggml.unknown_token_id": id,
  "tokenizer.ggml.padding_token_id": id,
  "tokenizer.ggml.add_bos_token": z.boolean().optional(),
  "tokenizer.chat_template": z.string().optional(),
});

export interface TokenizerFiles {
  readonly json: unknown;
  readonly config: unknown;
}

/** @throws CheckpointError `checkpoint/bad-config` when the lists contradict each other */
export function tokenizerFromGguf(metadata: GgufMetadata, file: string): TokenizerFiles | null {
  if (metadata.get("tokenizer.ggml.model") !== "gpt2" || !SINGLE_DIGITS.has(String(metadata.get("tokenizer.ggml.pre")))) return null;
  const found = parseFields(schema, Object.fromEntries(metadata), file);
  const tokens = found["tokenizer.ggml.tokens"];
  const types = found["tokenizer.ggml.token_type"];
  if (types.length !== tokens.length)
    throw badConfig(file, `tokenizer.ggml.token_type has ${types.length} entries`, `one for each of ${tokens.length} tokens`);

  return {
    json: tokenizerJson(tokens, types, splitMerges(found["tokenizer.ggml.merges"], file), file),
    config: tokenizerConfig(found, file),
  };
}

/** As transformers writes a byte-level BPE tokenizer. */
function tokenizerJson(
  tokens: readonly string[],
  types: readonly number[],
  merges: readonly (readonly [string, string])[],
  file: string,
): unknown {
  const added = tokens.flatMap((content, i) =>
    types[i] === CONTROL || types[i] === USER_DEFINED
      ? [{ id: i, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: types[i] === CONTROL }]
      : [],
  );
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: null,
    pre_tokenizer: { type: "Sequence", pretokenizers: [{ type: "Digits", individual_digits: true }, byteLevel] },
    post_processor: null,
    decoder: { ...byteLevel, add_prefix_space: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: vocabulary(tokens, file),
      merges,
    },
  };
}

function vocabulary(tokens: readonly string[], file: string): Record<string, number> {
  const ids = new Map<string, number>();
  for (const [i, token] of tokens.entries()) {
    const before = ids.get(token);
    if (before !== undefined)
      throw badConfig(file, `tokenizer.ggml.tokens has ${quoted(token)} as ${before} and as ${i}`, "every token once");
    ids.set(token, i);
  }
  return Object.fromEntries(ids);
}

/** Byte-level tokens hold no spaces, so the one space of a merge parts its two tokens. */
function splitMerges(merges: readonly string[], file: string): readonly (readonly [string, string])[] {
  return merges.map((merge, i) => {
    const space = merge.indexOf(" ");
    const [left, right] = [merge.slice(0, space), merge.slice(space + 1)];
    if (space > 0 && right !== "" && !right.includes(" ")) return [left, right];
    throw badConfig(file, `tokenizer.ggml.merges[${i}] is ${quoted(merge)}`, "two tokens and a space between them");
  });
}

function tokenizerConfig(found: z.infer<typeof schema>, file: string): unknown {
  const tokens = found["tokenizer.ggml.tokens"];
  const text = (key: "bos" | "eos" | "unknown" | "padding"): string | null => {
    const at = found[`tokenizer.ggml.${key}_token_id`];
    if (at === undefined) return null;
    const token = tokens[at];
    if (token === undefined) throw badConfig(file, `tokenizer.ggml.${key}_token_id is ${at}`, `an id below ${tokens.length}`);
    return token;
  };
  const addBos = found["tokenizer.ggml.add_bos_token"];
  const template = found["tokenizer.chat_template"];
  return {
    tokenizer_class: "PreTrainedTokenizerFast",
    clean_up_tokenization_spaces: false,
    bos_token: text("bos"),
    eos_token: text("eos"),
    pad_token: text("padding"),
    unk_token: text("unknown"),
    ...(addBos === undefined ? {} : { add_bos_token: addBos }),
    ...(template === undefined ? {} : { chat_template: template }),
  };
}
