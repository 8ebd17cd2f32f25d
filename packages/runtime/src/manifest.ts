/** manifest.json of an exported model: everything a runtime must know besides the graph and the tokenizer. */
import { z } from "zod";
import { modelConfigSchema } from "./checkpoint/model-config.ts";

export const PRECISIONS = ["float32", "int8", "int4"] as const;
/** How weights are stored: as float32, or in blocks of 8 or 4 bits. */
export type Precision = (typeof PRECISIONS)[number];

export const manifestSchema = z.object({
  format: z.literal(2),
  family: z.string(),
  config: modelConfigSchema,
  source: z.object({ name: z.string(), format: z.enum(["gguf", "safetensors"]), sha256: z.string() }),
  weights: z.object({
    precision: z.enum(PRECISIONS),
    /** MatMulNBits accuracy_level the graph was built with. */
    accuracyLevel: z.union([z.literal(0), z.literal(4)]),
  }),
  experts: z.object({
    mode: z.enum(["conditional", "merged", "none"]),
    /** Why: milliseconds of one whole layer for one token, each way, measured at export; null when the mode was not chosen by that. */
    measured: z.object({ conditionalMs: z.number(), mergedMs: z.number() }).nullable(),
    /** Why there was nothing to measure, in words; null when it was measured, the mode was asked for, or there are no experts. */
    reason: z.string().nullable().default(null),
  }),
  /** Layers that own keys and values, in order: rows are [tokens, heads, size]; of a window, a new token sees the last ones only. */
  cache: z.array(
    z.object({
      layer: z.int().nonnegative(),
      heads: z.int().positive(),
      size: z.int().positive(),
      window: z.int().positive().nullable(),
    }),
  ),
  onnxruntime: z.string(),
  /** Every file beside manifest.json, with its size and SHA-256 (hex). */
  files: z.array(z.object({ name: z.string(), bytes: z.int().nonnegative(), sha256: z.string() })),
});

/** What manifest.json says: the model, where it came from, its cache and its files. */
export type Manifest = z.infer<typeof manifestSchema>;

/** Positions of sequences that are computed in one run lie this far apart. */
export const LANE = 2 ** 32;
/** Position of padding: later than any token's, so none sees it. */
export const NOWHERE = 2 ** 53 - 1;

export const MODEL_FILE = "model.onnx";
export const MANIFEST_FILE = "manifest.json";
export const TOKENIZER_FILE = "tokenizer.json";
export const TOKENIZER_CONFIG_FILE = "tokenizer_config.json";
