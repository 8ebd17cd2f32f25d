/**
 * The substrings of a text: quotes that must exist, edit targets that must be unambiguous. In: a text. Out: a language.
 * Law: a state stands for the suffixes that begin with what was read; the empty string is in neither language.
 */
import { keyOf } from "./key.ts";
import { NO_STRING } from "./dfa.ts";
import type { Edge, Language, Measured } from "./language.ts";
import { sharedWithPrevious, suffixArray } from "./suffix-array.ts";

/** Stands for a lone surrogate in the text: no code point leads past it. */
const BREAK = -2;

/** Every non-empty substring of the text. */
export function substringOf(text: string): Language {
  const suffixes = new Suffixes(text);
  return suffixes.stretch.some((length) => length > 0) ? new SubstringLanguage(keyOf("substring", [text]), suffixes, 0) : NO_STRING;
}

/** Every non-empty string that occurs exactly once in the text; overlapping occurrences count. */
export function uniqueSubstringOf(text: string): Language {
  const suffixes = new Suffixes(text);
  const language = new SubstringLanguage(keyOf("unique substring", [text]), suffixes, 1);
  return language.start < 0 ? NO_STRING : language;
}

class Suffixes {
  readonly text: Int32Array;
  readonly order: Int32Array;
  /** By place in the order: code points up to the end or a lone surrogate. */
  readonly stretch: Int32Array;
  /** By place in the order: the fewest code points that no other suffix begins with. */
  readonly unique: Int32Array;

  constructor(text: string) {
    this.text = Int32Array.from(text, (character) => {
      const codePoint = character.codePointAt(0)!;
      return codePoint >= 0xd800 && codePoint < 0xe000 ? BREAK : codePoint;
    });
    this.order = suffixArray(this.text);
    const stretchAt = new Int32Array(this.text.length + 1);
    for (let at = this.text.length - 1; at >= 0; at--) stretchAt[at] = this.text[at] === BREAK ? 0 : stretchAt[at + 1]! + 1;
    this.stretch = this.order.map((at) => stretchAt[at]!);
    const shared = sharedWithPrevious(this.text, this.order);
    this.unique = this.order.map((_, i) => Math.max(shared[i]!, shared[i + 1]!) + 1);
  }
}

interface Range {
  readonly first: number;
  readonly end: number;
  readonly depth: number;
  edges: readonly Edge[] | undefined;
  most: number | undefined;
}

export class SubstringLanguage implements Measured {
  readonly open = false;
  readonly lasting = false;
  readonly key: string;
  readonly start: number;
  readonly endless = false;
  readonly #suffixes: Suffixes;
  /** By place in the order: the fewest code points of the suffix that are a member; more than it has: none are. */
  readonly #fewest: (place: number) => number;
  /** How many suffixes before each place have a member. */
  readonly #useful: Int32Array;
  readonly #ranges: Range[] = [];
  readonly #known = new Map<number, Map<number, number>>();

  /** @param occurrences 0: any number, 1: exactly one */
  constructor(key: string, suffixes: Suffixes, occurrences: 0 | 1) {
    this.key = key;
    this.#suffixes = suffixes;
    this.#fewest = occurrences === 0 ? () => 1 : (place) => suffixes.unique[place]!;
    this.#useful = new Int32Array(suffixes.order.length + 1);
    suffixes.stretch.forEach((length, i) => (this.#useful[i + 1] = this.#useful[i]! + (this.#fewest(i) <= length ? 1 : 0)));
    this.start = this.#intern(0, suffixes.order.length, 0);
  }

  get completion(): number {
    return this.#suffixes.order.length;
  }

  step(state: number, codePoint: number): number {
    const { first, end, depth } = this.#ranges[state]!;
    const from = this.#lowerBound(first, end, depth, codePoint);
    return this.#intern(from, this.#lowerBound(from, end, depth, codePoint + 1), depth + 1);
  }

  /** Suffixes that share what was read are all members here, or there is only one. */
  accepts(state: number): boolean {
    const { first, depth } = this.#ranges[state]!;
    return depth >= this.#fewest(first);
  }

  ends(state: number): boolean {
    return this.edges(state).length === 0;
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
    return this.accepts(state) ? 0 : 1;
  }

  most(state: number): number {
    const range = this.#ranges[state]!;
    if (range.most === undefined) {
      range.most = 0;
      for (let i = range.first; i < range.end; i++) range.most = Math.max(range.most, this.#suffixes.stretch[i]! - range.depth);
    }
    return range.most;
  }

  reaches(state: number, min: number, max: number): boolean {
    const { first, end, depth } = this.#ranges[state]!;
    for (let i = first; i < end; i++)
      if (Math.max(min, this.#fewest(i) - depth) <= Math.min(max, this.#suffixes.stretch[i]! - depth)) return true;
    return false;
  }

  #edgesOf({ first, end, depth }: Range): Edge[] {
    const { order, text } = this.#suffixes;
    const edges: Edge[] = [];
    for (let from = this.#lowerBound(first, end, depth, 0); from < end;) {
      const codePoint = text[order[from]! + depth]!;
      const to = this.#lowerBound(from, end, depth, codePoint + 1);
      const next = this.#intern(from, to, depth + 1);
      if (next >= 0) edges.push({ first: codePoint, last: codePoint, next });
      from = to;
    }
    return edges;
  }

  /** The first place whose code point at `depth` is at least this one. */
  #lowerBound(first: number, end: number, depth: number, codePoint: number): number {
    const { order, text } = this.#suffixes;
    let low = first;
    let high = end;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((text[order[middle]! + depth] ?? -1) < codePoint) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The state of the suffixes that share `depth` code points; −1 when none of them has a member. */
  #intern(first: number, end: number, depth: number): number {
    if (this.#useful[end]! === this.#useful[first]!) return -1;
    let depths = this.#known.get(first);
    if (!depths) {
      depths = new Map();
      this.#known.set(first, depths);
    }
    let state = depths.get(depth);
    if (state === undefined) {
      state = this.#ranges.push({ first, end, depth, edges: undefined, most: undefined }) - 1;
      depths.set(depth, state);
    }
    return state;
  }
}
