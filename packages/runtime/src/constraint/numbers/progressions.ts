/**
 * Divisibility as arithmetic progressions. In: a formula over divisors. Out: alternatives, each the multiples of one number without the
 * multiples of others. Law: every number of the formula is in one of them; what is in one is in the formula, unless there were too many.
 */
import { isMultiple, leastCommonMultiple, ONE, type Decimal } from "./decimal.ts";
import type { Literal, NumberSet } from "./number-set.ts";

export interface Progression {
  /** undefined: all numbers. */
  readonly divisor: Decimal | undefined;
  /** Multiples of these are not in it. */
  readonly excluded: readonly Decimal[];
}

const EVERYTHING: Progression = { divisor: undefined, excluded: [] };

/** More alternatives are not told apart. */
const MAX_PROGRESSIONS = 64;

export function progressions(set: NumberSet): readonly Progression[] {
  switch (set.kind) {
    case "none":
      return [];
    case "every":
      return [EVERYTHING];
    case "literal":
      return [set.negated ? { divisor: undefined, excluded: [divisorOf(set)] } : { divisor: divisorOf(set), excluded: [] }];
    case "any":
      return limited(set.of.flatMap(progressions));
    case "all":
      return set.of.map(progressions).reduce((left, right) => limited(left.flatMap((a) => right.flatMap((b) => common(a, b)))));
  }
}

function divisorOf({ atom }: Literal): Decimal {
  return atom.kind === "multiple" ? atom.exact : ONE;
}

/** What two progressions share: one, or nothing. */
function common(a: Progression, b: Progression): readonly Progression[] {
  const divisor = a.divisor && b.divisor ? leastCommonMultiple(a.divisor, b.divisor) : (a.divisor ?? b.divisor);
  const excluded = [...new Set([...a.excluded, ...b.excluded])];
  return divisor && excluded.some((one) => isMultiple(divisor, one)) ? [] : [{ divisor, excluded }];
}

function limited(list: readonly Progression[]): readonly Progression[] {
  const kept = new Map(list.map((one) => [[one.divisor, ...one.excluded].map(text).join(), one]));
  return kept.size > MAX_PROGRESSIONS ? [EVERYTHING] : [...kept.values()];
}

function text(divisor: Decimal | undefined): string {
  return divisor ? `${divisor.digits}e${divisor.scale}` : "";
}
