/**
 * Which formulas have a value. In: a formula. Out: yes or no, exactly. Law: the least fixpoint: a schema that can only be satisfied by
 * containing itself has no value.
 */
import type { Json } from "@orrery/chat";
import { ConstraintError } from "../../errors.ts";
import * as number from "../numbers/index.ts";
import * as text from "../strings/index.ts";
import { ArrayMachine } from "./array-machine.ts";
import type { Expansion } from "./expansion.ts";
import type { Formula } from "./formula.ts";
import { membersOf } from "./members.ts";
import { ObjectMachine } from "./object-machine.ts";
import { planObject, type PlanOptions } from "./object-plan.ts";

export interface InhabitationOptions extends PlanOptions {
  /** The order in which the known names of an object are written; `any`: as the model likes. */
  readonly order: "any" | ((names: readonly string[]) => readonly string[]);
}

/** Formulas and their machines, and what is known of them. */
export class Inhabitation {
  readonly expansion: Expansion;
  readonly #options: InhabitationOptions;
  readonly #known = new Map<Formula, boolean>();
  readonly #arrays = new Map<Formula, readonly ArrayMachine[]>();
  readonly #objects = new Map<Formula, readonly ObjectMachine[]>();
  /** Formulas whose values are being counted. */
  readonly #counted = new Set<Formula>();

  constructor(expansion: Expansion, options: InhabitationOptions) {
    this.expansion = expansion;
    this.#options = options;
  }

  /** One machine a clause. */
  arrays(formula: Formula): readonly ArrayMachine[] {
    let machines = this.#arrays.get(formula);
    if (!machines) {
      machines = this.expansion.clauses(formula, "array").map((clause) => new ArrayMachine(clause, this.expansion.formulas));
      this.#arrays.set(formula, machines);
    }
    return machines;
  }

  /** One machine a clause. */
  objects(formula: Formula): readonly ObjectMachine[] {
    let machines = this.#objects.get(formula);
    if (!machines) {
      const { formulas } = this.expansion;
      const { order } = this.#options;
      machines = this.expansion.clauses(formula, "object").map((clause) => {
        const plan = planObject(clause, formulas, this.#options);
        if (order === "any") return new ObjectMachine(plan, formulas, false);
        const rank = new Map(order(plan.known.map(({ name }) => name)).map((name, index) => [name, index]));
        const known = plan.known.toSorted((a, b) => rank.get(a.name)! - rank.get(b.name)!);
        return new ObjectMachine({ ...plan, known }, formulas, true);
      });
      this.#objects.set(formula, machines);
    }
    return machines;
  }

  /** Does any value satisfy the formula? */
  has = (formula: Formula): boolean => {
    const known = this.#known.get(formula);
    if (known !== undefined) return known;
    const found = new Map<Formula, boolean>();
    for (;;) {
      const round = new Round(
        found,
        (one, round) => this.#known.get(one) ?? this.expansion.formulas.at(one, () => this.#decide(one, round)),
      );
      round.ask(formula);
      if (!round.changed) break;
    }
    for (const [one, value] of found) this.#known.set(one, value);
    return found.get(formula)!;
  };

  /**
   * Looks into everything that a formula leads to, so that what cannot be compiled is found before the first token.
   * @throws ConstraintError
   */
  prepare(root: Formula): void {
    const { expansion } = this;
    const seen = new Set([root]);
    for (const formula of seen)
      expansion.formulas.at(formula, () => {
        expansion.numbers(formula);
        expansion.strings(formula);
        this.arrays(formula);
        this.objects(formula);
        for (const kind of ["array", "object"] as const)
          for (const clause of expansion.clauses(formula, kind))
            for (const { atom } of clause) if ("formula" in atom) seen.add(atom.formula);
      });
  }

  #decide(formula: Formula, { ask }: Round): boolean {
    const { expansion } = this;
    const { where } = expansion.formulas;
    if ((["null", "true", "false"] as const).some((kind) => expansion.admits(formula, kind))) return true;
    if (!number.isEmpty(expansion.numbers(formula), where) || !text.isEmpty(expansion.strings(formula))) return true;
    return (
      this.arrays(formula).some((machine) => machine.completes(machine.start, ask, this.members)) ||
      this.objects(formula).some((machine) => machine.completes(machine.start, ask))
    );
  }

  /** Up to `limit` different values; fewer are all there are. @throws ConstraintError `constraint/unsupported` where that cannot be told */
  members = (formula: Formula, limit: number): readonly Json[] => {
    // Whether one of its values is possible may depend on how many there are.
    if (this.#counted.has(formula)) throw this.#untold();
    this.#counted.add(formula);
    try {
      return membersOf(this, formula, limit);
    } finally {
      this.#counted.delete(formula);
    }
  };

  #untold(): ConstraintError {
    const { subject, pointer } = this.expansion.formulas.where;
    return new ConstraintError("constraint/unsupported", `${subject}: how many different items there are depends on itself`, {
      pointer,
      hint: "leave uniqueItems or minItems out of a schema that contains itself",
    });
  }
}

/** One pass over the formulas that are asked for; what is being decided counts as it was found in the pass before. */
class Round {
  readonly #found: Map<Formula, boolean>;
  readonly #decide: (formula: Formula, round: Round) => boolean;
  readonly #decided = new Set<Formula>();
  readonly #open = new Set<Formula>();
  readonly #assumed = new Set<Formula>();

  constructor(found: Map<Formula, boolean>, decide: (formula: Formula, round: Round) => boolean) {
    this.#found = found;
    this.#decide = decide;
  }

  /** Was something taken for empty that is not? */
  get changed(): boolean {
    return [...this.#assumed].some((formula) => this.#found.get(formula));
  }

  ask = (formula: Formula): boolean => {
    if (this.#found.get(formula) === true) return true;
    if (this.#decided.has(formula)) return false;
    if (this.#open.has(formula)) {
      this.#assumed.add(formula);
      return false;
    }
    this.#open.add(formula);
    const value = this.#decide(formula, this);
    this.#open.delete(formula);
    this.#decided.add(formula);
    this.#found.set(formula, value);
    return value;
  };
}
