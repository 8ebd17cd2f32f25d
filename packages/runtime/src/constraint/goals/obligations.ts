/**
 * What an object still owes: required names, witnesses, a number of properties. In: a plan and a state. Out: can all of it be met?
 * Law: exact for objects that need not differ from others: each witness is given to a property that may satisfy it, by backtracking.
 */
import { ConstraintError } from "../../errors.ts";
import type { Formula, Formulas } from "./formula.ts";
import type { ObjectPlan } from "./object-plan.ts";

interface Owed {
  readonly spent: readonly number[];
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
  { spent, found, count }: Owed,
  inhabited: (formula: Formula) => boolean,
): boolean {
  const gone = new Set(spent);
  const left = plan.known.filter((_, index) => !gone.has(index));
  const musts = left.filter(({ required }) => required);
  if (count + musts.length > plan.max || !musts.every(({ formula }) => inhabited(formula))) return false;
  const classes = plan.classes.filter(({ formula }) => inhabited(formula));
  const open = plan.witnesses.flatMap((formula, index) => (found.includes(index) ? [] : [{ formula, index }]));
  if (open.length === 0 && count + musts.length >= plan.min) return true;
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
