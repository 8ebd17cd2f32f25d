/**
 * A list of strings as a language: fifty thousand values cost one state per step taken. In: strings. Out: states.
 * Law: a state stands for the range of the sorted list that shares its first code points.
 */
import { codePointsOf } from "./code-points.ts";
import { keyOf } from "./key.ts";
import type { Edge, Language } from "./language.ts";

interface Range {
  readonly first: number;
  readonly end: number;
  readonly depth: number;
  edges: readonly Edge[] | undefined;
  least: number;
  most: number;
}

export class ListLanguage implements Language {
  readonly open = false;
  readonly lasting = false;
  readonly key: string;
  readonly start = 0;
  /** The strings, in order of their code points, each once. */
  readonly members: readonly string[];
  readonly #sorted: readonly Int32Array[];
  readonly #ranges: Range[] = [];
  readonly #known = new Map<number, number>();

  /** @param list at least one string, none with a lone surrogate */
  constructor(list: readonly string[]) {
    const members = [...new Set(list)];
    // UTF-16 units and code points order strings alike, unless there are surrogates.
    if (members.some((text) => /[\ud800-\udfff]/.test(text))) members.sort((a, b) => compare(codePointsOf(a)!, codePointsOf(b)!));
    else members.sort();
    this.members = members;
    this.#sorted = members.map((text) => codePointsOf(text)!);
    this.key = keyOf("strings", this.members);
    this.#intern(0, this.#sorted.length, 0);
  }

  /** Code points of all strings together. */
  get length(): number {
    return this.#sorted.reduce((sum, one) => sum + one.length, 0);
  }

  step(state: number, codePoint: number): number {
    const { first, end, depth } = this.#ranges[state]!;
    const from = this.#lowerBound(first, end, depth, codePoint);
    const to = this.#lowerBound(from, end, depth, codePoint + 1);
    return from === to ? -1 : this.#intern(from, to, depth + 1);
  }

  /** A string that ends at the range's depth sorts first. */
  accepts(state: number): boolean {
    const { first, depth } = this.#ranges[state]!;
    return this.#sorted[first]!.length === depth;
  }

  ends(state: number): boolean {
    const { end, depth } = this.#ranges[state]!;
    return this.#sorted[end - 1]!.length === depth;
  }

  edges(state: number): readonly Edge[] {
    const range = this.#ranges[state]!;
    return (range.edges ??= this.#edgesOf(range));
  }

  free(_state: number, count: number): boolean {
    return count === 0;
  }

  universal(): boolean {
    return false;
  }

  canonical(state: number): number {
    return state;
  }

  least(state: number): number {
    return this.#measured(state).least;
  }

  most(state: number): number {
    return this.#measured(state).most;
  }

  #measured(state: number): Range {
    const range = this.#ranges[state]!;
    if (range.most >= 0) return range;
    range.least = Infinity;
    for (let i = range.first; i < range.end; i++) {
      const length = this.#sorted[i]!.length - range.depth;
      range.least = Math.min(range.least, length);
      range.most = Math.max(range.most, length);
    }
    return range;
  }

  #edgesOf({ first, end, depth }: Range): Edge[] {
    const edges: Edge[] = [];
    for (let from = this.#lowerBound(first, end, depth, 0); from < end;) {
      const codePoint = this.#sorted[from]![depth]!;
      const to = this.#lowerBound(from, end, depth, codePoint + 1);
      edges.push({ first: codePoint, last: codePoint, next: this.#intern(from, to, depth + 1) });
      from = to;
    }
    return edges;
  }

  /** The first index whose code point at `depth` is at least this one. */
  #lowerBound(first: number, end: number, depth: number, codePoint: number): number {
    let low = first;
    let high = end;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#sorted[middle]![depth] ?? -1) < codePoint) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** A range and its depth: the first string has at least `depth` code points, so two numbers name them. */
  #intern(first: number, end: number, depth: number): number {
    // Ranges with one first string and one depth are equal: the prefix decides where they end.
    const key = depth * 2 ** 26 + first;
    let state = this.#known.get(key);
    if (state === undefined) {
      state = this.#ranges.push({ first, end, depth, edges: undefined, least: -1, most: -1 }) - 1;
      this.#known.set(key, state);
    }
    return state;
  }
}

function compare(a: Int32Array, b: Int32Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}
