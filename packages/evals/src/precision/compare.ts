/**
 * One step of a model against the same step of the reference. In: two rows of logits after the same tokens, and what was legal. Out: how
 * far apart they are. Law: only legal tokens count, because no other can be drawn.
 */
import type { TracedStep } from "@orrery/runtime";

export interface StepDifference {
  /** Kullback-Leibler divergence of the found distribution from the reference's, in nats: Σ p·ln(p/q) over the legal tokens. */
  readonly kl: number;
  /** Another token is the likeliest. */
  readonly flip: boolean;
}

type Row = Pick<TracedStep, "logits" | "legal">;

/** @throws RangeError when the rows have different lengths */
export function compareSteps(reference: Row, found: Row): StepDifference {
  const { logits: p, legal } = reference;
  const { logits: q } = found;
  if (p.length !== q.length) throw new RangeError(`expected ${p.length} logits, found ${q.length}`);
  const [topP, topQ] = [largest(p, legal), largest(q, legal)];
  let [sumP, sumQ, cross] = [0, 0, 0];
  for (let id = 0; id < p.length; id++) {
    if (!isLegal(legal, id)) continue;
    const weight = Math.exp(p[id]! - p[topP]!);
    sumP += weight;
    sumQ += Math.exp(q[id]! - q[topQ]!);
    cross += weight * (p[id]! - p[topP]! - (q[id]! - q[topQ]!));
  }
  // ln(p/q) = (lp − max lp − ln sumP) − (lq − max lq − ln sumQ); rounding may leave a hair below 0.
  return { kl: Math.max(0, cross / sumP - Math.log(sumP) + Math.log(sumQ)), flip: topP !== topQ };
}

function isLegal(legal: Uint32Array | null, id: number): boolean {
  return legal === null || ((legal[id >>> 5] ?? 0) & (1 << (id & 31))) !== 0;
}

/** The first of the largest legal logits, as greedy decoding takes it. */
function largest(logits: Float32Array, legal: Uint32Array | null): number {
  let best = -1;
  for (let id = 0; id < logits.length; id++) if (isLegal(legal, id) && (best < 0 || logits[id]! > logits[best]!)) best = id;
  return best;
}
