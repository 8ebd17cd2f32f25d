/**
 * How many places the numbers of a set need. In: a set's line and how long spellings may be. Out: the places up to which zeros may end a
 * spelling. Law: the largest number of places that any member has, in either way of writing.
 */
import { ten } from "./decimal.ts";
import type { Side } from "./line.ts";
import type { Line } from "./lines.ts";
import { search, type Block } from "./search.ts";
import { everyBlock, LARGE_EXPONENT, SMALL_EXPONENT, type Depths, type Limits } from "./spelling.ts";

export function depthsOf({ positive, negative }: Line, limits: Limits): Depths {
  const sides = [positive, negative];
  return {
    plain: Math.max(...sides.map((side) => plainDepth(side, limits))),
    scientific: limits.exponent ? Math.max(...sides.map((side) => scientificDepth(side, limits))) : 0,
  };
}

function plainDepth(side: Side, { places, digits }: Limits): number {
  for (let depth = Math.min(places, side.places); depth > 0; depth--)
    for (let length = 1; length <= digits; length++) {
      const block = { exponent: length - 1 - depth, low: ten(length - 1), high: ten(length) - 1n, scale: -depth };
      if (reaches(side, block.exponent) && hasDigits(side, block)) return depth;
    }
  return 0;
}

function scientificDepth(side: Side, limits: Limits): number {
  for (let digits = Math.min(limits.digits, side.digits); digits > 1; digits--)
    for (const block of everyBlock(side.span, digits)) if (hasDigits(side, block)) return digits - 1;
  return 0;
}

function hasDigits(side: Side, block: Block): boolean {
  return search(side, block, true) === "some";
}

function reaches({ span }: Side, exponent: number): boolean {
  return exponent >= span.first && exponent <= span.last;
}

/** Has the set members that JSON.stringify writes with an exponent? */
export function needsExponent({ positive, negative }: Line): boolean {
  return [positive, negative].some((side) => {
    for (const block of everyBlock(side.span))
      if ((block.exponent >= LARGE_EXPONENT || block.exponent <= SMALL_EXPONENT) && search(side, block) === "some") return true;
    return false;
  });
}
