/**
 * Parts: what a grammar is made of. Terminals consume symbols; structures say which parts may come next. A state of a part is a
 * number that the part itself defines. Law: every state that a part hands out can still be completed.
 */
import type { Alphabet } from "./alphabet.ts";
import type { PartPosition } from "./position.ts";

/** A byte (0 … 255), or a control token: {@link CONTROL} + its id. */
export type Symbol = number;
export const CONTROL = 256;

/** Consumes symbols. */
export interface Terminal {
  readonly kind: "terminal";
  /** What is written here. */
  readonly position: PartPosition;
  readonly start: number;
  /** The state after `symbol`, or −1. */
  step(state: number, symbol: Symbol): number;
  /** May the part end here? */
  accepts(state: number): boolean;
  /** Can nothing more be consumed? Then it accepts. */
  ends(state: number): boolean;
  /** The one symbol that may follow, or −1 when there are several. */
  only(state: number): Symbol;
  /** The control tokens that may follow, as symbols. */
  controls(state: number): readonly Symbol[];
  /** A state that allows the same tokens when no token has more than `longest` bytes. */
  canonical(state: number, longest: number): number;
  /** The alphabet all of whose runs of up to `longest` bytes may follow, or undefined. */
  free(state: number, longest: number): Alphabet | undefined;
}

/** A part that may come next, and the structure's state after it. */
export interface Option {
  readonly part: Part;
  readonly next: number;
}

/** Arranges parts. */
export interface Structure {
  readonly kind: "structure";
  readonly start: number;
  options(state: number): readonly Option[];
  /** May the structure end here? */
  complete(state: number): boolean;
}

export type Part = Terminal | Structure;

const NONE: readonly Option[] = [];

/** The parts one after the other. State: how many are done. */
export function sequence(...parts: readonly Part[]): Structure {
  return {
    kind: "structure",
    start: 0,
    options: (state) => (state < parts.length ? [{ part: parts[state]!, next: state + 1 }] : NONE),
    complete: (state) => state === parts.length,
  };
}

/** Any one of the parts. State: 0 before, 1 after. */
export function oneOf(parts: readonly Part[]): Part {
  if (parts.length === 1) return parts[0]!;
  const options = parts.map((part) => ({ part, next: 1 }));
  return { kind: "structure", start: 0, options: (state) => (state === 0 ? options : NONE), complete: (state) => state === 1 };
}

/** `min` … `max` times the part, with `separator` between. State: how many so far; without an upper limit it stops at `min`. */
export function repeat(part: Part, separator: Part | undefined, min: number, max: number): Structure {
  const following = separator ? sequence(separator, part) : part;
  const last = max === Infinity ? Math.max(min, 1) : max;
  return {
    kind: "structure",
    start: 0,
    options(state) {
      if (state >= max) return NONE;
      return [{ part: state === 0 ? part : following, next: Math.min(state + 1, last) }];
    },
    complete: (state) => state >= min,
  };
}

/** A member of an object: key and value, and the same with a comma before it. */
export interface Member {
  readonly first: Part;
  readonly later: Part;
  readonly required: boolean;
}

/** The members in order, optional ones perhaps left out. State: twice the index of the next one, plus 1 once one is written. */
export function members(list: readonly Member[]): Structure {
  const lastRequired = list.findLastIndex((member) => member.required);
  return {
    kind: "structure",
    start: 0,
    options(state) {
      const options: Option[] = [];
      for (let i = state >> 1; i < list.length; i++) {
        const member = list[i]!;
        options.push({ part: state % 2 === 0 ? member.first : member.later, next: 2 * (i + 1) + 1 });
        if (member.required) break;
      }
      return options;
    },
    complete: (state) => state >> 1 > lastRequired,
  };
}
