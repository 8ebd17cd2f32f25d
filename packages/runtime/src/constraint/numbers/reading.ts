/**
 * The two readings of an atom. In: the exact decimal, or the double. Out: does it hold. Law: the exact one is the standard's, the
 * double's is ajv's, operation for operation.
 */
import { compare, isMultiple, ONE, type Decimal } from "./decimal.ts";
import { firstDouble } from "./double.ts";
import { holds, type Atom, type BoundAtom, type MultipleAtom, type NumberSet } from "./number-set.ts";

/** Do both readings hold? `double` is the decimal as JavaScript reads it. */
export function isMember(set: NumberSet, exact: Decimal, double: number): boolean {
  // What overflows is no number, and what becomes 0 would be read as another one.
  if (!Number.isFinite(double) || (double === 0) !== (exact.digits === 0n)) return false;
  return holds(set, (atom) => asDouble(atom, double)) && holds(set, (atom) => exactly(atom, exact, double));
}

export function exactly(atom: Atom, exact: Decimal, double: number): boolean {
  switch (atom.kind) {
    case "bound":
      return keeps(atom, compare(exact, atom.exact));
    case "integer":
      return isMultiple(exact, ONE);
    case "multiple":
      return isMultiple(exact, atom.exact);
    case "list": {
      const listed = atom.values.get(double);
      return listed !== undefined && compare(exact, listed) === 0;
    }
  }
}

export function asDouble(atom: Atom, double: number): boolean {
  switch (atom.kind) {
    case "bound":
      return keeps(atom, double - atom.value);
    case "integer":
      return double % 1 === 0;
    case "multiple": {
      const quotient = double / atom.divisor;
      // ajv compares with parseInt, which reads the quotient's spelling up to its exponent: from 1e21 on the two differ.
      return quotient % 1 === 0 && Math.abs(quotient) < 1e21;
    }
    case "list":
      return atom.values.has(double);
  }
}

/** Does the bound hold for a number at this distance from it, of which only the sign counts? */
function keeps({ side, exclusive }: BoundAtom, distance: number): boolean {
  return exclusive ? distance * side > 0 : distance * side >= 0;
}

/**
 * Where ajv's test of a divisor does not depend on the digits: below `zero` the quotient is rounded to 0 and passes, from `whole` on
 * it has no fraction and passes, from `long` on it is spelt with an exponent and fails.
 */
export interface Zones {
  readonly zero: number;
  readonly whole: number;
  readonly long: number;
}

const zones = new WeakMap<Atom, Zones>();

function zonesOf(atom: MultipleAtom): Zones {
  let known = zones.get(atom);
  if (!known) {
    const { divisor } = atom;
    known = {
      zero: firstDouble((magnitude) => magnitude / divisor > 0),
      whole: firstDouble((magnitude) => magnitude / divisor >= 2 ** 52),
      long: firstDouble((magnitude) => magnitude / divisor >= 1e21),
    };
    zones.set(atom, known);
  }
  return known;
}

/** From here on every double is an integer. */
const WHOLE_DOUBLES = 2 ** 52;

/** ajv's verdict where it is the same for all doubles between two neighbouring edges; undefined where the digits decide. */
export function zoned(atom: Atom, double: number): boolean | undefined {
  const magnitude = Math.abs(double);
  if (atom.kind === "integer") return magnitude >= WHOLE_DOUBLES ? true : undefined;
  if (atom.kind !== "multiple") return asDouble(atom, double);
  const { zero, whole, long } = zonesOf(atom);
  if (magnitude >= long) return false;
  return magnitude >= whole || magnitude < zero ? true : undefined;
}

/** The positive doubles at which {@link zoned} changes. */
export function edges(atom: Atom): readonly number[] {
  if (atom.kind === "integer") return [WHOLE_DOUBLES];
  if (atom.kind !== "multiple") return [];
  const { zero, whole, long } = zonesOf(atom);
  return [zero, whole, long].filter(Number.isFinite);
}
