/** GGUF metadata of Gemma 3 and Gemma 4, which spell it alike. In: metadata of one architecture. Out: checked fields without its prefix. */
import { z } from "zod";
import { badConfig, float32, layerCount, parseFields, size, unsupported } from "./config-fields.ts";
import type { Place, Spelling } from "./gemma.ts";
import type { GgufMetadata } from "./gguf.ts";

/** One number for all layers, or one for each. */
const perLayer = z.union([size, z.array(size)]);
type PerLayer = z.infer<typeof perLayer>;

export const ggufFields = {
  vocab_size: size.optional(),
  context_length: size,
  embedding_length: size,
  block_count: layerCount,
  feed_forward_length: perLayer,
  "attention.head_count": perLayer,
  "attention.head_count_kv": perLayer,
  "attention.key_length": size,
  "attention.value_length": size.optional(),
  "attention.layer_norm_rms_epsilon": float32,
  "attention.sliding_window": size,
  "rope.freq_base": float32.default(1_000_000),
  "rope.freq_base_swa": float32.default(10_000),
  "rope.dimension_count": size.optional(),
  "rope.scaling.type": z.unknown().optional(),
  "rope.scaling.factor": z.unknown().optional(),
  final_logit_softcapping: float32.optional(),
};

export const GGUF_SPELLING: Spelling = {
  vocabulary: "vocab_size",
  hidden: "embedding_length",
  layers: "block_count",
  query: "attention.head_count",
  keyValue: "attention.head_count_kv",
  headSize: "attention.key_length",
  shared: "attention.shared_kv_layers",
};

/** The fields under `place.under`, by the rest of their names. @throws CheckpointError `checkpoint/bad-config` */
export function fieldsUnder<T>(schema: z.ZodType<T>, metadata: GgufMetadata, { file, under }: Place): T {
  const own = [...metadata].filter(([key]) => key.startsWith(under)).map(([key, value]) => [key.slice(under.length), value] as const);
  return parseFields(schema, Object.fromEntries(own), file, under);
}

/** The stated size, or the number of tokens. @throws CheckpointError `checkpoint/bad-config` */
export function vocabularyOf(stated: number | undefined, metadata: GgufMetadata, { file, under }: Place): number {
  const tokens = metadata.get("tokenizer.ggml.tokens");
  const found = stated ?? (Array.isArray(tokens) && tokens.length > 0 ? tokens.length : undefined);
  if (found === undefined) throw badConfig(file, `${under}vocab_size is missing`, "it, or tokenizer.ggml.tokens to count");
  return found;
}

/** A field's number at each layer. @throws CheckpointError `checkpoint/bad-config` */
export function atLayer(field: string, value: PerLayer, layers: number, { file, under }: Place): (layer: number) => number {
  if (typeof value === "number") return () => value;
  if (value.length !== layers) throw badConfig(file, `${under}${field}: found ${value.length} numbers`, `${layers}, one for each layer`);
  return (layer) => value[layer]!;
}

/** Fields that may repeat the head size. @throws CheckpointError `checkpoint/unsupported` */
export function checkSame(fields: Readonly<Record<string, number | undefined>>, headSize: number, { file, under }: Place): void {
  for (const [name, value] of Object.entries(fields))
    if ((value ?? headSize) !== headSize) throw unsupported(file, `${under}${name}`, value, `the head size ${headSize}`);
}

/** @throws CheckpointError `checkpoint/unsupported` */
export function checkUnscaled(
  fields: { readonly "rope.scaling.type"?: unknown; readonly "rope.scaling.factor"?: unknown },
  { file, under }: Place,
): void {
  const { "rope.scaling.type": kind = "none", "rope.scaling.factor": factor = 1 } = fields;
  if (kind !== "none") throw unsupported(file, `${under}rope.scaling.type`, kind, '"none"');
  if (factor !== 1) throw unsupported(file, `${under}rope.scaling.factor`, factor, "1");
}
