/**
 * Languages: sets of strings as lazily built deterministic automata over code points. In: a state and a code point. Out: a state.
 * Law: every state that a language hands out can still be completed; states are whole numbers from 0 to {@link MAX_STATES}. Surrogates
 * are no code points here, so no language holds a string with a lone one.
 */

/** States are below this, so that two of them pack into one exact number. */
export const MAX_STATES = 2 ** 26;

/** The code points `first` … `last` lead to `next`. */
export interface Edge {
  readonly first: number;
  readonly last: number;
  readonly next: number;
}

/**
 * Of which characters a run is: `any`, or `line`: those from U+0020 on that JSON spells as themselves and that end no line, so without
 * `"`, `\`, U+007F, U+2028 and U+2029.
 */
export type Run = "any" | "line";

export interface Language {
  /** Equal keys: equal languages. Equal languages that were made differently may have different keys. */
  readonly key: string;
  /** −1: the empty language. */
  readonly start: number;
  /** Whatever is read, something completes it. Conservative. */
  readonly open: boolean;
  /** What is accepted stays so, whatever follows. Conservative. */
  readonly lasting: boolean;
  /** The state after the code point; −1: no string of the language goes on so. */
  step(state: number, codePoint: number): number;
  accepts(state: number): boolean;
  /** May nothing follow? Then it accepts. */
  ends(state: number): boolean;
  /** Ascending, disjoint, none of them dead. */
  edges(state: number): readonly Edge[];
  /** May any run of up to `count` code points follow, and still be completed? Conservative: false when unknown. */
  free(state: number, count: number, run?: Run): boolean;
  /** May any string follow? Conservative. */
  universal(state: number): boolean;
  /** A state that allows the same continuations of up to `count` code points, and accepts after the same ones. */
  canonical(state: number, count: number): number;
  /** No fewer code points complete it: a lower bound, exact where all are small. */
  least(state: number): number;
  /** No more code points can follow: an upper bound, often Infinity. */
  most(state: number): number;
}

/** A language that knows the lengths of what may follow. */
export interface Measured extends Language {
  /** Do `min` … `max` further code points complete it, for some string of that length? */
  reaches(state: number, min: number, max: number): boolean;
  /** From no state are more code points needed than this. */
  readonly completion: number;
  /** Is there no longest continuation, whatever the state? */
  readonly endless: boolean;
}
