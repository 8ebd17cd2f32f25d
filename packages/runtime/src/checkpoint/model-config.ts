/** What a model is, after parsing: closed and plain, the same from every file format. No optional field, no default left to decide. */
import { z } from "zod";

const positive = z.int().positive();

export const modelConfigSchema = z.object({
  /** Key of the family registry, e.g. `granite-moe`. */
  family: z.string(),
  vocabularySize: positive,
  hiddenSize: positive,
  layers: positive,
  /** Positions the model was built for. */
  contextLength: positive,
  heads: z.object({ query: positive, keyValue: positive, size: positive }),
  normEpsilon: z.number().positive(),
  rope: z.object({ theta: z.number().positive() }),
  /** `embedding` and `residual` multiply, `attention` multiplies q·k, `logits` divides. */
  scales: z.object({ embedding: z.number(), residual: z.number(), attention: z.number(), logits: z.number() }),
  /** Width of the MLP that every token passes; 0 where there is none. */
  sharedWidth: z.int().nonnegative(),
  experts: z.object({ count: positive, perToken: positive, width: positive }),
  /** True when the output head is the embedding. */
  tiedHead: z.boolean(),
  tokens: z.object({
    /** Written before every prompt; null when the file names none. */
    bos: z.int().nonnegative().nullable(),
    /** A reply ends at any of them. */
    stop: z.array(z.int().nonnegative()),
  }),
});

/** Sizes and constants of a model, under the same names for every family. */
export type ModelConfig = z.infer<typeof modelConfigSchema>;
