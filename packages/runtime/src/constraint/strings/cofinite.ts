/**
 * All strings but finitely many. In: a finite language. Out: its complement. Law: whatever was read, something may follow, because only
 * finitely many strings are missing; state 0 is outside the finite language for good.
 */
import { ALL } from "./code-points.ts";
import { keyOf } from "./key.ts";
import type { Edge, Language } from "./language.ts";

const OUTSIDE = 0;

export class CofiniteLanguage implements Language {
  readonly key: string;
  readonly start: number;
  readonly missing: Language;
  readonly #edges = new Map<number, readonly Edge[]>();

  /** @param missing finite, and without some code point after each of its states */
  constructor(missing: Language) {
    this.missing = missing;
    this.key = keyOf("not", [missing.key]);
    this.start = missing.start + 1;
  }

  step(state: number, codePoint: number): number {
    return state === OUTSIDE ? OUTSIDE : this.missing.step(state - 1, codePoint) + 1;
  }

  accepts(state: number): boolean {
    return state === OUTSIDE || !this.missing.accepts(state - 1);
  }

  ends(): boolean {
    return false;
  }

  edges(state: number): readonly Edge[] {
    let edges = this.#edges.get(state);
    if (!edges) {
      edges = state === OUTSIDE ? outside(0, Infinity) : this.#edgesOf(state);
      this.#edges.set(state, edges);
    }
    return edges;
  }

  free(): boolean {
    return true;
  }

  universal(state: number): boolean {
    return state === OUTSIDE;
  }

  canonical(state: number, count: number): number {
    return state === OUTSIDE || this.missing.least(state - 1) > count ? OUTSIDE : state;
  }

  least(state: number): number {
    return this.accepts(state) ? 0 : 1;
  }

  most(): number {
    return Infinity;
  }

  #edgesOf(state: number): Edge[] {
    const edges: Edge[] = [];
    let from = 0;
    for (const { first, last, next } of this.missing.edges(state - 1)) {
      edges.push(...outside(from, first - 1), { first, last, next: next + 1 });
      from = last + 1;
    }
    edges.push(...outside(from, Infinity));
    return edges;
  }
}

function outside(first: number, last: number): Edge[] {
  const edges: Edge[] = [];
  for (let i = 0; i < ALL.length; i += 2) {
    const edge = { first: Math.max(first, ALL[i]!), last: Math.min(last, ALL[i + 1]!), next: OUTSIDE };
    if (edge.first <= edge.last) edges.push(edge);
  }
  return edges;
}
