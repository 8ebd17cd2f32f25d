/** How sure a step is of its token. In: logits and what is legal. Out: margin and entropy in nats. One pass, two where entropy is asked for. */

export interface Confidence {
  /** Difference of the two largest legal logits; Infinity where one token is legal. 0 is a tie. */
  readonly margin: number;
  /** Of the softmax over the legal tokens; NaN when it was not asked for. */
  readonly entropy: number;
}

/** exp(−40) of the largest weight is below the rounding of the sum. */
const NEGLIGIBLE = 40;
const ALL = 0xffff_ffff;

/** `bits`: bit `id & 31` of word `id >>> 5`; null: all are legal. */
export function confidenceOf(logits: Float32Array, bits: Uint32Array | null, withEntropy: boolean): Confidence {
  const [first, second] = largestTwo(logits, bits);
  return { margin: second === -Infinity ? Infinity : first - second, entropy: withEntropy ? entropyOf(logits, bits, first) : Number.NaN };
}

function largestTwo(logits: Float32Array, bits: Uint32Array | null): readonly [number, number] {
  let first = -Infinity;
  let second = -Infinity;
  for (let from = 0, word = 0; from < logits.length; from += 32, word++) {
    const end = Math.min(from + 32, logits.length);
    for (let id = from, rest = bits ? (bits[word] ?? 0) : ALL; rest !== 0 && id < end; id++, rest >>>= 1) {
      if ((rest & 1) === 0) continue;
      const value = logits[id]!;
      if (value > first) {
        second = first;
        first = value;
      } else if (value > second) second = value;
    }
  }
  return [first, second];
}

/** H = ln Σe + Σ e·d / Σe with e = exp(−d), d being the distance from the peak. */
function entropyOf(logits: Float32Array, bits: Uint32Array | null, peak: number): number {
  let sum = 0;
  let moment = 0;
  for (let from = 0, word = 0; from < logits.length; from += 32, word++) {
    const end = Math.min(from + 32, logits.length);
    for (let id = from, rest = bits ? (bits[word] ?? 0) : ALL; rest !== 0 && id < end; id++, rest >>>= 1) {
      if ((rest & 1) === 0) continue;
      const distance = peak - logits[id]!;
      if (!(distance < NEGLIGIBLE)) continue;
      const weight = Math.exp(-distance);
      sum += weight;
      moment += weight * distance;
    }
  }
  return sum === 0 ? 0 : Math.log(sum) + moment / sum;
}
