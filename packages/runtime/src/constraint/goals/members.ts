/**
 * Values of a formula, one after the other. In: a formula, how many are wanted. Out: that many different values, or all there are.
 * Law: what cannot be told within the limits is an error, never a guess.
 */
import type { Json } from "@orrery/chat";
import { ConstraintError } from "../../errors.ts";
import * as number from "../numbers/index.ts";
import * as text from "../strings/index.ts";
import { canonical } from "./distinct.ts";
import type { ArrayMachine } from "./array-machine.ts";
import type { Formula } from "./formula.ts";
import type { Inhabitation } from "./inhabited.ts";
import type { ObjectMachine } from "./object-machine.ts";

/** Items and properties tried in all. */
const MAX_STEPS = 20_000;
const MAX_DEPTH = 8;

export function membersOf(inhabitation: Inhabitation, formula: Formula, limit: number): readonly Json[] {
  return new Enumeration(inhabitation, limit).all(formula);
}

class Enumeration {
  readonly #inhabitation: Inhabitation;
  readonly #limit: number;
  #steps = 0;
  /** Was something left out that might have given more values? */
  #cut = false;

  constructor(inhabitation: Inhabitation, limit: number) {
    this.#inhabitation = inhabitation;
    this.#limit = limit;
  }

  all(formula: Formula): readonly Json[] {
    const values = this.#of(formula, 0);
    if (!this.#cut || values.length >= this.#limit) return values;
    const { where } = this.#inhabitation.expansion.formulas;
    throw new ConstraintError(
      "constraint/unsupported",
      `${where.subject}: whether there are ${this.#limit} different items cannot be told`,
      {
        pointer: where.pointer,
        hint: "leave uniqueItems or minItems out",
      },
    );
  }

  #of(formula: Formula, depth: number): readonly Json[] {
    const found = new Map<string, Json>();
    for (const value of this.#values(formula, depth)) {
      found.set(canonical(value), value);
      if (found.size >= this.#limit) break;
    }
    return [...found.values()];
  }

  *#values(formula: Formula, depth: number): Generator<Json> {
    const { expansion } = this.#inhabitation;
    for (const [kind, value] of [
      ["null", null],
      ["true", true],
      ["false", false],
    ] as const)
      if (expansion.admits(formula, kind)) yield value;
    yield* number.some(expansion.numbers(formula), this.#limit);
    yield* text.some(expansion.strings(formula), this.#limit);
    for (const machine of this.#inhabitation.arrays(formula)) yield* this.#arrays(machine, machine.start, [], depth + 1);
    for (const machine of this.#inhabitation.objects(formula)) yield* this.#objects(machine, machine.start, {}, depth + 1);
  }

  *#arrays(machine: ArrayMachine, state: number, items: readonly Json[], depth: number): Generator<Json> {
    if (!machine.completes(state, this.#inhabitation.has, this.#inhabitation.members) || !this.#step(depth)) return;
    if (machine.ends(state)) yield items;
    for (const { formula, next } of machine.moves(state))
      if (this.#inhabitation.has(formula))
        for (const item of this.#of(formula, depth))
          yield* this.#arrays(machine, machine.unique ? machine.after(next, item) : next, [...items, item], depth);
  }

  *#objects(machine: ObjectMachine, state: number, members: { readonly [name: string]: Json }, depth: number): Generator<Json> {
    const { has } = this.#inhabitation;
    if (!machine.completes(state, has) || !this.#step(depth)) return;
    if (machine.ends(state)) yield members;
    for (const move of machine.names(state)) {
      const namings = move.kind === "known" ? [move.naming] : text.some(move.language(), this.#limit).map((name) => move.naming(name));
      for (const naming of namings)
        for (const { formula, next } of machine.values(naming))
          if (has(formula))
            for (const value of this.#of(formula, depth)) yield* this.#objects(machine, next, { ...members, [naming.name]: value }, depth);
    }
  }

  /** May one more item or property be tried? */
  #step(depth: number): boolean {
    if (++this.#steps <= MAX_STEPS && depth <= MAX_DEPTH) return true;
    this.#cut = true;
    return false;
  }
}
