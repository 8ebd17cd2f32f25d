/** The decoder of fixtures/session for tests: where it is, ids for it, and how far two rows of logits are apart. */
import { fileURLToPath } from "node:url";

/** Two layers, the first with a window of 24. */
export const FIXTURE = fileURLToPath(new URL("../../fixtures/session/", import.meta.url));
export const VOCABULARY = 16;
/** Float32 rounding of sums in another order; logits are of the size of 1. */
export const TOLERANCE = 1e-5;

/** `count` ids that look random, the same for one seed. */
export function ids(count: number, seed = 1): number[] {
  let state = seed;
  return Array.from({ length: count }, () => (state = (state * 48271) % 2147483647) % VOCABULARY);
}

export function difference(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}
