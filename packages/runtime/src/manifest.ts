/** manifest.json of an exported model: everything a runtime must know besides the graph and the tokenizer. */
import { z } from "zod";
import { modelConfigSchema } from "./checkpoint/model-config.ts";

export const PRECISIONS = ["float32", "int8", "int4", "sliced", "paired"] as const;
/**
 * How weights are stored: as float32; in blocks of 8 or 4 bits; or so that each step chooses between 4 and 8 bits: `sliced` is 4 bits and
 * 4 more of what they leave over (int8's memory; a full step computes both), `paired` is 4 bits and 8 bits side by side (half as much
 * memory again; a full step costs what int8 costs).
 */
export type Precision = (typeof PRECISIONS)[number];

/** Whether each step of a model with such weights chooses how much of them it uses. */
export function chooses(precision: Precision): boolean {
  return precision === "sliced" || precision === "paired";
}

export const CACHE_FORMATS = ["float32", "int8"] as const;
/** How key and value rows are kept: as computed, or, of layers without a window, the older ones in 8 bits with a scale for each head. */
export type CacheFormat = (typeof CACHE_FORMATS)[number];

/** Nats by which a bias may move a logit: beyond, a model has no say. */
export const MAX_LOGIT_SHIFT = 20;

export const manifestSchema = z.object({
  format: z.literal(2),
  family: z.string(),
  config: modelConfigSchema,
  source: z.object({ name: z.string(), format: z.enum(["gguf", "safetensors"]), sha256: z.string() }),
  weights: z.object({
    precision: z.enum(PRECISIONS),
    /** MatMulNBits accuracy_level the graph was built with. */
    accuracyLevel: z.union([z.literal(0), z.literal(4)]),
    /** How key and value rows are kept. */
    cache: z.enum(CACHE_FORMATS).default("float32"),
    /** Whether the graph takes `candidates`: ids whose logits alone are computed. */
    sparseHead: z.boolean().optional(),
  }),
  experts: z.object({
    mode: z.enum(["conditional", "merged", "none"]),
    /** Why: milliseconds of one whole layer for one token, each way, measured at export; null when the mode was not chosen by that. */
    measured: z.object({ conditionalMs: z.number(), mergedMs: z.number() }).nullable(),
    /** Why there was nothing to measure, in words; null when it was measured, the mode was asked for, or there are no experts. */
    reason: z.string().nullable().default(null),
    /** Experts of a token are added until their weights reach this; all of them where it is left out. */
    mass: z.number().positive().max(1).optional(),
    /** Bits of each expert by layer, where calibration chose them; left out: all as `weights.precision` says. */
    bits: z.array(z.array(z.union([z.literal(4), z.literal(8)]))).optional(),
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
  /** What replies are sampled with unless a request says otherwise; see `Sampling` of the port. Left out: nothing is added to logits. */
  sampling: z
    .object({
      copyBias: z.number().min(0).max(MAX_LOGIT_SHIFT).optional(),
      callOffset: z.number().min(-MAX_LOGIT_SHIFT).max(MAX_LOGIT_SHIFT).optional(),
    })
    .optional(),
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
/** A chat template beside tokenizer_config.json; an export has it inside that. */
export const CHAT_TEMPLATE_FILE = "chat_template.jinja";
