/** What one contestant did over all turns, added up as it happens. In: traces beside the reference's. Out: figures per class of tokens. */
import type { Position, Trace } from "@orrery/runtime";
import { wilson, type Share } from "../wilson.ts";
import { compareSteps } from "./compare.ts";

/** Positions of a call's inside: what is written after the choice to call. */
const CALL: readonly Position[] = ["tool-name", "number", "enum", "string", "structure"];

/** Classes of tokens in the order they are shown: two sums, then each position. */
export const TOKEN_CLASSES = [
  "all",
  "calls",
  "move",
  "tool-name",
  "number",
  "enum",
  "string",
  "structure",
  "free-text",
  "thought",
] as const;
export type TokenClass = (typeof TOKEN_CLASSES)[number];

export interface ClassFigures {
  readonly tokens: number;
  /** Mean KL to the reference in nats. */
  readonly kl: number;
  /** Tokens of which another one was the likeliest. */
  readonly flips: number;
}

/** Milliseconds: `median` over turns, and the median over turns of the quotient with the baseline of the same turn. */
export interface Times {
  readonly median: number;
  readonly ratio: number;
}

export interface ContestantFigures {
  readonly name: string;
  readonly classes: Readonly<Partial<Record<TokenClass, ClassFigures>>>;
  /** Calls that are the gold ones, and that are the reference's, over turns where the reference (the gold turn) calls. */
  readonly exact: Share;
  readonly asReference: Share;
  /** Prompt per turn, reply per turn, both together. */
  readonly promptMs: Times;
  readonly replyMs: Times;
  readonly turnMs: Times;
  /** Steps by how much of the weights they used; null where there was no choice. */
  readonly steps: { readonly low: number; readonly full: number; readonly rechecked: number } | null;
}

interface Timing {
  readonly prompt: number;
  readonly reply: number;
}

export class Tally {
  readonly name: string;
  readonly timings: Timing[] = [];
  readonly #classes = new Map<TokenClass, { tokens: number; kl: number; flips: number }>();
  readonly #exact = { n: 0, hits: 0 };
  readonly #asReference = { n: 0, hits: 0 };
  #steps: { low: number; full: number; rechecked: number } | null = null;

  constructor(name: string) {
    this.name = name;
  }

  /** A trace of the reference's tokens. Returns whether any token would have been another one. */
  add(reference: Trace, found: Trace): boolean {
    this.timings.push({ prompt: found.promptMs, reply: found.replyMs });
    if (found.precision !== null) {
      this.#steps ??= { low: 0, full: 0, rechecked: 0 };
      for (const kind of ["low", "full", "rechecked"] as const) this.#steps[kind] += found.precision[kind];
    }
    let flipped = false;
    for (const [i, step] of reference.steps.entries()) {
      const { kl, flip } = compareSteps(step, found.steps[i]!);
      flipped ||= flip;
      const classes: TokenClass[] = ["all", ...(CALL.includes(step.position) ? (["calls"] as const) : []), step.position];
      for (const name of classes) {
        const sum = this.#classes.get(name) ?? { tokens: 0, kl: 0, flips: 0 };
        this.#classes.set(name, { tokens: sum.tokens + 1, kl: sum.kl + kl, flips: sum.flips + Number(flip) });
      }
    }
    return flipped;
  }

  /** Undefined: the turn has no calls to be judged by. */
  judge(exact: boolean | undefined, asReference: boolean | undefined): void {
    for (const [sum, hit] of [
      [this.#exact, exact],
      [this.#asReference, asReference],
    ] as const) {
      if (hit === undefined) continue;
      sum.n++;
      sum.hits += Number(hit);
    }
  }

  /** `baseline`: timings of the same turns. */
  figures(baseline: readonly Timing[]): ContestantFigures {
    const times = (of: (timing: Timing) => number): Times => ({
      median: median(this.timings.map(of)),
      ratio: median(this.timings.map((timing, i) => of(timing) / of(baseline[i]!))),
    });
    return {
      name: this.name,
      classes: Object.fromEntries([...this.#classes].map(([name, { tokens, kl, flips }]) => [name, { tokens, kl: kl / tokens, flips }])),
      exact: wilson(this.#exact.hits, this.#exact.n),
      asReference: wilson(this.#asReference.hits, this.#asReference.n),
      promptMs: times(({ prompt }) => prompt),
      replyMs: times(({ reply }) => reply),
      turnMs: times(({ prompt, reply }) => prompt + reply),
      steps: this.#steps,
    };
  }
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
