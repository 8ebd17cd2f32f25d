/**
 * The properties of one clause: names that are known one by one, and classes of all the others. In: atoms about objects. Out: a plan.
 * Law: every name that can be written is in exactly one place, all names of a class are alike, and a class never runs out of them.
 */
import type { Json } from "@orrery/chat";
import { ConstraintError } from "../../errors.ts";
import * as text from "../strings/index.ts";
import type { Language } from "../strings/index.ts";
import type { Clause } from "./expansion.ts";
import type { Formula, Formulas } from "./formula.ts";
import { allBut, ByName, hasName, intersectionOf, languageOf, matching, partition, sizeOf, type NameSet } from "./names.ts";

export interface KnownName {
  readonly name: string;
  readonly formula: Formula;
  readonly required: boolean;
  /** Which of the plan's witnesses this property may be. */
  readonly witnesses: readonly number[];
}

/** More names than an object has. */
export interface NameClass {
  readonly names: NameSet;
  readonly formula: Formula;
  readonly witnesses: readonly number[];
}

export interface ObjectPlan {
  readonly known: readonly KnownName[];
  readonly classes: readonly NameClass[];
  /** Some property, of the names that refer to it, must satisfy each of these. */
  readonly witnesses: readonly Formula[];
  readonly min: number;
  readonly max: number;
  /** Objects that this one must not be. */
  readonly unlike: readonly { readonly [name: string]: Json }[];
}

export interface PlanOptions {
  /** `never`: only names that the schema describes are written, however open it is. */
  readonly undeclared: "never" | "allowed";
  /** Names that can be written without being listed. */
  readonly spellable: () => Language;
}

const MAX_WITNESSES = 6;
/** A class with fewer names is a list of known ones. */
const MAX_LISTED = 256;

interface Rule {
  readonly names: NameSet;
  readonly formula: Formula;
}

export function planObject(clause: Clause, formulas: Formulas, { undeclared, spellable }: PlanOptions): ObjectPlan {
  const { where } = formulas;
  const each: Rule[] = [];
  const some: Rule[] = [];
  const required = new Map<string, Formula[]>();
  const names = new Set<string>();
  const unlike: { readonly [name: string]: Json }[] = [];
  let min = 0;
  let max = Infinity;
  for (const { atom } of clause) {
    if (atom.kind === "size") [min, max] = [Math.max(min, atom.min), Math.min(max, atom.max)];
    else if (atom.kind === "none-of") for (const value of atom.values) unlike.push(value as { readonly [name: string]: Json });
    else if (atom.kind === "each") each.push(atom);
    else if (atom.kind === "some") {
      const only = atom.names.kind === "these" && atom.names.names.size === 1 ? [...atom.names.names][0] : undefined;
      if (only === undefined) some.push(atom);
      else {
        const needed = required.get(only);
        if (needed) needed.push(atom.formula);
        else required.set(only, [atom.formula]);
      }
    }
    if ((atom.kind === "each" || atom.kind === "some") && atom.names.kind !== "language")
      for (const name of atom.names.names) names.add(name);
  }
  for (const value of unlike) for (const name of Object.keys(value)) names.add(name);
  if (some.length > MAX_WITNESSES) tooLarge(formulas, `more than ${MAX_WITNESSES} properties that need only exist`);

  const witnessesOf = (name: string) => some.flatMap((rule, index) => (hasName(rule.names, name) ? [index] : []));
  const indexed = new ByName(each);
  const known: KnownName[] = [];
  const add = (name: string) => {
    const rules = indexed.of(name);
    const needed = required.get(name);
    if (undeclared === "never" && !needed && !rules.some(({ formula }) => formula !== formulas.nothing)) return;
    const formula = formulas.all([...rules.map((rule) => rule.formula), ...(needed ?? [])]);
    known.push({ name, formula, required: needed !== undefined, witnesses: witnessesOf(name) });
  };
  for (const name of names) add(name);

  const classes: NameClass[] = [];
  const sets = [...each, ...some].map((rule) => rule.names);
  for (const { names: rest, within } of partition(allBut(names), sets, where)) {
    const rules = within.flatMap((index) => each[index] ?? []);
    if (undeclared === "never" && !rules.some(({ formula }) => formula !== formulas.nothing)) continue;
    const formula = formulas.all(rules.map((rule) => rule.formula));
    if (formula === formulas.nothing) continue;
    const witnesses = within.filter((index) => index >= each.length).map((index) => index - each.length);
    const writable = spellable();
    const free = writable === text.EVERY_STRING ? rest : intersectionOf(rest, matching(writable), where);
    if (sizeOf(free) > MAX_LISTED) classes.push({ names: free, formula, witnesses });
    else for (const name of text.some(languageOf(free, where), MAX_LISTED)) known.push({ name, formula, required: false, witnesses });
  }
  return { known, classes, witnesses: some.map(({ formula }) => formula), min, max, unlike };
}

function tooLarge({ where }: Formulas, what: string): never {
  throw new ConstraintError("constraint/too-large", `${where.subject}: an object has ${what}`, {
    pointer: where.pointer,
    hint: "use fewer negations of additionalProperties, patternProperties and propertyNames",
  });
}
