/**
 * A policy at work on one reply. In: where each step stands, then its logits. Out: low or full, and whether once more in full. Law: the
 * same policy and the same logits give the same choices; a step is repeated at most once.
 */
import type { Position } from "../constraint/position.ts";
import { confidenceOf, type Confidence } from "./confidence.ts";
import type { Phase, PrecisionPolicy, PrecisionRule, Use } from "./policy.ts";

/** What is known of a step before it is computed. */
export interface StepPlace {
  readonly phase: Phase;
  readonly position: Position;
  /** Whether it also computes tokens that the grammar forced. */
  readonly afterForced: boolean;
}

/** Steps of a reply by how they were computed. */
export interface StepCounts {
  /** In low slices alone, those repeated left out. */
  readonly low: number;
  readonly full: number;
  /** Low, then again in full. */
  readonly rechecked: number;
}

export class Governor {
  readonly #rules: readonly PrecisionRule[];
  readonly #otherwise: Use;
  /** Whether the rules ask for the entropy of a step, and for anything of it at all. */
  readonly #wants: { readonly entropy: boolean; readonly margin: boolean };
  readonly #counts = { low: 0, full: 0, rechecked: 0 };
  #latest: Confidence | null = null;
  #use: Use = "full";

  constructor({ rules, otherwise }: PrecisionPolicy) {
    this.#rules = rules.filter(({ enabled }) => enabled);
    this.#otherwise = otherwise;
    this.#wants = {
      entropy: this.#rules.some(({ when }) => when.entropyAbove !== undefined),
      margin: this.#rules.some(({ when }) => when.marginBelow !== undefined),
    };
  }

  /** Whether the next step is to be computed in full. */
  choose(place: StepPlace): boolean {
    this.#use = this.#rules.find(({ when }) => this.#fits(when, place))?.use ?? this.#otherwise;
    this.#counts[this.#use === "full" ? "full" : "low"]++;
    return this.#use === "full";
  }

  /** Takes note of the step's logits, and says whether it must be computed once more, in full; then {@link repeated} is to be told. */
  again(logits: Float32Array, bits: Uint32Array | null): boolean {
    const tau = typeof this.#use === "object" ? this.#use.recheckBelow : null;
    if (tau === null && !this.#wants.margin && !this.#wants.entropy) return false;
    this.#latest = confidenceOf(logits, bits, this.#wants.entropy);
    return tau !== null && this.#latest.margin < tau;
  }

  /** The logits of the step that was computed once more. */
  repeated(logits: Float32Array, bits: Uint32Array | null): void {
    this.#counts.low--;
    this.#counts.rechecked++;
    if (this.#wants.margin || this.#wants.entropy) this.#latest = confidenceOf(logits, bits, this.#wants.entropy);
  }

  /** Steps so far. */
  get counts(): StepCounts {
    return { ...this.#counts };
  }

  #fits({ phase, positions, afterForced, marginBelow, entropyAbove }: PrecisionRule["when"], place: StepPlace): boolean {
    if (phase !== undefined && phase !== place.phase) return false;
    if (positions !== undefined && !positions.includes(place.position)) return false;
    if (afterForced !== undefined && afterForced !== place.afterForced) return false;
    if (marginBelow !== undefined && !(this.#latest !== null && this.#latest.margin < marginBelow)) return false;
    return entropyAbove === undefined || (this.#latest !== null && this.#latest.entropy > entropyAbove);
  }
}
