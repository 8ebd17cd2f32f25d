/** A mask on a runtime's logits. In: logits of one step, a mask. Out: the same array, in which illegal tokens have no chance. */
import type { TokenMask } from "./token-mask.ts";

/**
 * Sets the logits of all tokens outside the mask to −∞, in place. What is beyond the vocabulary, as in a padded head, is outside.
 *
 * @param also Ids that are legal besides, such as that of the end of the text where `state.mayEnd`
 */
export function maskLogits(logits: Float32Array, mask: TokenMask, also: readonly number[] = []): void {
  const { bits } = mask;
  const kept = also.map((id) => logits[id]);
  for (let id = 0; id < logits.length; id++) if (((bits[id >>> 5] ?? 0) & (1 << (id & 31))) === 0) logits[id] = -Infinity;
  for (const [i, id] of also.entries()) if (kept[i] !== undefined) logits[id] = kept[i];
}
