/** Strings of one language or the other. In: two languages. Out: pairs of their states. Law: a pair lives while one of the two does. */
import { keyOf } from "./key.ts";
import type { Edge, Language, Run } from "./language.ts";
import { overlay } from "./overlay.ts";
import { Pairs } from "./pairs.ts";

export class UnionLanguage implements Language {
  readonly key: string;
  readonly start: number;
  readonly a: Language;
  readonly b: Language;
  readonly open: boolean;
  readonly lasting: boolean;
  /** States plus one; 0: that one is dead. */
  readonly #pairs = new Pairs();
  readonly #edges = new Map<number, readonly Edge[]>();

  /** @param a not empty, as `b` */
  constructor(a: Language, b: Language) {
    this.a = a;
    this.b = b;
    this.open = a.open || b.open;
    this.lasting = a.lasting && b.lasting;
    this.key = keyOf("or", [a.key, b.key]);
    this.start = this.#intern(a.start, b.start);
  }

  step(state: number, codePoint: number): number {
    const [a, b] = this.#states(state);
    const nextA = a < 0 ? -1 : this.a.step(a, codePoint);
    const nextB = b < 0 ? -1 : this.b.step(b, codePoint);
    return nextA < 0 && nextB < 0 ? -1 : this.#intern(nextA, nextB);
  }

  accepts(state: number): boolean {
    return this.#some(state, (language, one) => language.accepts(one));
  }

  ends(state: number): boolean {
    return !this.#some(state, (language, one) => !language.ends(one));
  }

  edges(state: number): readonly Edge[] {
    let edges = this.#edges.get(state);
    if (!edges) {
      const [a, b] = this.#states(state);
      edges = overlay(a < 0 ? [] : this.a.edges(a), b < 0 ? [] : this.b.edges(b), (nextA, nextB) =>
        nextA < 0 && nextB < 0 ? -1 : this.#intern(nextA, nextB),
      );
      this.#edges.set(state, edges);
    }
    return edges;
  }

  free(state: number, count: number, run: Run = "any"): boolean {
    return this.#some(state, (language, one) => language.free(one, count, run));
  }

  universal(state: number): boolean {
    return this.#some(state, (language, one) => language.universal(one));
  }

  canonical(state: number, count: number): number {
    const [a, b] = this.#states(state);
    if (a >= 0 && this.a.universal(a)) return this.#intern(this.a.canonical(a, count), -1);
    if (b >= 0 && this.b.universal(b)) return this.#intern(-1, this.b.canonical(b, count));
    return this.#intern(a < 0 ? a : this.a.canonical(a, count), b < 0 ? b : this.b.canonical(b, count));
  }

  least(state: number): number {
    return Math.min(...this.#each(state, (language, one) => language.least(one)));
  }

  most(state: number): number {
    return Math.max(...this.#each(state, (language, one) => language.most(one)));
  }

  #states(state: number): readonly [number, number] {
    return [this.#pairs.first(state) - 1, this.#pairs.second(state) - 1];
  }

  #intern(a: number, b: number): number {
    return this.#pairs.intern(a + 1, b + 1);
  }

  #some(state: number, holds: (language: Language, one: number) => boolean): boolean {
    const [a, b] = this.#states(state);
    return (a >= 0 && holds(this.a, a)) || (b >= 0 && holds(this.b, b));
  }

  #each(state: number, read: (language: Language, one: number) => number): number[] {
    const [a, b] = this.#states(state);
    return [...(a < 0 ? [] : [read(this.a, a)]), ...(b < 0 ? [] : [read(this.b, b)])];
  }
}
