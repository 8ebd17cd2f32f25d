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
  /** For a terminal that reads by others: those that are reading now. */
  readers?(state: number): readonly Reader[];
  /** For a terminal that remembers what it read: one that reads the same and does not, where there is one. */
  forgetting?(state: number): Reading | undefined;
  /** For a terminal that reads what another one does, all but finitely many of its texts: whatever was read, either may go on and end. */
  almost?(state: number): Almost | undefined;
  /** For a text: 1 by byte that begins none but characters which lead back to this state, of those within a line. Undefined: none does. */
  stays?(state: number): Uint8Array | undefined;
  /** The alphabet all of whose runs of up to `longest` bytes may follow, or undefined. */
  free(state: number, longest: number): Alphabet | undefined;
}

export interface Reading {
  readonly part: Terminal;
  readonly state: number;
}

/** A terminal that reads for another one. */
export interface Reader extends Reading {
  /** The bytes that may come within the other one when this one ends. */
  readonly follow: readonly number[];
  /** May the other one end when this one ends? */
  readonly last: boolean;
  /** The other one's state when this one has ended, where that does not depend on what it read. */
  readonly after?: number;
}

/** A terminal that reads nearly the same. */
export interface Almost extends Reading {
  /** Reads the texts that are missing; undefined when none of them can follow any more. */
  readonly missing: Reading | undefined;
}

/** A part that may come next, and the structure's state after it. */
export type Option = PlainOption | TellingOption;

interface PlainOption {
  readonly part: Part;
  readonly next: number;
}

/** The state depends on how the terminal ends. */
export interface TellingOption {
  readonly part: Terminal;
  readonly next: (end: number) => number;
  /** The bytes with which what follows may begin, however the terminal ends. */
  readonly follow: readonly number[];
  /** Where most ends lead to states that differ in what was read alone. */
  readonly usual?: UsualEnd | undefined;
  /** The states after all ends, where they can be listed. */
  readonly known?: (() => readonly number[]) | undefined;
}

/**
 * A state that allows all that the one after any end allows, since it does not know what was read. Law: within one token the two allow the
 * same, unless the token has `repeats` bytes of `among`: with fewer it cannot read a second part that must differ from the first.
 */
export interface UsualEnd {
  readonly next: number;
  readonly among: readonly number[];
  readonly repeats: number;
}

/** Arranges parts. */
export interface Structure {
  readonly kind: "structure";
  readonly start: number;
  /** The same objects whenever it is asked for the same state. */
  options(state: number): readonly Option[];
  /** May the structure end here? */
  complete(state: number): boolean;
  /** Is it complete, and has no options? For a structure that knows this without making them. */
  over?(state: number): boolean;
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
