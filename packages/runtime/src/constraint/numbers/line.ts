/**
 * The number line of a set, one sign at a time: points at which a reading of the set may change, and the open cells between them.
 * In: a set. Out: for each point and cell whether all, none or some of its numbers are members.
 * Law: within a cell only divisibility is left to decide.
 */
import { toDouble, type Decimal } from "./decimal.ts";
import { ALIGNED, between, order, pointOf, sorted, type Point } from "./point.ts";
import { middleAbove, middleBelow } from "./double.ts";
import { EVERY_NUMBER, fold, literals, NO_NUMBER, type Atom, type NumberSet } from "./number-set.ts";
import { progressions, type Progression } from "./progressions.ts";
import { edges, exactly, isMember, zoned } from "./reading.ts";
import { modulusOf } from "./residue.ts";

export type CellKind = "none" | "all" | "some";

/** The numbers of one cell, or of one point. */
export interface Cell {
  readonly kind: CellKind;
  /** What is left to decide, by exact decimals and by doubles. */
  readonly exact: NumberSet;
  readonly double: NumberSet;
  /** Every member is in one of these. Empty unless `kind` is "some". */
  readonly progressions: readonly Progression[];
  /** Cells with equal keys differ only in where they lie. */
  readonly key: string;
  /** Whether a number is a member depends on whether it is whole, and on its remainder; undefined: on all of it. */
  readonly modulus: bigint | undefined;
}

const NONE: Cell = { kind: "none", exact: NO_NUMBER, double: NO_NUMBER, progressions: [], key: "none", modulus: 1n };
const ALL: Cell = { kind: "all", exact: EVERY_NUMBER, double: EVERY_NUMBER, progressions: [], key: "all", modulus: 1n };

/** From the first exponent to the last; none when the first is greater. */
export interface Span {
  readonly first: number;
  readonly last: number;
}

/** What is nearer to 0 reads as 0, what is farther as Infinity. */
const OUTERMOST = [Number.MIN_VALUE, Infinity].map(middleBelow).map(pointOf);

/** Of more cells than these it is not asked where the members are. */
const MAX_SCANNED = 4_096;

/** All numbers of one sign but 0. Cells are numbered from 0 outwards: even ones are open, 2i + 1 is the point i. */
export class Side {
  readonly negative: boolean;
  readonly #set: NumberSet;
  readonly #rounded: boolean;
  readonly #points: readonly Point[];
  readonly #cells: (Cell | undefined)[] = [];
  #span: Span | undefined;

  /** @param rounded whether spellings may have more digits than a double keeps */
  constructor(set: NumberSet, negative: boolean, rounded: boolean) {
    this.#set = set;
    this.#rounded = rounded;
    this.negative = negative;
    const atoms = literals(set).map(({ atom }) => atom);
    const values = atoms.flatMap(named).filter(([value]) => value !== 0 && value < 0 === negative);
    const middles = atoms.flatMap(edges).map(middleBelow);
    const exact = [...middles, ...values.map(([, decimal]) => decimal)].map(pointOf);
    this.#points = sorted([...OUTERMOST, ...exact]);
    if (rounded)
      this.#points = sorted([
        ...this.#points,
        ...values.flatMap(([value, decimal]) => this.#around(Math.abs(value), decimal)).map(pointOf),
      ]);
  }

  /** The exponents of members lie between these. */
  get span(): Span {
    return (this.#span ??= this.#findSpan());
  }

  /** Exponents that have points. */
  get exponents(): readonly number[] {
    return [...new Set(this.#points.map(({ exponent }) => exponent))];
  }

  /** The cell or point of a magnitude. */
  locate(exponent: number, aligned: bigint): number {
    let low = 0;
    let high = this.#points.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (order(this.#points[middle]!, { exponent, aligned }) < 0) low = middle + 1;
      else high = middle;
    }
    const point = this.#points[low];
    return point && point.exponent === exponent && point.aligned === aligned ? 2 * low + 1 : 2 * low;
  }

  cell(index: number): Cell {
    return (this.#cells[index] ??= index % 2 === 0 ? this.#open(index) : this.#at(this.#points[index >> 1]!));
  }

  /** The points where an open cell begins and ends; of a point, itself twice. */
  ends(index: number): readonly [Point | undefined, Point | undefined] {
    return [this.#points[(index - 1) >> 1], this.#points[index >> 1]];
  }

  /** No member has more places than this. */
  get places(): number {
    return this.#most(
      ({ exponent, aligned }) => length(aligned) - 1 - exponent,
      (divisor) => -divisor.scale,
    );
  }

  /** No member has more digits than this. */
  get digits(): number {
    return this.#most(
      ({ aligned }) => length(aligned),
      () => Infinity,
    );
  }

  #most(ofPoint: (point: Point) => number, ofMultiples: (divisor: Decimal) => number): number {
    let most = 0;
    for (let index = 0; index <= 2 * this.#points.length && most < Infinity; index++) {
      const { kind, progressions: alternatives } = this.cell(index);
      if (kind === "none") continue;
      if (index % 2 === 1) most = Math.max(most, ofPoint(this.#points[index >> 1]!));
      else
        most = Math.max(
          most,
          ...(kind === "all" ? [Infinity] : alternatives.map(({ divisor }) => (divisor ? ofMultiples(divisor) : Infinity))),
        );
    }
    return most;
  }

  #findSpan(): Span {
    const count = 2 * this.#points.length + 1;
    if (count > MAX_SCANNED) return { first: -Infinity, last: Infinity };
    const indices = Array.from({ length: count }, (_, index) => index).filter((index) => this.cell(index).kind !== "none");
    const first = this.ends(indices[0] ?? 0)[0];
    const last = this.ends(indices.at(-1) ?? 0)[1];
    // No member: from Infinity to −Infinity.
    return indices.length === 0 || !first || !last ? { first: Infinity, last: -Infinity } : { first: first.exponent, last: last.exponent };
  }

  #at({ exponent, aligned }: Point): Cell {
    const exact = { negative: this.negative, digits: aligned, scale: exponent - ALIGNED + 1 };
    const spelt = aligned % 10n === 0n;
    return spelt && isMember(this.#set, exact, toDouble(exact)) ? ALL : NONE;
  }

  #open(index: number): Cell {
    const before = this.#points[index / 2 - 1];
    const after = this.#points[index / 2];
    // Nearer to 0 than any double, or beyond all of them.
    if (!before || !after) return NONE;
    const inside = between(before, after, this.negative);
    const double = toDouble(inside);
    const exact = this.#exact(inside, double);
    if (exact.kind === "none") return NONE;
    const rounded = fold(this.#set, (atom) => zoned(atom, double));
    if (rounded.kind === "none") return NONE;
    if (exact.kind === "every" && rounded.kind === "every") return ALL;
    const alternatives = progressions(exact);
    if (alternatives.length === 0) return NONE;
    return {
      kind: "some",
      exact,
      double: rounded,
      progressions: alternatives,
      key: `${exact.key}~${rounded.key}`,
      modulus: modulusOf(exact, rounded, this.#rounded ? after : undefined),
    };
  }

  #exact(inside: Decimal, double: number): NumberSet {
    // A number of an open cell is none of a list's: those are points.
    return fold(this.#set, (atom) => (atom.kind === "bound" ? exactly(atom, inside, double) : atom.kind === "list" ? false : undefined));
  }

  /** The numbers beside a point that read as its double: the readings differ there, which matters where the exact one may hold. */
  #around(magnitude: number, decimal: Decimal): Decimal[] {
    const { exponent, aligned } = pointOf(decimal);
    const index = this.locate(exponent, aligned);
    const sides: [number, () => Decimal][] = [
      [index - 1, () => middleBelow(magnitude)],
      [index + 1, () => middleAbove(magnitude)],
    ];
    return sides.flatMap(([cell, middle]) => {
      const before = this.#points[cell / 2 - 1];
      const after = this.#points[cell / 2];
      if (!before || !after) return [];
      const inside = between(before, after, this.negative);
      return this.#exact(inside, toDouble(inside)).kind === "none" ? [] : [middle()];
    });
  }
}

/** The numbers that an atom names. */
function named(atom: Atom): readonly (readonly [number, Decimal])[] {
  return atom.kind === "bound" ? [[atom.value, atom.exact]] : atom.kind === "list" ? [...atom.values] : [];
}

/** Digits without the zeros at the end. */
function length(aligned: bigint): number {
  return String(aligned).replace(/0+$/, "").length;
}
