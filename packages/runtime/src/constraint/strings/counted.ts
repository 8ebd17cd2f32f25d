/**
 * A language within bounds of length. In: a language that knows the lengths of what may follow, and bounds in code points. Out: states
 * that know what is still missing and what is left. Law: counting is arithmetic, so a million code points cost no more than ten.
 */
import { ConstraintError } from "../../errors.ts";
import type { Where } from "../where.ts";
import { Dfa, EVERY_STRING, NO_STRING } from "./dfa.ts";
import { keyOf } from "./key.ts";
import { MAX_STATES, type Edge, type Language, type Measured, type Run } from "./language.ts";
import { LengthsTooLarge } from "./lengths.ts";
import { Pairs } from "./pairs.ts";

/** Counts from here on are without limit: no text of tens of millions of code points is ever read. */
const UNLIMITED = MAX_STATES - 1;

/** Code points, both included. */
export interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** Strings of `min` … `max` code points; `max` may be Infinity. */
export function length(min: number, max: number): Language {
  // Every length can be reached, so nothing has to be looked for and no place in a schema can be at fault.
  return counted(EVERY_STRING, { min, max }, { subject: "length", pointer: "" });
}

/**
 * The strings of `language` within the bounds.
 * @throws ConstraintError constraint/too-large
 */
export function counted(language: Measured, bounds: Bounds, where: Where): Language {
  const min = Math.max(0, Math.ceil(bounds.min));
  const max = bounds.max >= UNLIMITED ? Infinity : Math.floor(bounds.max);
  if (language.start < 0 || min > max || min === Infinity) return NO_STRING;
  if (language.least(language.start) >= min && language.most(language.start) <= max) return language;
  try {
    if (language instanceof Dfa) language.prepare(min, max);
    if (!language.reaches(language.start, min, max)) return NO_STRING;
    return new CountedLanguage(language, { min, max });
  } catch (error) {
    if (!(error instanceof LengthsTooLarge)) throw error;
    throw new ConstraintError("constraint/too-large", `${where.subject}: which lengths are possible at '${where.pointer}' cannot be told`, {
      pointer: where.pointer,
      hint: "give the pattern its own counts instead of `minLength` and `maxLength`",
      cause: error,
    });
  }
}

export class CountedLanguage implements Language {
  readonly open = false;
  readonly lasting = false;
  readonly key: string;
  readonly start: number;
  readonly language: Measured;
  readonly bounds: Bounds;
  /** What is missing, and what is left. */
  readonly #counts = new Pairs();
  /** By counts: those one code point later. */
  readonly #later: number[] = [];
  /** A state of the language, and of the counts. */
  readonly #states = new Pairs();
  readonly #edges = new Map<number, readonly Edge[]>();

  constructor(language: Measured, bounds: Bounds) {
    this.language = language;
    this.bounds = bounds;
    this.key = keyOf(`length ${bounds.min} ${bounds.max}`, [language.key]);
    this.start = this.#intern(language.start, bounds.min, bounds.max);
  }

  step(state: number, codePoint: number): number {
    const next = this.language.step(this.#inner(state), codePoint);
    return next < 0 ? -1 : this.#after(state, next);
  }

  accepts(state: number): boolean {
    return this.#missing(state) === 0 && this.language.accepts(this.#inner(state));
  }

  ends(state: number): boolean {
    return this.accepts(state) && this.edges(state).length === 0;
  }

  edges(state: number): readonly Edge[] {
    let edges = this.#edges.get(state);
    if (!edges) {
      edges = this.language
        .edges(this.#inner(state))
        .map((edge) => ({ ...edge, next: this.#after(state, edge.next) }))
        .filter(({ next }) => next >= 0);
      this.#edges.set(state, edges);
    }
    return edges;
  }

  free(state: number, count: number, run: Run = "any"): boolean {
    const inner = this.#inner(state);
    const left = this.#left(state);
    if (left < count || !this.language.free(inner, count, run)) return false;
    if (this.language.universal(inner)) return true;
    if (left === Infinity) return this.language.endless;
    return this.#missing(state) === 0 && left >= count + this.language.completion;
  }

  universal(state: number): boolean {
    return this.#left(state) === Infinity && this.#missing(state) === 0 && this.language.universal(this.#inner(state));
  }

  canonical(state: number, count: number): number {
    const inner = this.#inner(state);
    const missing = this.#missing(state);
    const left = this.#left(state);
    const same = this.language.canonical(inner, count);
    // With one more to spare, counts cannot matter where every length can be reached.
    const spare = count + 1;
    if (this.language.universal(inner)) return this.#intern(same, Math.min(missing, spare), left > spare ? Infinity : left);
    if (left === Infinity && this.language.endless) return this.#intern(same, Math.min(missing, spare), left);
    if (missing === 0 && left > count + this.language.completion) return this.#intern(same, 0, Infinity);
    return state;
  }

  least(state: number): number {
    return Math.max(this.#missing(state), this.language.least(this.#inner(state)));
  }

  most(state: number): number {
    return Math.min(this.#left(state), this.language.most(this.#inner(state)));
  }

  /** The state one code point later, or −1 when no length within the bounds can be reached. */
  #after(state: number, next: number): number {
    const left = this.#left(state) - 1;
    const missing = Math.max(0, this.#missing(state) - 1);
    if (left < 0 || !this.language.reaches(next, missing, left)) return -1;
    return this.#states.intern(next, (this.#later[this.#states.second(state)] ??= this.#count(missing, left)));
  }

  #intern(inner: number, missing: number, left: number): number {
    return this.#states.intern(inner, this.#count(missing, left));
  }

  #count(missing: number, left: number): number {
    return this.#counts.intern(Math.min(missing, UNLIMITED), Math.min(left, UNLIMITED));
  }

  #inner(state: number): number {
    return this.#states.first(state);
  }

  #missing(state: number): number {
    return this.#counts.first(this.#states.second(state));
  }

  #left(state: number): number {
    const left = this.#counts.second(this.#states.second(state));
    return left === UNLIMITED ? Infinity : left;
  }
}
