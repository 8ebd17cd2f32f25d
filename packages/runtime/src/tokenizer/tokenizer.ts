/**
 * Text to ids and back. In: the parsed tokenizer.json and tokenizer_config.json of a checkpoint. Out: a Tokenizer. Law: `encode` never
 * gives the id of a control token, whatever the text spells; only `controlId` does.
 */
import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";
import { TokenizerError } from "../errors.ts";
import { bytesOfToken } from "./bytes.ts";
import { parseTokenizerFile, type TokenizerFile } from "./file.ts";
import type { Tokenizer } from "./vocabulary.ts";

/** What we use of the library. Its own types do not resolve in ESM projects, so they are stated here. */
interface Encoder {
  encode(text: string, options: { readonly add_special_tokens: boolean }): { readonly ids: readonly (number | undefined)[] };
  readonly model: { readonly tokens_to_ids: Map<string, number> };
}

/**
 * A tokenizer from the parsed `tokenizer.json` and (for the names of control tokens; may be undefined) `tokenizer_config.json`.
 * Supports BPE with a byte-level or SentencePiece vocabulary. `encode` adds nothing around the text; a character that the vocabulary
 * cannot spell is left out, as the reference does.
 * @throws TokenizerError `tokenizer/bad-json`, `tokenizer/bad-file`, `tokenizer/too-large`, `tokenizer/unsupported`
 */
export function createTokenizer(json: unknown, config?: unknown): Tokenizer {
  const file = parseTokenizerFile(json, config);
  const encoder = createEncoder(file);
  const bytes = tokenBytes(file);

  return {
    size: file.size,
    control: file.control,
    bytes,
    encode: (text) => (text === "" ? [] : encoder.encode(text, { add_special_tokens: false }).ids.filter((id) => id !== undefined)),
    decode(ids) {
      const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
      let text = "";
      for (const id of ids) {
        const part = bytes(id);
        if (part) text += decoder.decode(part, { stream: true });
      }
      return text + decoder.decode();
    },
    controlId(text) {
      const id = file.control.get(text);
      if (id !== undefined) return id;
      throw new TokenizerError("tokenizer/no-control-token", `the vocabulary has no control token ${text}`, {
        hint: "the chat format does not belong to this model, or its tokenizer files are of another model",
      });
    },
  };
}

function createEncoder(file: TokenizerFile): Encoder {
  let encoder: Encoder;
  try {
    encoder = new HuggingFaceTokenizer(file.parts, {});
  } catch (cause) {
    throw new TokenizerError("tokenizer/bad-file", `tokenizer.json: ${cause instanceof Error ? cause.message : String(cause)}`, {
      hint: "fetch the file again",
      cause,
    });
  }
  // A vocabulary lists its control tokens too. Without their names here no path (whole-word look-up, single characters) leads to them.
  for (const name of file.control.keys()) encoder.model.tokens_to_ids.delete(name);
  return encoder;
}

/** Bytes by id, each made when it is first asked for: a tokenizer that only encodes needs none. */
function tokenBytes(file: TokenizerFile): (id: number) => Uint8Array | undefined {
  const added = new Set(file.added.map(({ content }) => content));
  const tokens = Array.from<string | undefined>({ length: file.size });
  for (const [token, id] of file.ids) if (!file.control.has(token)) tokens[id] = token;
  const made = Array.from<Uint8Array | undefined>({ length: file.size });
  return (id) => {
    const token = tokens[id];
    if (token === undefined) return undefined;
    // Added text is matched raw, so GPT-2's alphabet does not spell it. SentencePiece reads every token alike: Gemma adds `▁▁` as a token.
    const raw = file.spelling === "byte-level" && added.has(token);
    return (made[id] ??= bytesOfToken(token, raw ? "plain" : file.spelling));
  };
}
