/**
 * The objects of one plan, written property by property. In: a plan, and whether the known names keep their order. Out: states, the
 * names that may come next, and the formulas of which the value of a name satisfies one. Law: no name comes twice.
 */
import type { Json } from "@orrery/chat";
import { ConstraintError } from "../../errors.ts";
import { equal } from "./distinct.ts";
import type { Formula, Formulas } from "./formula.ts";
import type { Language } from "../strings/index.ts";
import { languageBut, type NameSet } from "./names.ts";
import type { ObjectPlan } from "./object-plan.ts";
import { feasible } from "./obligations.ts";

/** Between two properties. */
interface State {
  /** Known names before this one cannot come any more. */
  readonly passed: number;
  /** Nor can these, in ascending order. */
  readonly spent: readonly number[];
  /** Names of classes that have been written. */
  readonly written: readonly string[];
  /** Witnesses that have been found. */
  readonly found: readonly number[];
  /** Properties so far, as far as it matters. */
  readonly count: number;
  /** Has any been written? */
  readonly begun: boolean;
  /** Which of the objects that this one must not be have all that was written. */
  readonly alike: readonly number[];
}

/** A property whose name has been written. */
export interface Naming {
  readonly name: string;
  readonly formula: Formula;
  readonly witnesses: readonly number[];
  /** The state after the property, whatever its value. */
  readonly after: number;
}

export type NameMove =
  | { readonly kind: "known"; readonly name: string; readonly naming: Naming }
  | {
      readonly kind: "class";
      /** The names that can come. */
      readonly language: () => Language;
      readonly naming: (name: string) => Naming;
      /** As if the name had not been written and might come again: all names of a class are alike but for this. */
      readonly usual: Naming;
    };

export interface ValueMove {
  readonly formula: Formula;
  /** The state after the value. */
  readonly next: number;
}

/** States looked at to see whether an object can be completed. */
const MAX_SEARCH = 20_000;

export class ObjectMachine {
  readonly start: number;
  readonly #plan: ObjectPlan;
  readonly #formulas: Formulas;
  readonly #ordered: boolean;
  /** Counting further changes nothing. */
  readonly #counted: number;
  /** Required names from each known one on. */
  readonly #required: Int32Array;
  /** Has every required name been found to have a value? What has one keeps it. */
  #meetable = false;
  readonly #states: State[] = [];
  readonly #ids = new Map<string, number>();
  readonly #languages = new Map<NameSet, Language>();

  constructor(plan: ObjectPlan, formulas: Formulas, ordered: boolean) {
    this.#plan = plan;
    this.#formulas = formulas;
    this.#ordered = ordered;
    this.#counted =
      plan.max === Infinity ? plan.unlike.reduce((most, one) => Math.max(most, Object.keys(one).length + 1), plan.min) : plan.max;
    this.#required = countFromEnd(plan.known.map(({ required }) => required));
    this.start = this.#intern({
      passed: 0,
      spent: [],
      written: [],
      found: [],
      count: 0,
      begun: false,
      alike: plan.unlike.map((_, i) => i),
    });
  }

  #intern(state: State): number {
    const key = JSON.stringify(Object.values(state));
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.#states.push(state) - 1;
      this.#ids.set(key, id);
    }
    return id;
  }

  begun(id: number): boolean {
    return this.#states[id]!.begun;
  }

  /** May the object end here? */
  ends(id: number): boolean {
    const state = this.#states[id]!;
    const { found, count, alike } = state;
    const { witnesses, min, unlike } = this.#plan;
    if (count < min || found.length < witnesses.length || this.#owed(state) > 0) return false;
    return !alike.some((one) => Object.keys(unlike[one]!).length === count);
  }

  /** Required names that have not been written. */
  #owed({ passed, spent }: State): number {
    return this.#required[passed]! - spent.filter((index) => this.#plan.known[index]!.required).length;
  }

  /** The names that may come next; not every one has a value, or can be completed. Each is made when it is asked for. */
  *names(id: number): Generator<NameMove> {
    const state = this.#states[id]!;
    const { known, classes, max } = this.#plan;
    if (state.count >= max) return;
    const count = Math.min(state.count + 1, this.#counted);
    const spentBefore = new Set(state.spent);
    for (let index = state.passed; index < known.length; index++) {
      if (spentBefore.has(index)) continue;
      const { name, formula, witnesses, required } = known[index]!;
      const gone = this.#ordered ? { passed: index + 1 } : { spent: [...state.spent, index].sort((a, b) => a - b) };
      yield { kind: "known", name, naming: { name, formula, witnesses, after: this.#intern({ ...state, ...gone, count, begun: true }) } };
      if (this.#ordered && required) return;
    }
    for (const { names, formula, witnesses } of classes) {
      const passed = this.#ordered ? known.length : 0;
      const naming = (name: string): Naming => {
        const written = [...state.written, name].sort();
        return { name, formula, witnesses, after: this.#intern({ ...state, passed, written, count, begun: true, alike: [] }) };
      };
      const usual = { name: "", formula, witnesses, after: this.#intern({ ...state, passed, count, begun: true, alike: [] }) };
      yield { kind: "class", language: () => this.#languageBut(names, state.written), naming, usual };
    }
  }

  /** The names of a class but for those that were written; kept for the names of the schema alone. */
  #languageBut(names: NameSet, written: readonly string[]): Language {
    if (written.length > 0) return languageBut(names, written, this.#formulas.where);
    let language = this.#languages.get(names);
    if (!language) {
      language = languageBut(names, written, this.#formulas.where);
      this.#languages.set(names, language);
    }
    return language;
  }

  /** What the value after a name may be. */
  values({ name, formula, witnesses, after }: Naming): readonly ValueMove[] {
    const formulas = this.#formulas;
    const state = this.#states[after]!;
    if (witnesses.every((witness) => state.found.includes(witness)) && state.alike.length === 0)
      return formula === formulas.nothing ? [] : [{ formula, next: after }];
    let moves: { formula: Formula; after: State }[] = [{ formula, after: state }];
    for (const witness of witnesses) {
      if (state.found.includes(witness)) continue;
      const wanted = this.#plan.witnesses[witness]!;
      moves = moves.flatMap((move) => {
        const found = [...move.after.found, witness].sort((a, b) => a - b);
        return [{ formula: formulas.all([move.formula, wanted]), after: { ...move.after, found } }, move];
      });
    }
    if (state.alike.length > 0) moves = moves.flatMap((move) => this.#apart(name, move));
    return moves
      .filter((move) => move.formula !== formulas.nothing)
      .map((move) => ({ formula: move.formula, next: this.#intern(move.after) }));
  }

  /** Splits a move by the objects that this one must not become. */
  #apart(name: string, { formula, after }: { formula: Formula; after: State }): { formula: Formula; after: State }[] {
    const formulas = this.#formulas;
    const groups: { value: Json; members: number[] }[] = [];
    for (const one of after.alike) {
      const object = this.#plan.unlike[one]!;
      if (!Object.hasOwn(object, name)) continue;
      const value = object[name]!;
      const group = groups.find((known) => equal(known.value, value));
      if (group) group.members.push(one);
      else groups.push({ value, members: [one] });
    }
    const same = groups.map(({ value, members }) => ({
      formula: formulas.all([formula, formulas.constant(value)]),
      after: { ...after, alike: members },
    }));
    const different = {
      formula: formulas.all([formula, formulas.notAmong(groups.map(({ value }) => value))]),
      after: { ...after, alike: [] },
    };
    return [...same, different];
  }

  /** Can the object be completed, if these formulas are the ones that some value satisfies? */
  completes(id: number, inhabited: (formula: Formula) => boolean): boolean {
    if (this.ends(id)) return true;
    const state = this.#states[id]!;
    if (!this.#feasible(state, inhabited)) return false;
    return state.alike.length === 0 || this.#search(id, inhabited);
  }

  /** Can all be met that is owed, if the object need not differ from others? */
  #feasible(state: State, inhabited: (formula: Formula) => boolean): boolean {
    this.#meetable ||= this.#plan.known.every(({ required, formula }) => !required || inhabited(formula));
    return this.#meetable && feasible(this.#plan, this.#formulas, { ...state, owed: this.#owed(state) }, inhabited);
  }

  /** While the object may still become one that it must not be, the ways to go on are tried. */
  #search(start: number, inhabited: (formula: Formula) => boolean): boolean {
    const seen = new Set([start]);
    const open = [start];
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      if (this.ends(id)) return true;
      for (const move of this.names(id)) {
        const naming = move.kind === "known" ? move.naming : move.naming(""); // any name of a class tells it from the others
        for (const { formula, next } of this.values(naming)) {
          if (seen.has(next) || !inhabited(formula)) continue;
          const { alike } = this.#states[next]!;
          if (alike.length === 0) {
            if (this.#feasible(this.#states[next]!, inhabited)) return true;
            continue;
          }
          if (seen.size >= MAX_SEARCH) this.#tooLarge();
          seen.add(next);
          open.push(next);
        }
      }
    }
    return false;
  }

  #tooLarge(): never {
    const { where } = this.#formulas;
    throw new ConstraintError("constraint/too-large", `${where.subject}: an object needs more than ${MAX_SEARCH} states`, {
      pointer: where.pointer,
      hint: "list fewer objects in `not` and `enum`, or with fewer properties",
    });
  }
}

/** How many of the marks from each place on are set; 0 behind the last. */
function countFromEnd(marks: readonly boolean[]): Int32Array {
  const counts = new Int32Array(marks.length + 1);
  for (let i = marks.length - 1; i >= 0; i--) counts[i] = counts[i + 1]! + (marks[i] ? 1 : 0);
  return counts;
}
