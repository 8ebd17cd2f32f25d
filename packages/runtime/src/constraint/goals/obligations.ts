/**
 * What an object still owes: required names, witnesses, a number of properties. In: a plan and a state. Out: can all of it be met?
 * Law: exact for objects that need not differ from others: each witness is given to a property that may satisfy it, by backtracking.
 */
import { ConstraintError } from "../../errors.ts";
import type { Formula, Formulas } from "./formula.ts";
import type { ObjectPlan } from "./object-plan.ts";

interface Owed {
  /** Known names before this one, and the spent ones, cannot come any more. */
  readonly passed: number;
  readonly spent: readonly number[];
  /** Required names that have not been written; each has a value. */
  readonly owed: number;
  readonly found: readonly number[];
  readonly count: number;
}

/** A property that will be written. */
interface Planned {
  readonly formula: Formula;
  readonly witnesses: readonly number[];
}

/** Ways tried before a schema is called too large. */
const MAX_TRIES = 50_000;

export function feasible(
  plan: ObjectPlan,
  formulas: Formulas,
  { passed, spent, owed, found, count }: Owed,
  inhabited: (formula: Formula) => boolean,
): boolean {
  if (count + owed > plan.max) return false;
  const open = plan.witnesses.flatMap((formula, index) => (found.includes(index) ? [] : [{ formula, index }]));
  let missing = plan.min - count - owed;
  if (open.length === 0 && missing <= 0) return true;
  const gone = new Set(spent);
  if (open.length === 0) {
    if (plan.classes.some(({ formula }) => inhabited(formula))) return plan.min <= plan.max;
    for (let index = passed; index < plan.known.length && missing > 0; index++) {
      const { required, formula } = plan.known[index]!;
      if (!required && !gone.has(index) && inhabited(formula)) missing--;
    }
    return missing <= 0 && plan.min <= plan.max;
  }
  const classes = plan.classes.filter(({ formula }) => inhabited(formula));
  const left = plan.known.filter((_, index) => index >= passed && !gone.has(index));
  const musts = left.filter(({ required }) => required);
  const optional = left.filter(({ required, formula }) => !required && inhabited(formula));
  let tries = 0;

  const meet = (next: number, planned: readonly Planned[], unused: readonly (typeof optional)[number][]): boolean => {
    if (++tries > MAX_TRIES)
      throw new ConstraintError("constraint/too-large", `${formulas.where.subject}: an object owes too many things at once`, {
        pointer: formulas.where.pointer,
        hint: "use fewer negations of additionalProperties, patternProperties and propertyNames",
      });
    if (count + planned.length > plan.max) return false;
    const witness = open[next];
    if (!witness) return classes.length > 0 ? Math.max(count + planned.length, plan.min) <= plan.max : fill(planned.length, unused.length);
    const with_ = (formula: Formula) => formulas.all([formula, witness.formula]);
    return (
      planned.some((one, at) => {
        if (!one.witnesses.includes(witness.index) || !inhabited(with_(one.formula))) return false;
        return meet(next + 1, planned.with(at, { ...one, formula: with_(one.formula) }), unused);
      }) ||
      unused.some((one) => {
        if (!one.witnesses.includes(witness.index) || !inhabited(with_(one.formula))) return false;
        return meet(
          next + 1,
          [...planned, { ...one, formula: with_(one.formula) }],
          unused.filter((other) => other !== one),
        );
      }) ||
      classes.some((one) => {
        if (!one.witnesses.includes(witness.index) || !inhabited(with_(one.formula))) return false;
        return meet(next + 1, [...planned, { ...one, formula: with_(one.formula) }], unused);
      })
    );
  };
  const fill = (planned: number, unused: number) => count + planned + unused >= plan.min;

  return meet(0, musts, optional);
}
