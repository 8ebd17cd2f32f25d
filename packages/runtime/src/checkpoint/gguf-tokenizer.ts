/**
 * The tokenizer inside a GGUF, in the form of tokenizer.json and tokenizer_config.json. In: metadata. Out: both, or null when the file
 * holds a tokenizer of a kind that cannot be rebuilt exactly. Law: what is returned encodes as the original did.
 */
import { z } from "zod";
import { badConfig, parseFields } from "./config-fields.ts";
import { byteLevelModel } from "./gguf-byte-level.ts";
import { sentencePieceModel } from "./gguf-sentence-piece.ts";
import { TOKEN_TYPE, type GgufVocabulary, type TokenizerModel } from "./gguf-vocabulary.ts";
import type { GgufMetadata } from "./gguf.ts";
import { quoted } from "./json.ts";

const id = z.int().nonnegative().optional();

const schema = z.object({
  "tokenizer.ggml.model": z.string(),
  "tokenizer.ggml.pre": z.string().optional(),
  "tokenizer.ggml.tokens": z.array(z.string()),
  "tokenizer.ggml.token_type": z.array(z.int()),
  "tokenizer.ggml.merges": z.array(z.string()).optional(),
  "tokenizer.ggml.scores": z.array(z.number()).optional(),
  "tokenizer.ggml.add_space_prefix": z.boolean().optional(),
  "tokenizer.ggml.remove_extra_whitespaces": z.boolean().optional(),
  "tokenizer.ggml.bos_token_id": id,
  "tokenizer.ggml.eos_token_id": id,
  "tokenizer.ggml.unknown_token_id": id,
  "tokenizer.ggml.padding_token_id": id,
  "tokenizer.ggml.add_bos_token": z.boolean().optional(),
  "tokenizer.chat_template": z.string().optional(),
});

type Fields = z.infer<typeof schema>;

export interface TokenizerFiles {
  readonly json: unknown;
  readonly config: unknown;
}

/** By `tokenizer.ggml.model`. Gemma 3 files say `llama` (SentencePiece), as do Gemma 4 files that Ollama made. */
const MODELS: ReadonlyMap<string, (vocabulary: GgufVocabulary) => TokenizerModel | null> = new Map([
  ["gpt2", byteLevelModel],
  ["llama", sentencePieceModel],
  ["gemma3", sentencePieceModel],
  ["gemma4", sentencePieceModel],
]);

/** @throws CheckpointError `checkpoint/bad-config` when the lists contradict each other, `checkpoint/too-large` */
export function tokenizerFromGguf(metadata: GgufMetadata, file: string): TokenizerFiles | null {
  const model = MODELS.get(String(metadata.get("tokenizer.ggml.model")));
  if (model === undefined) return null;
  const found = parseFields(schema, Object.fromEntries(metadata), file);
  const vocabulary = readVocabulary(found, String(metadata.get("general.architecture")), file);
  const parts = model(vocabulary);
  return parts && { json: tokenizerJson(vocabulary, parts), config: tokenizerConfig(found, vocabulary) };
}

function readVocabulary(found: Fields, architecture: string, file: string): GgufVocabulary {
  const tokens = found["tokenizer.ggml.tokens"];
  for (const list of ["tokenizer.ggml.token_type", "tokenizer.ggml.scores"] as const) {
    const length = found[list]?.length ?? tokens.length;
    if (length !== tokens.length) throw badConfig(file, `${list} has ${length} entries`, `one for each of ${tokens.length} tokens`);
  }
  return {
    file,
    tokens,
    types: found["tokenizer.ggml.token_type"],
    pre: found["tokenizer.ggml.pre"],
    merges: splitMerges(found["tokenizer.ggml.merges"], file),
    scores: found["tokenizer.ggml.scores"],
    unknown: found["tokenizer.ggml.unknown_token_id"],
    // llama.cpp's default is true; Gemma's tokenizers never write one, whether the file says so or not.
    spacePrefix: found["tokenizer.ggml.add_space_prefix"] ?? !architecture.startsWith("gemma"),
    collapsesSpaces: found["tokenizer.ggml.remove_extra_whitespaces"] ?? false,
  };
}

/** As transformers writes a BPE tokenizer. */
function tokenizerJson(vocabulary: GgufVocabulary, { tokens, normalizer, preTokenizer, decoder, model }: TokenizerModel): unknown {
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: addedTokens(tokens, vocabulary.types),
    normalizer,
    pre_tokenizer: preTokenizer,
    post_processor: null,
    decoder,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      ...model,
      vocab: idsOf(tokens, vocabulary),
    },
  };
}

/** Control, unknown and user-defined tokens are cut out of text before anything else; the first two only where a program means them. */
function addedTokens(tokens: readonly string[], types: readonly number[]): unknown {
  return tokens.flatMap((content, i) => {
    const special = types[i] === TOKEN_TYPE.control || types[i] === TOKEN_TYPE.unknown;
    if (content === "" || (!special && types[i] !== TOKEN_TYPE.userDefined)) return [];
    return [{ id: i, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special }];
  });
}

/** Unused ids (llama.cpp fills up a padded embedding with them) and empty tokens stand for nothing and have no name. */
function idsOf(tokens: readonly string[], { types, file }: GgufVocabulary): Record<string, number> {
  const ids = new Map<string, number>();
  for (const [i, token] of tokens.entries()) {
    if (token === "" || types[i] === TOKEN_TYPE.unused) continue;
    const before = ids.get(token);
    if (before !== undefined)
      throw badConfig(file, `tokenizer.ggml.tokens has ${quoted(token)} as ${before} and as ${i}`, "every token once");
    ids.set(token, i);
  }
  return Object.fromEntries(ids);
}

/** Tokens hold no spaces (they are `Ġ` or `▁`), so the one space of a merge parts its two tokens. */
function splitMerges(merges: readonly string[] | undefined, file: string): GgufVocabulary["merges"] {
  return merges?.map((merge, i) => {
    const space = merge.indexOf(" ");
    const [left, right] = [merge.slice(0, space), merge.slice(space + 1)];
    if (space > 0 && right !== "" && !right.includes(" ")) return [left, right];
    throw badConfig(file, `tokenizer.ggml.merges[${i}] is ${quoted(merge)}`, "two tokens and a space between them");
  });
}

function tokenizerConfig(found: Fields, { tokens, file }: GgufVocabulary): unknown {
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
