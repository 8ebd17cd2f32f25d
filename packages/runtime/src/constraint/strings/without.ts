/**
 * A language but for finitely many strings. In: a language of which no string is the last that begins as it does, and a finite one. Out:
 * pairs of their states. Law: whatever was read, something may follow, because only finitely many strings are missing.
 */
import { CountedLanguage } from "./counted.ts";
import { Dfa } from "./dfa.ts";
import { keyOf } from "./key.ts";
import type { Edge, Language, Run } from "./language.ts";
import { overlay } from "./overlay.ts";
import { Pairs } from "./pairs.ts";
import { UnionLanguage } from "./union.ts";

/** Of the finite language: none of its strings can follow any more. */
const OUTSIDE = 0;

export class WithoutLanguage implements Language {
  readonly open = false;
  readonly lasting = false;
  readonly key: string;
  readonly start: number;
  readonly base: Language;
  readonly missing: Language;
  /** A state of the base, and one of the missing plus one. */
  readonly #pairs = new Pairs();
  readonly #edges = new Map<number, readonly Edge[]>();

  /** @param base {@link isEndless} @param missing finite, and without some code point after each of its states */
  constructor(base: Language, missing: Language) {
    this.base = base;
    this.missing = missing;
    this.key = keyOf("without", [base.key, missing.key]);
    this.start = this.#pairs.intern(base.start, missing.start + 1);
  }

  step(state: number, codePoint: number): number {
    const next = this.base.step(this.baseState(state), codePoint);
    if (next < 0) return -1;
    const missing = this.missingState(state);
    return this.#pairs.intern(next, missing < 0 ? OUTSIDE : this.missing.step(missing, codePoint) + 1);
  }

  accepts(state: number): boolean {
    const missing = this.missingState(state);
    return this.base.accepts(this.baseState(state)) && (missing < 0 || !this.missing.accepts(missing));
  }

  ends(): boolean {
    return false;
  }

  edges(state: number): readonly Edge[] {
    let edges = this.#edges.get(state);
    if (!edges) {
      const missing = this.missingState(state);
      edges = overlay(this.base.edges(this.baseState(state)), missing < 0 ? [] : this.missing.edges(missing), (next, other) =>
        next < 0 ? -1 : this.#pairs.intern(next, other + 1),
      );
      this.#edges.set(state, edges);
    }
    return edges;
  }

  free(state: number, count: number, run?: Run): boolean {
    return this.base.free(this.baseState(state), count, run);
  }

  universal(state: number): boolean {
    return this.missingState(state) < 0 && this.base.universal(this.baseState(state));
  }

  canonical(state: number, count: number): number {
    const missing = this.missingState(state);
    if (missing >= 0 && this.missing.least(missing) <= count) return state;
    return this.#pairs.intern(this.base.canonical(this.baseState(state), count), OUTSIDE);
  }

  least(state: number): number {
    return Math.max(this.accepts(state) ? 0 : 1, this.base.least(this.baseState(state)));
  }

  most(): number {
    return Infinity;
  }

  /** Where the base is. */
  baseState(state: number): number {
    return this.#pairs.first(state);
  }

  /** Where the missing strings are; −1 when none of them can follow any more. */
  missingState(state: number): number {
    return this.#pairs.second(state) - 1;
  }
}

/** May infinitely many strings follow, whatever was read? Conservative. */
export function isEndless(language: Language): boolean {
  if (language instanceof Dfa) return language.start >= 0 && language.endless;
  if (language instanceof CountedLanguage) return language.bounds.max === Infinity && language.language.endless;
  if (language instanceof UnionLanguage) return isEndless(language.a) && isEndless(language.b);
  return language instanceof WithoutLanguage;
}
