/** The number lines of the sets in use. In: a set. Out: its two sides and whether 0 is a member. Law: computed once for each key. */
import { decimalOf } from "./decimal.ts";
import { Side } from "./line.ts";
import { all, atLeast, atMost, type NumberSet } from "./number-set.ts";
import { isMember } from "./reading.ts";

export interface Line {
  readonly zero: boolean;
  readonly positive: Side;
  readonly negative: Side;
}

/** Lines kept: tools share a few sets. */
const MAX_KEPT = 256;
const kept = new Map<string, Line>();

/** Whole numbers of 16 digits are exact up to here. */
const SAFE = [atLeast(Number.MIN_SAFE_INTEGER, false), atMost(Number.MAX_SAFE_INTEGER, false)];

/** @param rounded whether numbers may have more digits than a double always keeps; else they are safe */
export function lineOf(set: NumberSet, rounded: boolean): Line {
  const key = `${rounded ? "~" : "="}${set.key}`;
  let line = kept.get(key);
  if (!line) {
    const within = rounded ? set : all([set, ...SAFE]);
    line = {
      zero: isMember(set, decimalOf(0), 0),
      positive: new Side(within, false, rounded),
      negative: new Side(within, true, rounded),
    };
    if (kept.size >= MAX_KEPT) kept.clear();
    kept.set(key, line);
  }
  return line;
}
