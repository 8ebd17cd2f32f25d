/**
 * Sets of numbers, closed under the Boolean operations. In: bounds, divisors, lists. Out: formulas in negation normal form.
 * Law: a formula is read twice, over the exact decimal that a reply spells and over the double that it reads as, and a spelling is a
 * member when both readings hold. So a complement holds what neither the standard nor ajv calls a member of the original.
 */
import { createHash } from "node:crypto";
import { ConstraintError } from "../../errors.ts";
import type { Where } from "../where.ts";
import { decimalOf, type Decimal } from "./decimal.ts";

export interface BoundAtom {
  readonly kind: "bound";
  /** 1: at least `value`; −1: at most. */
  readonly side: 1 | -1;
  readonly value: number;
  readonly exact: Decimal;
  readonly exclusive: boolean;
}
export interface IntegerAtom {
  readonly kind: "integer";
}
export interface MultipleAtom {
  readonly kind: "multiple";
  readonly divisor: number;
  readonly exact: Decimal;
}
export interface ListAtom {
  readonly kind: "list";
  /** What is listed, by its double. */
  readonly values: ReadonlyMap<number, Decimal>;
}
export type Atom = BoundAtom | IntegerAtom | MultipleAtom | ListAtom;

interface Keyed {
  /** Sets with equal keys are equal. */
  readonly key: string;
}
export interface Literal extends Keyed {
  readonly kind: "literal";
  readonly atom: Atom;
  readonly negated: boolean;
}
export interface Compound extends Keyed {
  readonly kind: "all" | "any";
  readonly of: readonly NumberSet[];
}
interface Constant extends Keyed {
  readonly kind: "every" | "none";
}
/** Members are finite numbers. */
export type NumberSet = Constant | Literal | Compound;

/** Literals of one formula: each may be read for every number that is tried. */
const MAX_LITERALS = 4_096;
/** Longer keys are replaced by their hash. */
const MAX_KEY = 256;

export const EVERY_NUMBER: NumberSet = { kind: "every", key: "every" };
export const NO_NUMBER: NumberSet = { kind: "none", key: "none" };
/** `"type": "integer"`: 1.0 is one. */
export const INTEGERS: NumberSet = literal({ kind: "integer" }, "integer");

export function atLeast(bound: number, exclusive: boolean): NumberSet {
  return bounded(1, bound, exclusive);
}

export function atMost(bound: number, exclusive: boolean): NumberSet {
  return bounded(-1, bound, exclusive);
}

/** The multiples of a positive number, as its shortest decimal says: 0.3 is one of 0.1. */
export function multipleOf(divisor: number): NumberSet {
  if (!(divisor > 0)) throw new RangeError(`a divisor must be positive, not ${divisor}`);
  if (divisor === Infinity) return numbers([0]);
  return literal({ kind: "multiple", divisor, exact: decimalOf(divisor) }, `multiple ${divisor}`);
}

export function numbers(list: readonly number[]): NumberSet {
  return listed(new Map(list.filter(Number.isFinite).map((value) => [value || 0, decimalOf(value)])));
}

function listed(values: ReadonlyMap<number, Decimal>): NumberSet {
  if (values.size === 0) return NO_NUMBER;
  return literal({ kind: "list", values }, `in ${[...values.keys()].sort((a, b) => a - b).join()}`);
}

/** @throws ConstraintError `constraint/too-large` */
export function intersection(sets: readonly NumberSet[], where: Where): NumberSet {
  return within(where, all(sets));
}

/** @throws ConstraintError `constraint/too-large` */
export function union(sets: readonly NumberSet[], where: Where): NumberSet {
  return within(where, any(sets));
}

/** @throws ConstraintError `constraint/too-large` */
export function complement(set: NumberSet, where: Where): NumberSet {
  return within(where, inverse(set));
}

function inverse(set: NumberSet): NumberSet {
  switch (set.kind) {
    case "every":
      return NO_NUMBER;
    case "none":
      return EVERY_NUMBER;
    case "literal":
      return negation(set);
    case "all":
      return any(set.of.map(inverse));
    case "any":
      return all(set.of.map(inverse));
  }
}

/** The conjunction, without a limit on its size. */
export function all(sets: readonly NumberSet[]): NumberSet {
  return compound("all", sets, EVERY_NUMBER, NO_NUMBER);
}

/** The disjunction, without a limit on its size. */
export function any(sets: readonly NumberSet[]): NumberSet {
  return compound("any", sets, NO_NUMBER, EVERY_NUMBER);
}

/** The formula's value, where `test` decides the atoms. */
export function holds(set: NumberSet, test: (atom: Atom) => boolean): boolean {
  switch (set.kind) {
    case "every":
      return true;
    case "none":
      return false;
    case "literal":
      return test(set.atom) !== set.negated;
    case "all":
      return set.of.every((part) => holds(part, test));
    case "any":
      return set.of.some((part) => holds(part, test));
  }
}

/** What is left of the formula once `test` has decided some atoms; undefined leaves one open. */
export function fold(set: NumberSet, test: (atom: Atom) => boolean | undefined): NumberSet {
  if (set.kind === "all") return all(set.of.map((part) => fold(part, test)));
  if (set.kind === "any") return any(set.of.map((part) => fold(part, test)));
  if (set.kind !== "literal") return set;
  const value = test(set.atom);
  if (value === undefined) return set;
  return value === set.negated ? NO_NUMBER : EVERY_NUMBER;
}

export function literals(set: NumberSet): readonly Literal[] {
  if (set.kind === "literal") return [set];
  return set.kind === "all" || set.kind === "any" ? set.of.flatMap(literals) : [];
}

function bounded(side: 1 | -1, value: number, exclusive: boolean): NumberSet {
  if (value === -side * Infinity) return EVERY_NUMBER;
  if (!Number.isFinite(value)) return NO_NUMBER;
  const comparison = `${side > 0 ? ">" : "<"}${exclusive ? "" : "="}`;
  return literal({ kind: "bound", side, value, exact: decimalOf(value), exclusive }, `${comparison} ${value}`);
}

function literal(atom: Atom, text: string): NumberSet {
  return { kind: "literal", key: short(text), atom, negated: false };
}

function negation(set: Literal): NumberSet {
  return { ...set, key: set.negated ? set.key.slice(1) : `!${set.key}`, negated: !set.negated };
}

/** Flattened, sorted, without repetitions; `neutral` parts say nothing, an `absorbing` one decides. */
function compound(kind: Compound["kind"], sets: readonly NumberSet[], neutral: NumberSet, absorbing: NumberSet): NumberSet {
  const parts = new Map<string, NumberSet>();
  for (const part of joined(
    kind,
    sets.flatMap((set) => (set.kind === kind ? set.of : [set])),
  ))
    if (part.key !== neutral.key) parts.set(part.key, part);
  if (parts.has(absorbing.key)) return absorbing;
  for (const part of parts.values()) if (part.kind === "literal" && parts.has(negation(part).key)) return absorbing;
  const of = [...parts.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  if (of.length < 2) return of[0] ?? neutral;
  return { kind, key: short(`${kind}(${of.map(({ key }) => key).join("; ")})`), of };
}

/** With one list for any of several, and one exception for all of several: a long `anyOf` of constants is an enum. */
function joined(kind: Compound["kind"], parts: readonly NumberSet[]): readonly NumberSet[] {
  const values = new Map<number, Decimal>();
  const others: NumberSet[] = [];
  for (const part of parts)
    if (part.kind === "literal" && part.atom.kind === "list" && part.negated === (kind === "all"))
      for (const [value, decimal] of part.atom.values) values.set(value, decimal);
    else others.push(part);
  if (values.size === 0) return parts;
  return [...others, kind === "all" ? inverse(listed(values)) : listed(values)];
}

function short(key: string): string {
  return key.length <= MAX_KEY ? key : `#${createHash("sha256").update(key).digest("base64")}`;
}

function within(where: Where, set: NumberSet): NumberSet {
  if (literals(set).length <= MAX_LITERALS) return set;
  throw new ConstraintError("constraint/too-large", `${where.subject}: the numbers need more than ${MAX_LITERALS} conditions`, {
    pointer: where.pointer,
    hint: "shorten the anyOf/allOf branches",
  });
}
