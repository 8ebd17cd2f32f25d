/**
 * Which prefixes may share a state though divisibility is still to decide. In: what is left of both readings in a cell. Out: a modulus:
 * whether a number of the cell is a member depends on whether it is whole, and on its remainder. Law: where rounding may matter there is none.
 */
import { leastCommonMultiple, ONE, ten, type Decimal } from "./decimal.ts";
import { literals, type Atom, type NumberSet } from "./number-set.ts";
import { order, type Point } from "./point.ts";

/** More remainders than this would be as many states as there are numbers in use. */
const MAX_MODULUS = 100_000n;

/** Integers up to 2^53 are doubles. */
const EXACT: Point = { exponent: 15, aligned: BigInt(2 ** 53) * 100n };

/** @param end where the cell ends, if its numbers may have more than 15 digits and not be safe integers */
export function modulusOf(exact: NumberSet, double: NumberSet, end: Point | undefined): bigint | undefined {
  const parts = [...literals(exact), ...literals(double)];
  let common: Decimal = ONE;
  for (const { atom } of parts) {
    const divisor = integerDivisor(atom);
    if (!divisor) return undefined;
    common = leastCommonMultiple(common, divisor);
  }
  const modulus = common.digits * ten(common.scale);
  if (modulus > MAX_MODULUS) return undefined;
  // With at most 15 digits a quotient by an integer is rounded to a whole one only if it is whole: both readings agree.
  if (!end) return modulus;
  // With more that is so only for whole numbers: the exact reading must imply the other.
  if (parts.some(({ negated }) => negated)) return undefined;
  if (double.kind !== "every" && double.key !== exact.key) return undefined;
  return parts.every(({ atom }) => atom.kind === "integer") || order(end, EXACT) <= 0 ? modulus : undefined;
}

function integerDivisor(atom: Atom): Decimal | undefined {
  if (atom.kind === "integer") return ONE;
  return atom.kind === "multiple" && Number.isSafeInteger(atom.divisor) ? atom.exact : undefined;
}
