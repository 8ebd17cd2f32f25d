/**
 * Values that must differ. In: formulas of places, values already used. Out: can every place have a value of its own?
 * Law: exact, by a matching of places and values where a formula has few of them.
 */
import { isJsonObject, type Json } from "@orrery/chat";
import { ConstraintError } from "../../errors.ts";
import type { Formula, Formulas } from "./formula.ts";

/** Up to `limit` different values of a formula; fewer are all there are. */
export type Members = (formula: Formula, limit: number) => readonly Json[];

/** Places that may have to differ. */
export const MAX_PLACES = 1_000;

/** Places, and those of their values that may be missing elsewhere when they are used once more. */
export interface Placing {
  readonly scarce: readonly Json[];
}

/** Undefined where the places cannot have values that differ from each other and from those used. */
export function placing(used: readonly Json[], places: readonly Formula[], members: Members): Placing | undefined {
  const taken = new Set(used.map(canonical));
  const free = new Map<Formula, ReadonlyMap<string, Json>>();
  for (const formula of places) {
    if (free.has(formula)) continue;
    // One more than could be needed: a place that has so many can spare any of them.
    const values = members(formula, places.length + used.length + 1).map((value): [string, Json] => [canonical(value), value]);
    free.set(formula, new Map(values.filter(([key]) => !taken.has(key))));
  }
  const scarce = [...free].filter(([, values]) => values.size <= places.length).map(([formula]) => formula);
  const lists = places.filter((formula) => scarce.includes(formula)).map((formula) => [...free.get(formula)!.keys()]);
  if (!matchable(lists)) return undefined;
  return { scarce: [...new Map(scarce.flatMap((formula) => [...free.get(formula)!])).values()] };
}

export function tooManyPlaces(count: number, { where }: Formulas): ConstraintError {
  return new ConstraintError(
    "constraint/too-large",
    `${where.subject}: ${count} items must differ, at most ${MAX_PLACES} can be compiled`,
    {
      pointer: where.pointer,
      hint: "lower minItems",
    },
  );
}

/** Can each list give a value that no other gives? (Kuhn's augmenting paths.) */
function matchable(lists: readonly (readonly string[])[]): boolean {
  const owner = new Map<string, number>();
  const place = (list: number, tried: Set<string>): boolean => {
    const free = lists[list]!.find((value) => !owner.has(value));
    if (free !== undefined) {
      owner.set(free, list);
      return true;
    }
    return lists[list]!.some((value) => {
      if (tried.has(value)) return false;
      tried.add(value);
      const other = owner.get(value);
      if (other !== undefined && !place(other, tried)) return false;
      owner.set(value, list);
      return true;
    });
  };
  return lists.every((_, list) => place(list, new Set()));
}

/** Are two JSON values equal, whatever the order of their properties? */
export function equal(a: Json, b: Json): boolean {
  return canonical(a) === canonical(b);
}

/** A text that is the same for equal values. */
export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(canonical).join()}]`;
  if (!isJsonObject(value)) return JSON.stringify(value === 0 ? 0 : value);
  const entries = Object.keys(value).filter((name) => value[name] !== undefined);
  return `{${entries
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonical(value[name] as Json)}`)
    .join()}}`;
}
