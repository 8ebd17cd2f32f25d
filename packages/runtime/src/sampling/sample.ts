/**
 * The sampler. In: logits of one position, what is legal, the reply so far. Out: an id, and how much probability the mask removed.
 * Law: the same options, seed and inputs give the same ids; an id that the mask does not have is never drawn.
 */
import { ChatError, type Sampling } from "@orrery/chat";
import { ConstraintError, SessionError } from "../errors.ts";
import {
  at,
  createCandidates,
  gather,
  keepMinP,
  keepTopK,
  keepTopP,
  largest,
  penalise,
  shift,
  soften,
  take,
  takeAt,
  total,
  weigh,
  type Candidates,
} from "./logits.ts";
import type { BiasStrengths, LogitBias } from "./reply-bias.ts";
import { createRandom, type Random } from "./random.ts";

export interface Sample {
  readonly id: number;
  /**
   * Probability, 0 … 1, of all ids that the mask removed: softmax of the raw logits over the whole vocabulary; null where only legal ids
   * have logits.
   */
  readonly maskedMass: number | null;
}

/** Logits of some ids, which are the legal ones; ascending. */
export interface SparseLogits {
  readonly ids: Int32Array;
  readonly values: Float32Array;
}

/** Of the whole vocabulary, or of some ids. */
export type Logits = Float32Array | SparseLogits;

/** Draws one reply: it holds the generator's state. */
export interface Sampler {
  /**
   * `logits` [vocabulary] float32, or of the legal ids alone, not changed; `mask` null for no constraint, or where only legal ids have
   * logits; `history` ids of the reply so far;
   * `bias` what is added to logits, by id: it moves what is legal and makes nothing legal.
   * @throws SessionError `session/bad-logits` for NaN, +∞ or a wrong length
   * @throws ConstraintError `constraint/dead-end` when the mask is empty
   */
  sample(logits: Logits, mask: Legal | null, history: readonly number[], bias?: LogitBias): Sample;
}

/** What is legal: bits, or where they are few a list. */
interface Legal {
  readonly bits: Uint32Array;
  readonly ids?: Int32Array | null;
}

/** @throws ChatError `chat/bad-sampling` for an option out of its range */
export function createSampler(sampling: Sampling, vocabularySize: number): Sampler {
  const options = checked(sampling);
  const candidates = createCandidates(vocabularySize);
  const marked = new Uint8Array(vocabularySize);
  const random = createRandom(options.seed);

  return {
    sample(logits, mask, history, bias) {
      const sparse = logits instanceof Float32Array ? null : logits;
      const values = logits instanceof Float32Array ? logits : logits.values;
      const expected = sparse?.ids.length ?? vocabularySize;
      if (values.length !== expected)
        throw new SessionError("session/bad-logits", `expected ${expected} logits, found ${values.length}`, {
          hint: "the sampler and the logits are of different models",
        });
      const peak = peakOf(values);
      let maskedMass: number | null = null;
      if (sparse) take(candidates, sparse.values, sparse.ids);
      else {
        maskedMass = mask && peak > -Infinity ? massOutside(values, mask.bits, peak, candidates) : 0;
        if (mask?.ids) takeAt(candidates, values, mask.ids);
        else gather(candidates, values, mask?.bits ?? null);
      }
      if (candidates.count === 0)
        throw new ConstraintError("constraint/dead-end", "the mask allows no token", {
          pointer: "",
          hint: "the reply is already complete",
        });
      if (bias !== undefined) shift(candidates, bias);
      if (options.repetitionPenalty !== 1) {
        for (const id of history) marked[id] = 1;
        penalise(candidates, marked, options.repetitionPenalty);
        for (const id of history) marked[id] = 0;
      }
      return { id: candidates.ids[draw(candidates, options, random)]!, maskedMass };
    },
  };
}

function draw(candidates: Candidates, options: Drawing, random: Random): number {
  if (options.temperature === 0) return largest(candidates);
  soften(candidates, options.temperature);
  if (options.topK > 0) keepTopK(candidates, options.topK);
  keepTopP(candidates, options.topP);
  if (options.minP > 0) keepMinP(candidates, options.minP);
  return at(candidates, random());
}

/** The largest logit. Looks at every one: a NaN would be drawn or hidden at random. */
function peakOf(logits: Float32Array): number {
  const peak = peakOrNaN(logits);
  if (peak < Infinity) return peak;
  throw new SessionError("session/bad-logits", "the model gave logits that are no finite numbers", {
    hint: "the weights are damaged, or a precision overflows; run the model at float32 to compare",
  });
}

// V8 optimises a long loop while it runs, and throws that code away at arithmetic behind the loop that has never run yet, at every
// call anew: so the functions with a loop over the vocabulary end with it.
function peakOrNaN(logits: Float32Array): number {
  let peak = -Infinity;
  for (let id = 0; id < logits.length; id++) {
    const value = logits[id]!;
    peak = value > peak ? value : value <= peak ? peak : NaN;
  }
  return peak;
}

/** The share of the softmax over all logits that lies outside the mask. `weights` [vocabulary] is room to work in. */
function massOutside(logits: Float32Array, bits: Uint32Array, peak: number, weights: Candidates): number {
  weights.values.set(logits);
  weights.count = logits.length;
  weigh(weights.values, weights.count, peak, 1);
  return sumOutside(weights.values, bits) / total(weights);
}

function sumOutside(values: Float64Array, bits: Uint32Array): number {
  let sum = 0;
  for (let from = 0, index = 0; from < values.length; from += 32, index++) {
    const end = Math.min(from + 32, values.length);
    for (let id = from, rest = bits[index] ?? 0; id < end; id++, rest >>>= 1) if ((rest & 1) === 0) sum += values[id]!;
  }
  return sum;
}

/** How a token is drawn from the logits as they are then. */
type Drawing = Required<Omit<Sampling, keyof BiasStrengths>>;

function checked(sampling: Sampling): Drawing {
  const { temperature = 0, topK = 0, topP = 1, minP = 0, repetitionPenalty = 1, seed = 0 } = sampling;
  const check = (name: string, value: number, legal: boolean, range: string) => {
    if (!legal)
      throw new ChatError("chat/bad-sampling", `${name} must be ${range}, found ${value}`, { hint: "leave it out to take the default" });
  };
  check("temperature", temperature, temperature >= 0 && temperature <= 5, "0 … 5");
  check("topK", topK, Number.isInteger(topK) && topK >= 0, "a whole number, 0 for all");
  check("topP", topP, topP > 0 && topP <= 1, "above 0, at most 1");
  check("minP", minP, minP >= 0 && minP <= 1, "0 … 1");
  check("repetitionPenalty", repetitionPenalty, repetitionPenalty > 0 && repetitionPenalty < Infinity, "above 0");
  check("seed", seed, Number.isFinite(seed), "a number");
  return { temperature, topK, topP, minP, repetitionPenalty, seed };
}
