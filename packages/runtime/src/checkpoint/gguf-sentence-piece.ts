/**
 * A SentencePiece BPE (`▁` for a space, byte fallback) out of a GGUF. In: its vocabulary. Out: the parts of tokenizer.json, or null where
 * text is changed in a way that is not built. Law: the merges are those that transformers writes for the same model: from the original's
 * scores it gives Gemma 3's 514,906 in the same order.
 */
import { CheckpointError } from "../errors.ts";
import { badConfig } from "./config-fields.ts";
import { TOKEN_TYPE, type GgufVocabulary, type Merge, type TokenizerModel } from "./gguf-vocabulary.ts";

const SPACE = "▁";
/** Twice those of the largest vocabulary known. */
const MAX_MERGES = 1 << 20;
/** Characters read to find all merges: each token once per way to part it. Gemma's vocabulary needs 2 × 10⁷. */
const MAX_WORK = 2e8;

/** @throws CheckpointError `checkpoint/bad-config` when there are neither merges nor scores, `checkpoint/too-large` */
export function sentencePieceModel(vocabulary: GgufVocabulary): TokenizerModel | null {
  if (vocabulary.spacePrefix || vocabulary.collapsesSpaces) return null;
  const { types, scores, merges, unknown, file } = vocabulary;
  if (merges === undefined && scores === undefined)
    throw badConfig(file, "tokenizer.ggml.merges and tokenizer.ggml.scores are missing", "one of the two lists");
  const tokens = withSpaceMarks(vocabulary);
  return {
    tokens,
    normalizer: { type: "Replace", pattern: { String: " " }, content: SPACE },
    preTokenizer: { type: "Split", pattern: { String: " " }, behavior: "MergedWithPrevious", invert: false },
    decoder: {
      type: "Sequence",
      decoders: [{ type: "Replace", pattern: { String: SPACE }, content: " " }, { type: "ByteFallback" }, { type: "Fuse" }],
    },
    model: {
      unk_token: unknown === undefined ? null : (tokens[unknown] ?? null),
      fuse_unk: true,
      byte_fallback: types.includes(TOKEN_TYPE.byte),
      merges: merges ?? mergesOfScores(tokens, types, scores!, file),
    },
  };
}

/** llama.cpp's converter writes spaces into user-defined tokens, where the original has `▁`. */
function withSpaceMarks({ tokens, types }: GgufVocabulary): readonly string[] {
  const spaced = (token: string, i: number) => types[i] === TOKEN_TYPE.userDefined && token.includes(" ");
  if (!tokens.some(spaced)) return tokens;
  const known = new Set(tokens);
  return tokens.map((token, i) => {
    const marked = spaced(token, i) ? token.replaceAll(" ", SPACE) : token;
    return known.has(marked) ? token : marked;
  });
}

/**
 * Every way to part a token into two tokens, best score first; among equal scores the longer left part, then the longer right part, first
 * (transformers, convert_slow_tokenizer.py, generate_merges). SentencePiece scores only what it learned: all other tokens have 0, which is
 * best; llama.cpp's converter writes -1000 for some of them.
 */
function mergesOfScores(tokens: readonly string[], types: readonly number[], scores: readonly number[], file: string): readonly Merge[] {
  const score = (token: number) => (types[token] === TOKEN_TYPE.normal ? scores[token]! : 0);
  const parted = waysToPart(tokens, file).map((way) => ({ token: Math.floor(way / PARTED_AT), at: way % PARTED_AT }));
  parted.sort((a, b) => score(b.token) - score(a.token) || b.at - a.at || tokens[b.token]!.length - tokens[a.token]!.length);
  return parted.map(({ token, at }) => [tokens[token]!.slice(0, at), tokens[token]!.slice(at)]);
}

/** A token and the length of its left part in one number, so that a hostile vocabulary's millions take little memory. */
const PARTED_AT = 2 ** 15;

function waysToPart(tokens: readonly string[], file: string): readonly number[] {
  const known = new Set(tokens);
  const ways: number[] = [];
  let work = 0;
  for (const [i, token] of tokens.entries()) {
    work += token.length * token.length; // at most 2 × 10⁸, so no token is as long as PARTED_AT
    if (work > MAX_WORK) throw tooLarge(file, `its tokens need ${work} characters read to find the merges, expected at most ${MAX_WORK}`);
    for (let at = token.length - 1; at > 0; at--)
      if (known.has(token.slice(0, at)) && known.has(token.slice(at))) ways.push(i * PARTED_AT + at);
    if (ways.length > MAX_MERGES) throw tooLarge(file, `its tokens give ${ways.length} merges, expected at most ${MAX_MERGES}`);
  }
  return ways;
}

function tooLarge(file: string, fact: string): CheckpointError {
  return new CheckpointError("checkpoint/too-large", `${file}: tokenizer.ggml.tokens: ${fact}`, {
    hint: "the vocabulary is damaged or made to do harm; fetch the file again from a source that you trust",
  });
}
