/**
 * Formula × kind → what values of that kind satisfy it. In: a formula. Out: a set of numbers, a language, or clauses of atoms about
 * arrays or objects of which one must hold. Law: a closed schema is opened only where a value of its kind is looked at, so recursion
 * through items and properties is free, and recursion on the value itself is an error.
 */
import { ConstraintError } from "../../errors.ts";
import * as number from "../numbers/index.ts";
import type { NumberSet } from "../numbers/index.ts";
import * as text from "../strings/index.ts";
import type { Language } from "../strings/index.ts";
import { KINDS, subjectOf, type Atom, type Formula, type Formulas, type Kind } from "./formula.ts";
import { ByName, type NameSet } from "./names.ts";
import { Translation, type TranslationOptions } from "./translate.ts";

/** Atoms that must hold together. */
export type Clause = readonly (Formula & { readonly kind: "atom" })[];

/** Clauses of one formula. */
const MAX_CLAUSES = 4_096;
/** The same, where each allows one set of names, or one length: so the objects and arrays of an enum. */
const MAX_LISTED = 10_000;
/** How deep a cheap proof of emptiness looks into items and properties. */
const MAX_LOOK = 4;
const EMPTY = -1;

export class Expansion {
  readonly formulas: Formulas;
  readonly #translation: Translation;
  readonly #projections = new Map(KINDS.map((kind) => [kind, new Map<Formula, Formula | "open">()]));
  readonly #numbers = new Map<Formula, NumberSet>();
  readonly #strings = new Map<Formula, Language>();
  readonly #clauses = new Map<Formula, readonly Clause[]>();
  /** How near the root a formula was when it was not plainly empty, or {@link EMPTY}. */
  readonly #looked = new Map<Formula, number>();
  #look = 0;

  constructor(formulas: Formulas, options: TranslationOptions) {
    this.formulas = formulas;
    this.#translation = new Translation(formulas, options, (formula) => this.strings(formula));
  }

  /** Null, true and false: does this one satisfy the formula? */
  admits(formula: Formula, kind: "null" | "true" | "false"): boolean {
    return this.#project(formula, kind) === this.formulas.everything;
  }

  /** The numbers that satisfy the formula. */
  numbers(formula: Formula): NumberSet {
    const { where } = this.formulas;
    return this.#fold(formula, "number", this.#numbers, {
      all: (sets) => (sets.length === 0 ? number.EVERY_NUMBER : number.intersection(sets, where)),
      any: (sets) => (sets.length === 0 ? number.NO_NUMBER : number.union(sets, where)),
      atom: (atom) => (atom as Atom & { kind: "number" }).set,
    });
  }

  /** The strings that satisfy the formula. */
  strings(formula: Formula): Language {
    const { where } = this.formulas;
    return this.#fold(formula, "string", this.#strings, {
      all: (languages) => (languages.length === 0 ? text.EVERY_STRING : text.intersection(languages, where)),
      any: (languages) => (languages.length === 0 ? text.NO_STRING : text.union(languages, where)),
      atom: (atom) => (atom as Atom & { kind: "string" }).language,
    });
  }

  /** The clauses of which an array, or an object, satisfies one; none when no such value does so plainly. */
  clauses(formula: Formula, kind: "array" | "object"): readonly Clause[] {
    const projected = this.#project(formula, kind);
    let clauses = this.#clauses.get(projected);
    if (!clauses) {
      clauses = this.#normalForm(projected);
      this.#clauses.set(projected, clauses);
    }
    return clauses;
  }

  /** A cheap proof that no value satisfies the formula; false proves nothing. */
  #plainlyEmpty(formula: Formula): boolean {
    if (formula === this.formulas.everything) return false;
    const looked = this.#looked.get(formula) ?? Infinity;
    if (looked === EMPTY) return true;
    if (looked <= this.#look || this.#look > MAX_LOOK) return false;
    this.#look++;
    try {
      const empty = KINDS.every((kind) => this.#plainlyEmptyOf(formula, kind));
      this.#looked.set(formula, empty ? EMPTY : this.#look - 1);
      return empty;
    } finally {
      this.#look--;
    }
  }

  #plainlyEmptyOf(formula: Formula, kind: Kind): boolean {
    const projected = this.#project(formula, kind);
    if (projected === this.formulas.nothing) return true;
    if (projected === this.formulas.everything) return false;
    if (kind === "number") return number.isEmpty(this.numbers(formula), this.formulas.where);
    if (kind === "string") return text.isEmpty(this.strings(formula));
    return this.#contradicts(projected.kind === "all" ? projected.parts.filter(isAtom) : [projected].filter(isAtom));
  }

  /** Are two of these atoms plainly at odds? */
  #contradicts(clause: Clause): boolean {
    const { formulas } = this;
    let min = 0;
    let max = Infinity;
    for (const { atom } of clause)
      if (atom.kind === "length" || atom.kind === "size") {
        min = Math.max(min, atom.min);
        max = Math.min(max, atom.max);
      }
    if (min > max) return true;
    const items = new Map<number, Formula[]>();
    const rest: { readonly from: number; readonly formula: Formula }[] = [];
    const members: { readonly names: NameSet; readonly formula: Formula }[] = [];
    const required = new Set<string>();
    for (const { atom } of clause)
      if (atom.kind === "item" && atom.index < min) items.set(atom.index, [...(items.get(atom.index) ?? []), atom.formula]);
      else if (atom.kind === "items") rest.push(atom);
      else if (atom.kind === "each") members.push(atom);
      else if (atom.kind === "some" && atom.names.kind === "these" && atom.names.names.size === 1) {
        members.push(atom);
        for (const name of atom.names.names) required.add(name);
      }
    for (const [index, own] of items) {
      const together = [...own, ...rest.filter(({ from }) => from <= index).map(({ formula }) => formula)];
      if (this.#plainlyEmpty(formulas.all(together))) return true;
    }
    if (required.size === 0) return false;
    const indexed = new ByName(members);
    return [...required].some((name) => this.#plainlyEmpty(formulas.all(indexed.of(name).map(({ formula }) => formula))));
  }

  /** The formula for values of one kind: only atoms about that kind are left. */
  #project(formula: Formula, kind: Kind): Formula {
    const projections = this.#projections.get(kind)!;
    const known = projections.get(formula);
    if (known === "open") throw this.#circular(formula);
    if (known) return known;
    projections.set(formula, "open");
    try {
      const made = this.#projected(formula, kind);
      projections.set(formula, made);
      return made;
    } catch (thrown) {
      projections.delete(formula);
      throw thrown;
    }
  }

  #projected(formula: Formula, kind: Kind): Formula {
    const { formulas } = this;
    switch (formula.kind) {
      case "all":
        return formulas.all(formula.parts.map((part) => this.#project(part, kind)));
      case "any":
        return formulas.any(formula.parts.map((part) => this.#project(part, kind)));
      case "schema":
        return this.#project(this.#translation.open(formula), kind);
      case "atom":
        if (formula.atom.kind === "kinds") return formula.atom.bits & (1 << KINDS.indexOf(kind)) ? formulas.everything : formulas.nothing;
        return subjectOf(formula.atom) === kind ? formula : formulas.everything;
    }
  }

  #circular(formula: Formula): ConstraintError {
    const { subject, pointer } = this.formulas.placeOf(formula) ?? this.formulas.where;
    return new ConstraintError("constraint/unsupported", `${subject}: the schema at '${pointer}' refers to itself for the same value`, {
      pointer,
      hint: "a reference must lead through an item or a property",
    });
  }

  #fold<Value>(
    formula: Formula,
    kind: "number" | "string",
    memory: Map<Formula, Value>,
    by: { all: (values: Value[]) => Value; any: (values: Value[]) => Value; atom: (atom: Atom) => Value },
  ): Value {
    const fold = (one: Formula): Value => {
      let value = memory.get(one);
      if (value === undefined) {
        if (one.kind === "all" || one.kind === "any") value = by[one.kind](one.parts.map(fold));
        else value = by.atom((one as Formula & { kind: "atom" }).atom);
        memory.set(one, value);
      }
      return value;
    };
    return fold(this.#project(formula, kind));
  }

  #normalForm(formula: Formula): readonly Clause[] {
    if (formula.kind === "any") return this.#distinct(formula.parts.flatMap((part) => this.#normalForm(part)));
    if (isAtom(formula)) return this.#contradicts([formula]) ? [] : [[formula]];
    const { parts } = formula as Formula & { kind: "all" };
    const factors = parts.filter((part) => !isAtom(part)).map((part) => this.#normalForm(part));
    let product: readonly Clause[] = [parts.filter(isAtom)];
    for (const factor of factors.sort((a, b) => a.length - b.length)) {
      if (product.length * factor.length > MAX_CLAUSES * 4) this.#tooMany();
      product = this.#distinct(
        product
          .flatMap((clause) => factor.map((more) => [...new Set([...clause, ...more])]))
          .filter((clause) => (factor.length === 1 && product.length === 1 ? true : !this.#contradicts(clause))),
      );
    }
    return product.filter((clause) => !this.#contradicts(clause));
  }

  /** Equal clauses once; a clause that says more than another adds nothing. */
  #distinct(clauses: readonly Clause[]): readonly Clause[] {
    const unique = [...new Map(clauses.map((clause) => [idsOf(clause), clause])).values()];
    if (unique.length > MAX_LISTED || (unique.length > MAX_CLAUSES && unique.filter(isOpen).length > MAX_CLAUSES)) this.#tooMany();
    if (unique.length < 2 || unique.length > 256) return unique;
    const sets = unique.map((clause) => new Set(clause));
    return unique.filter(
      (clause, i) => !sets.some((other, j) => j !== i && other.size < clause.length && [...other].every((atom) => sets[i]!.has(atom))),
    );
  }

  #tooMany(): never {
    const { where } = this.formulas;
    throw new ConstraintError(
      "constraint/too-large",
      `${where.subject}: the schema has more than ${MAX_CLAUSES} alternatives at one place`,
      {
        pointer: where.pointer,
        hint: "split the anyOf/oneOf/allOf branches into tools of their own, or give them a property with a constant that tells them apart",
      },
    );
  }
}

function isAtom(formula: Formula): formula is Formula & { readonly kind: "atom" } {
  return formula.kind === "atom";
}

function isOpen(clause: Clause): boolean {
  return !clause.some(
    ({ atom }) =>
      (atom.kind === "each" && atom.names.kind === "others" && atom.formula.kind === "any" && atom.formula.parts.length === 0) ||
      (atom.kind === "length" && atom.min === atom.max),
  );
}

function idsOf(clause: Clause): string {
  return clause
    .map(({ id }) => id)
    .sort((a, b) => a - b)
    .join();
}
