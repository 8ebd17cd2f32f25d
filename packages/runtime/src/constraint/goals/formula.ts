/**
 * Formulas over JSON values: what a value must be, in negation normal form, each one made once. In: schemas and atoms. Out: formulas
 * that are equal exactly when they are the same object. Law: an atom about one kind of value holds for every value of another kind.
 */
import type { Json } from "@orrery/chat";
import { ConstraintError } from "../../errors.ts";
import type { SchemaNode } from "../document/node.ts";
import * as number from "../numbers/index.ts";
import type { NumberSet } from "../numbers/index.ts";
import * as text from "../strings/index.ts";
import type { Language } from "../strings/index.ts";
import { isEmptySet, keyOf, type NameSet } from "./names.ts";
import type { Where } from "../where.ts";

/** The kinds of JSON values; the two booleans are kinds of their own, so that a kind is a set of atoms or a single value. */
export const KINDS = ["null", "true", "false", "number", "string", "array", "object"] as const;
export type Kind = (typeof KINDS)[number];
const EVERY_KIND = (1 << KINDS.length) - 1;
const bitOf = (kind: Kind) => 1 << KINDS.indexOf(kind);

export type Atom =
  /** The value is of one of these kinds (bits in the order of {@link KINDS}). */
  | { readonly kind: "kinds"; readonly bits: number }
  | { readonly kind: "number"; readonly set: NumberSet }
  | { readonly kind: "string"; readonly language: Language }
  /** The item at `index`, if there is one. */
  | { readonly kind: "item"; readonly index: number; readonly formula: Formula }
  /** Every item from `from` on. */
  | { readonly kind: "items"; readonly from: number; readonly formula: Formula }
  | { readonly kind: "length"; readonly min: number; readonly max: number }
  /** Of the items from `from` on, `min` … `max` satisfy the formula. */
  | { readonly kind: "contains"; readonly from: number; readonly formula: Formula; readonly min: number; readonly max: number }
  /** No two items are equal; or some two are. */
  | { readonly kind: "unique"; readonly unique: boolean }
  /** Every property with one of these names. */
  | { readonly kind: "each"; readonly names: NameSet; readonly formula: Formula }
  /** At least one property with one of these names. */
  | { readonly kind: "some"; readonly names: NameSet; readonly formula: Formula }
  | { readonly kind: "size"; readonly min: number; readonly max: number }
  /** The value is none of these arrays, or objects. */
  | { readonly kind: "none-of"; readonly of: "array" | "object"; readonly values: readonly Json[] };

/** The kind of value that an atom says something about. */
export function subjectOf(atom: Exclude<Atom, { kind: "kinds" }>): Kind {
  switch (atom.kind) {
    case "number":
    case "string":
      return atom.kind;
    case "none-of":
      return atom.of;
    case "each":
    case "some":
    case "size":
      return "object";
    default:
      return "array";
  }
}

interface Identified {
  readonly id: number;
}
export type Formula = Identified &
  (
    | { readonly kind: "atom"; readonly atom: Atom }
    | { readonly kind: "all" | "any"; readonly parts: readonly Formula[] }
    /** A schema, or its negation, not yet looked into: so schemas may refer to themselves. */
    | { readonly kind: "schema"; readonly node: SchemaNode; readonly negated: boolean }
  );

/** `{}`, perhaps with annotations. */
function isSilent(node: SchemaNode): boolean {
  return Object.keys(node).length === 1;
}

/** Formulas that one schema may need: keeps products of anyOf, oneOf and not from exploding. */
const MAX_FORMULAS = 200_000;

/** Makes formulas and keeps them. */
export class Formulas {
  #where: Where;
  readonly everything: Formula;
  readonly nothing: Formula;
  readonly #known = new Map<string, Formula>();
  readonly #negations = new Map<Formula, Formula>();
  readonly #keys = new Map<object | string, number>();

  constructor(where: Where) {
    this.#where = where;
    this.everything = this.#make("all", (id) => ({ id, kind: "all", parts: [] }));
    this.nothing = this.#make("any", (id) => ({ id, kind: "any", parts: [] }));
  }

  /** The place that is being compiled, for messages. */
  get where(): Where {
    return this.#where;
  }

  /** Does the work at the place that a formula comes from. */
  at<Result>(formula: Formula, work: () => Result): Result {
    const before = this.#where;
    this.#where = this.placeOf(formula) ?? before;
    try {
      return work();
    } finally {
      this.#where = before;
    }
  }

  /** The schema that a formula, or a part of it, stands for. */
  placeOf(formula: Formula): Where | undefined {
    if (formula.kind === "schema") return formula.node.where;
    if (formula.kind === "atom") return undefined;
    for (const part of formula.parts) if (part.kind === "schema") return part.node.where;
    return undefined;
  }

  schema(node: SchemaNode, negated = false): Formula {
    if (node.always !== undefined) return node.always === negated ? this.nothing : this.everything;
    if (isSilent(node)) return negated ? this.nothing : this.everything;
    return this.#closed(node, negated);
  }

  /** The schema of a property that is declared: even if it allows everything, it says that there may be one. */
  declared(node: SchemaNode): Formula {
    return node.always === false ? this.nothing : this.#closed(node, false);
  }

  #closed(node: SchemaNode, negated: boolean): Formula {
    return this.#make(`${negated ? "¬" : ""}schema ${this.#key(node)}`, (id) => ({ id, kind: "schema", node, negated }));
  }

  kinds(...kinds: readonly Kind[]): Formula {
    return this.#kindBits(kinds.reduce((bits, kind) => bits | bitOf(kind), 0));
  }

  otherKinds(kind: Kind): Formula {
    return this.#kindBits(EVERY_KIND & ~bitOf(kind));
  }

  #kindBits(bits: number): Formula {
    if (bits === 0) return this.nothing;
    return bits === EVERY_KIND ? this.everything : this.#atom(`kinds ${bits}`, { kind: "kinds", bits });
  }

  number(set: NumberSet): Formula {
    return set.key === number.EVERY_NUMBER.key ? this.everything : this.#atom(`number ${this.#key(set.key)}`, { kind: "number", set });
  }

  string(language: Language): Formula {
    if (language.key === text.EVERY_STRING.key) return this.everything;
    return this.#atom(`string ${this.#key(language.key)}`, { kind: "string", language });
  }

  item(index: number, formula: Formula): Formula {
    return this.#unless(formula, `item ${index} ${formula.id}`, { kind: "item", index, formula });
  }

  items(from: number, formula: Formula): Formula {
    return this.#unless(formula, `items ${from} ${formula.id}`, { kind: "items", from, formula });
  }

  length(min: number, max: number): Formula {
    if (min > max || min === Infinity) return this.otherKinds("array");
    return min <= 0 && max === Infinity ? this.everything : this.#atom(`length ${min} ${max}`, { kind: "length", min, max });
  }

  contains(from: number, formula: Formula, min: number, max: number): Formula {
    if (min > max || min === Infinity) return this.otherKinds("array");
    if (min <= 0 && max === Infinity) return this.everything;
    if (formula === this.nothing) return min > 0 ? this.otherKinds("array") : this.everything;
    return this.#atom(`contains ${from} ${formula.id} ${min} ${max}`, { kind: "contains", from, formula, min, max });
  }

  unique(unique: boolean): Formula {
    return this.#atom(`unique ${unique}`, { kind: "unique", unique });
  }

  each(names: NameSet, formula: Formula): Formula {
    if (isEmptySet(names)) return this.everything;
    return this.#unless(formula, `each ${this.#key(keyOf(names))} ${formula.id}`, { kind: "each", names, formula });
  }

  some(names: NameSet, formula: Formula): Formula {
    if (isEmptySet(names) || formula === this.nothing) return this.otherKinds("object");
    return this.#atom(`some ${this.#key(keyOf(names))} ${formula.id}`, { kind: "some", names, formula });
  }

  count(min: number, max: number): Formula {
    if (min > max || min === Infinity) return this.otherKinds("object");
    return min <= 0 && max === Infinity ? this.everything : this.#atom(`size ${min} ${max}`, { kind: "size", min, max });
  }

  noneOf(of: "array" | "object", values: readonly Json[]): Formula {
    if (values.length === 0) return this.everything;
    return this.#atom(`none-of ${of} ${this.#key(JSON.stringify(values))}`, { kind: "none-of", of, values });
  }

  all(parts: readonly Formula[]): Formula {
    return this.#join("all", parts, this.nothing);
  }

  any(parts: readonly Formula[]): Formula {
    return this.#join("any", parts, this.everything);
  }

  not(formula: Formula): Formula {
    let negation = this.#negations.get(formula);
    if (!negation) {
      negation = this.#negate(formula);
      this.#negations.set(formula, negation);
      if (!this.#negations.has(negation)) this.#negations.set(negation, formula);
    }
    return negation;
  }

  #negate(formula: Formula): Formula {
    switch (formula.kind) {
      case "all":
        return this.any(formula.parts.map((part) => this.not(part)));
      case "any":
        return this.all(formula.parts.map((part) => this.not(part)));
      case "schema":
        return this.#closed(formula.node, !formula.negated);
      case "atom": {
        const { atom } = formula;
        if (atom.kind === "kinds") return this.#kindBits(EVERY_KIND & ~atom.bits);
        return this.all([this.kinds(subjectOf(atom)), this.#negateAtom(atom)]);
      }
    }
  }

  /** The negation of an atom for values of its kind. */
  #negateAtom(atom: Exclude<Atom, { kind: "kinds" }>): Formula {
    switch (atom.kind) {
      case "number":
        return this.number(number.complement(atom.set, this.where));
      case "string":
        return this.string(text.complement(atom.language, this.where));
      case "item":
        return this.all([this.length(atom.index + 1, Infinity), this.item(atom.index, this.not(atom.formula))]);
      case "items":
        return this.contains(atom.from, this.not(atom.formula), 1, Infinity);
      case "length":
        return this.any([this.length(0, atom.min - 1), this.length(atom.max + 1, Infinity)].filter((one) => this.#possible(one, "array")));
      case "contains": {
        const { from, formula, min, max } = atom;
        return this.any(
          [this.contains(from, formula, 0, min - 1), this.contains(from, formula, max + 1, Infinity)].filter((one) =>
            this.#possible(one, "array"),
          ),
        );
      }
      case "unique":
        return this.unique(!atom.unique);
      case "each":
        return this.some(atom.names, this.not(atom.formula));
      case "some":
        return this.each(atom.names, this.not(atom.formula));
      case "size":
        return this.any([this.count(0, atom.min - 1), this.count(atom.max + 1, Infinity)].filter((one) => this.#possible(one, "object")));
      case "none-of":
        return this.any(atom.values.map((value) => this.constant(value)));
    }
  }

  /** A bound that no value of the kind meets was written as "another kind". */
  #possible(formula: Formula, kind: Kind): boolean {
    return formula !== this.otherKinds(kind);
  }

  /** Exactly this value. */
  constant(value: Json): Formula {
    return this.among([value]);
  }

  /** One of these values. */
  among(values: readonly Json[]): Formula {
    const scalars = values
      .filter((value) => value === null || typeof value === "boolean")
      .map((value) => this.kinds(`${value as boolean | null}`));
    const numbers = values.filter((value) => typeof value === "number");
    const strings = values.filter((value) => typeof value === "string");
    const compounds = values.filter((value) => typeof value === "object" && value !== null).map((value) => this.#compound(value));
    if (numbers.length > 0) scalars.push(this.all([this.kinds("number"), this.number(number.numbers(numbers))]));
    if (strings.length > 0) scalars.push(this.all([this.kinds("string"), this.string(text.strings(strings))]));
    return this.any([...scalars, ...compounds]);
  }

  #compound(value: readonly Json[] | { readonly [key: string]: Json | undefined }): Formula {
    if (Array.isArray(value)) {
      const items = (value as readonly Json[]).map((item, index) => this.item(index, this.constant(item)));
      return this.all([this.kinds("array"), this.length(value.length, value.length), ...items]);
    }
    const entries = Object.entries(value as { readonly [key: string]: Json | undefined }).filter(([, one]) => one !== undefined);
    const members = entries.map(([name, one]) => this.some({ kind: "these", names: new Set([name]) }, this.constant(one as Json)));
    const closed = this.each({ kind: "others", names: new Set(entries.map(([name]) => name)) }, this.nothing);
    return this.all([this.kinds("object"), ...members, closed]);
  }

  /** None of these values. */
  notAmong(values: readonly Json[]): Formula {
    const arrays = values.filter((value) => Array.isArray(value));
    const objects = values.filter((value) => typeof value === "object" && value !== null && !Array.isArray(value));
    const others = values.filter((value) => typeof value !== "object" || value === null);
    return this.all([this.not(this.among(others)), this.noneOf("array", arrays), this.noneOf("object", objects)]);
  }

  #unless(formula: Formula, key: string, atom: Atom): Formula {
    return formula === this.everything ? this.everything : this.#atom(key, atom);
  }

  #atom(key: string, atom: Atom): Formula {
    return this.#make(key, (id) => ({ id, kind: "atom", atom }));
  }

  #join(kind: "all" | "any", parts: readonly Formula[], absorbing: Formula): Formula {
    const flat = new Set<Formula>();
    for (const part of parts) {
      if (part === absorbing) return absorbing;
      if (part.kind === kind) for (const inner of part.parts) flat.add(inner);
      else flat.add(part);
    }
    let bits: number | undefined;
    for (const part of flat) {
      const negation = this.#negations.get(part);
      if (negation && flat.has(negation)) return absorbing;
      if (part.kind !== "atom" || part.atom.kind !== "kinds") continue;
      if (bits === undefined) bits = part.atom.bits;
      else bits = kind === "all" ? bits & part.atom.bits : bits | part.atom.bits;
      flat.delete(part);
    }
    if (bits !== undefined) {
      const kinds = this.#kindBits(bits);
      if (kinds === absorbing) return absorbing;
      if (flat.size === 0) return kinds;
      const joined = [kinds, ...flat].filter((part) => part !== this.everything && part !== this.nothing);
      return this.#joined(kind, joined);
    }
    return this.#joined(kind, [...flat]);
  }

  #joined(kind: "all" | "any", parts: readonly Formula[]): Formula {
    if (parts.length === 1) return parts[0]!;
    const ids = parts.map(({ id }) => id).sort((a, b) => a - b);
    return this.#make(ids.length === 0 ? kind : `${kind} ${ids.join()}`, (id) => ({ id, kind, parts }));
  }

  #make(key: string, make: (id: number) => Formula): Formula {
    let formula = this.#known.get(key);
    if (!formula) {
      if (this.#known.size >= MAX_FORMULAS)
        throw new ConstraintError("constraint/too-large", `${this.where.subject}: the schema needs more than ${MAX_FORMULAS} formulas`, {
          pointer: this.where.pointer,
          hint: "split the anyOf/oneOf/allOf branches into tools of their own",
        });
      formula = make(this.#known.size);
      this.#known.set(key, formula);
    }
    return formula;
  }

  /** A small number for an object or a long key. */
  #key(thing: object | string): number {
    let key = this.#keys.get(thing);
    if (key === undefined) {
      key = this.#keys.size;
      this.#keys.set(thing, key);
    }
    return key;
  }
}
