/** What a model is, after parsing: closed and plain, the same from every file format. No optional field, no default left to decide. */
import { z } from "zod";

const positive = z.int().positive();
const natural = z.int().nonnegative();

export const layerConfigSchema = z.object({
  heads: z.object({ query: positive, keyValue: positive, size: positive }),
  /** Keys that a token sees, its own included; null: all before it. */
  window: positive.nullable(),
  /** Rotary position embedding: pair i of size/2 turns by position · theta^(−2i/size), and only the first `pairs` turn. */
  rope: z.object({ theta: z.number().positive(), pairs: natural }),
  /** The layer whose keys and values it reads: its own number, or that of an earlier layer with the same heads and window. */
  keysFrom: natural,
  /** True when the values are the keys as projected, before norm and rotation. */
  valueIsKey: z.boolean(),
  /** Width of the MLP that every token passes; 0 where there is none. */
  mlpWidth: natural,
});

export const modelConfigSchema = z.object({
  /** Key of the family registry, e.g. `granite-moe`. */
  family: z.string(),
  vocabularySize: positive,
  hiddenSize: positive,
  /** Positions the model was built for. */
  contextLength: positive,
  normEpsilon: z.number().positive(),
  layers: z.array(layerConfigSchema).min(1),
  /** `embedding` and `residual` multiply, `attention` multiplies q·k, `logits` divides. */
  scales: z.object({ embedding: z.number(), residual: z.number(), attention: z.number(), logits: z.number() }),
  /** Logits become c·tanh(logits/c); null: they stay. */
  softcap: z.number().positive().nullable(),
  /** The mixture of every layer; null where there is none. */
  experts: z.object({ count: positive, perToken: positive, width: positive }).nullable(),
  /** Embeddings that each layer has of its own (Gemma 4 E2B, E4B), of this width; null where there are none. */
  perLayer: z.object({ width: positive }).nullable(),
  /** True when the output head is the embedding. */
  tiedHead: z.boolean(),
  tokens: z.object({
    /** Written before every prompt; null when the file names none. */
    bos: natural.nullable(),
    /** A reply ends at any of them. */
    stop: z.array(natural),
  }),
});

/** Sizes and constants of a model, under the same names for every family. */
export type ModelConfig = z.infer<typeof modelConfigSchema>;

/** Those of one layer. */
export type LayerConfig = z.infer<typeof layerConfigSchema>;

/** Heads, size and window of the key and value rows that a layer owns. */
export interface CacheLayer {
  /** Number of the layer. */
  readonly layer: number;
  readonly heads: number;
  readonly size: number;
  /** Rows that a new token may see, its own included; null: all. */
  readonly window: number | null;
}

/** The layers that have keys and values of their own, in order: K is [tokens, heads, size], and so is V. */
export function cacheLayers({ layers }: Pick<ModelConfig, "layers">): readonly CacheLayer[] {
  return layers.flatMap(({ heads, window, keysFrom }, layer) =>
    keysFrom === layer ? [{ layer, heads: heads.keyValue, size: heads.size, window }] : [],
  );
}
