/** cases.json of a golden model: token ids and how to feed them. The logits they must give lie in logits.safetensors. */
import { z } from "zod";

const ids = z.array(z.int().nonnegative()).min(1);

const goldenCase = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("prefill"), name: z.string(), input_ids: ids }),
  z.object({ kind: z.literal("steps"), name: z.string(), input_ids: ids, feed: z.array(z.int().positive()) }),
  z.object({ kind: z.literal("chunks"), name: z.string(), input_ids: ids, feed: z.array(z.int().positive()) }),
  z.object({ kind: z.literal("rollback"), name: z.string(), input_ids: ids, prefill_ids: ids, keep: z.int().positive(), then_ids: ids }),
  z.object({ kind: z.literal("greedy"), name: z.string(), input_ids: ids, prompt_ids: ids, generated_ids: ids }),
]);

export const goldenCasesSchema = z.object({ model: z.string(), tolerance: z.number().positive(), cases: z.array(goldenCase).min(1) });

export type GoldenCases = z.infer<typeof goldenCasesSchema>;
export type GoldenCase = z.infer<typeof goldenCase>;
