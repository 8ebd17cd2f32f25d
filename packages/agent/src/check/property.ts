/**
 * Properties of a chart. In: predicates over states and patterns over what happens. Out: values that `check` decides. Law: a property is
 * about all runs, whatever the model, the tools and the persons do.
 */
import type { Moves } from "@orrery/chat";
import type { RunContext } from "../machines/chart-state.ts";
import { KEPT_FOR_PROPERTIES } from "./abstraction.ts";
import type { Place } from "./game.ts";
import { entered, patternText, type Pattern } from "./happening.ts";
import type { Reads } from "./reads.ts";
import { isObject } from "./subject.ts";

/** What a predicate is shown: the chart at rest. */
export interface CheckedState<Context = RunContext> {
  /** Is this state active? A path with dots: `editing`, `editing.waiting`. */
  readonly in: (path: string) => boolean;
  readonly context: Context;
  /** The moves, where the model decides. */
  readonly moves: Moves | undefined;
  /** Tools that run, by name; of a chart of one's own, actors by `src`. */
  readonly running: readonly string[];
  /** Is the run over? */
  readonly final: boolean;
}

export type Predicate<Context = RunContext> = (state: CheckedState<Context>) => boolean;

/** Made by `always`, `never`, `precedes`, `cancellable`, `ends`. */
export type Property =
  | { readonly kind: "always"; readonly name: string; readonly holds: (place: Place, reads?: Reads) => boolean }
  | { readonly kind: "never"; readonly name: string; readonly pattern: Pattern }
  | { readonly kind: "precedes"; readonly name: string; readonly first: Pattern; readonly second: Pattern; readonly sameCall: boolean }
  | { readonly kind: "cancellable"; readonly name: string }
  | { readonly kind: "ends"; readonly name: string };

/** In every state in which the chart comes to rest, `holds` is true. */
export function always<Context = RunContext>(name: string, holds: Predicate<Context>): Property {
  return { kind: "always", name, holds: (place, reads) => holds(stateOf<Context>(place, reads)) };
}

/** It never happens; a text is a state that is never entered, not even passed through. */
export function never(what: Pattern | string, name?: string): Property {
  const pattern = typeof what === "string" ? entered(what) : what;
  return { kind: "never", name: name ?? `never: ${patternText(pattern)}`, pattern };
}

/** In no state in which the chart comes to rest is `holds` true. */
export function neverIn<Context = RunContext>(name: string, holds: Predicate<Context>): Property {
  return { kind: "always", name, holds: (place, reads) => !holds(stateOf<Context>(place, reads)) };
}

/**
 * `second` does not happen unless `first` has happened before it. With `sameCall`, to the same call: each write is approved itself, not only
 * some write before it.
 */
export function precedes(first: Pattern, second: Pattern, options: { readonly sameCall?: boolean; readonly name?: string } = {}): Property {
  const { sameCall = false, name = `${patternText(first)} before ${patternText(second)}${sameCall ? ", call by call" : ""}` } = options;
  return { kind: "precedes", name, first, second, sameCall };
}

/** Wherever a run is, a person can cancel it, and then it is over. */
export function cancellable(name = "cancel is always possible"): Property {
  return { kind: "cancellable", name };
}

/**
 * Every run ends: from everywhere an end can be reached without a cancellation, a failure or an illegal move, and there is no circle that
 * needs no person to go round in.
 */
export function ends(name = "every run ends"): Property {
  return { kind: "ends", name };
}

const KINDS: readonly string[] = ["always", "never", "precedes", "cancellable", "ends"] satisfies Property["kind"][];

/** Is this a property, of whatever copy of this package? */
export function isProperty(value: unknown): value is Property {
  return isObject(value) && typeof value["name"] === "string" && KINDS.includes(String(value["kind"]));
}

function stateOf<Context>({ snapshot, paths, legal, running, final }: Place, reads?: Reads): CheckedState<Context> {
  return {
    in: (path) => paths.includes(path),
    context: reads ? reads.view(snapshot.context, KEPT_FOR_PROPERTIES) : snapshot.context,
    moves: legal,
    running: [...running.values()].filter(({ src }) => src !== "decide").map(({ src, input }) => (src === "call" ? nameOf(input) : src)),
    final,
  };
}

function nameOf(input: unknown): string {
  return (input as { readonly call: { readonly name: string } }).call.name;
}
