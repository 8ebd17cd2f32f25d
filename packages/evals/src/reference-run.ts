/**
 * A real model against reference.json: prompts, the reference's likeliest logits, and its greedy continuation. In: a session. Out: the
 * largest difference of a logit, and how many continuations are the reference's.
 */
import type { Session } from "@orrery/runtime";
import { z } from "zod";

const ids = z.array(z.int().nonnegative()).min(1);

export const referenceSchema = z.object({
  model: z.string(),
  prompts: z
    .array(z.object({ name: z.string(), ids, top_ids: ids, top_logits: z.array(z.number()).min(1), greedy: ids, stop: ids.optional() }))
    .min(1),
});

export type Reference = z.infer<typeof referenceSchema>;

export interface ReferenceResult {
  readonly prompts: number;
  /** Largest absolute difference of the logits that the reference names. */
  readonly maxError: number;
  /** Prompts whose greedy continuation is the reference's, to its end. */
  readonly sameGreedy: number;
  /** Name and position of the first difference of each other continuation. */
  readonly parted: readonly string[];
}

function argmax(row: Float32Array): number {
  let best = 0;
  for (let i = 1; i < row.length; i++) if (row[i]! > row[best]!) best = i;
  return best;
}

/** The reference went on after stop tokens, so its whole list is compared. */
export async function runReference(session: Session, reference: Reference): Promise<ReferenceResult> {
  let maxError = 0;
  const parted: string[] = [];
  for (const prompt of reference.prompts) {
    const sequence = session.createSequence();
    try {
      let logits = await sequence.append(prompt.ids);
      for (const [i, id] of prompt.top_ids.entries()) maxError = Math.max(maxError, Math.abs(logits[id]! - prompt.top_logits[i]!));
      for (const [i, expected] of prompt.greedy.entries()) {
        if (argmax(logits) !== expected) {
          parted.push(`${prompt.name} at token ${i + 1}`);
          break;
        }
        if (i + 1 < prompt.greedy.length) logits = await sequence.append([expected]);
      }
    } finally {
      sequence.dispose();
    }
  }
  return { prompts: reference.prompts.length, maxError, sameGreedy: reference.prompts.length - parted.length, parted };
}
