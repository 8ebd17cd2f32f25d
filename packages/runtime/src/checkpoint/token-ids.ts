/**
 * The token ids a model needs to start and to stop. In: config.json with generation_config.json, or GGUF metadata. Out:
 * ModelConfig.tokens. Law: every id lies in the vocabulary; the same model gives the same ids from every kind of file.
 */
import { z } from "zod";
import { badConfig, parseFields } from "./config-fields.ts";
import type { GgufMetadata } from "./gguf.ts";
import type { ModelConfig } from "./model-config.ts";

type Tokens = ModelConfig["tokens"];

const id = z.int().nonnegative();
const ids = z.union([id.transform((n) => [n]), z.array(id).max(64)]);

const jsonSchema = z.object({ bos_token_id: id.nullish(), eos_token_id: ids.nullish() });
/** Configs of models that also see and hear keep the text model's fields one level down; those at the top go first. */
const textSchema = z.object({ text_config: jsonSchema.nullish() });
const tokenizerSchema = z.object({ add_bos_token: z.boolean().nullish() });

/** What the model asks of its tokens; `needsBos` as in CheckpointFamily. */
export interface Needs {
  readonly vocabularySize: number;
  readonly needsBos: boolean;
}

/** The JSON files that lie beside the weights; `{}` where there is none. */
export interface TokenFiles {
  readonly config: { readonly json: unknown; readonly file: string };
  readonly generation: { readonly json: unknown; readonly file: string };
  readonly tokenizer: { readonly json: unknown; readonly file: string };
}

/** generation_config.json goes first, as in transformers: chat models list their end-of-turn token only there. */
export function tokensFromJson({ config, generation, tokenizer }: TokenFiles, { vocabularySize, needsBos }: Needs): Tokens {
  const model = {
    ...parseFields(textSchema, config.json, config.file).text_config,
    ...given(parseFields(jsonSchema, config.json, config.file)),
  };
  const written = parseFields(jsonSchema, generation.json, generation.file);
  const { add_bos_token: addBos } = parseFields(tokenizerSchema, tokenizer.json, tokenizer.file);
  const bos = addBos === false && !needsBos ? null : (model.bos_token_id ?? null);
  return checked({ bos, stop: written.eos_token_id ?? model.eos_token_id ?? [] }, vocabularySize, config.file);
}

/** What is neither absent nor null. */
function given<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined)) as Partial<T>;
}

const BOS = "tokenizer.ggml.bos_token_id";
const ADD_BOS = "tokenizer.ggml.add_bos_token";
/** End of sequence, of turn, of message. llama.cpp stops at each of them. */
const STOP = ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"] as const;

const ggufSchema = z.object({
  [BOS]: id.optional(),
  [ADD_BOS]: z.boolean().optional(),
  [STOP[0]]: id.optional(),
  [STOP[1]]: id.optional(),
  [STOP[2]]: id.optional(),
});

/** `more`: the stop ids that a config.json beside the GGUF names. */
export function tokensFromGguf(metadata: GgufMetadata, more: readonly number[], needs: Needs, file: string): Tokens {
  const { vocabularySize, needsBos } = needs;
  const found = parseFields(ggufSchema, Object.fromEntries(metadata), file);
  const stop = [...STOP.flatMap((key) => found[key] ?? []), ...more];
  return checked({ bos: found[ADD_BOS] === false && !needsBos ? null : (found[BOS] ?? null), stop }, vocabularySize, file);
}

function checked({ bos, stop }: Tokens, vocabularySize: number, file: string): Tokens {
  for (const token of [...stop, ...(bos === null ? [] : [bos])]) {
    if (token >= vocabularySize)
      throw badConfig(file, `token id ${token} is named as bos or eos`, `ids below the vocabulary size ${vocabularySize}`);
  }
  return { bos, stop: [...new Set(stop)] };
}
