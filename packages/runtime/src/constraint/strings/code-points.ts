/**
 * Sets of code points, and partitions of all code points into classes that some sets cannot tell apart. In: ranges. Out: ranges, or the
 * number of a code point's class. Law: surrogates belong to no set and to no class.
 */
const LAST_CODE_POINT = 0x10ffff;
const FIRST_SURROGATE = 0xd800;
const AFTER_SURROGATES = 0xe000;
const NO_CLASS = -1;
const ASCII = 128;

/** Disjoint ranges `[first, last, first, last, …]`, ascending, with gaps between them, without surrogates. */
export type CodePointSet = readonly number[];

/** All code points. */
export const ALL: CodePointSet = [0, FIRST_SURROGATE - 1, AFTER_SURROGATES, LAST_CODE_POINT];
export const NONE: CodePointSet = [];

/** The ranges in order, joined where they meet, without surrogates. `pairs`: `[first, last, …]`, any order. */
export function codePointSet(pairs: readonly number[]): CodePointSet {
  const ranges: [number, number][] = [];
  const add = (first: number, last: number) => {
    if (first <= last) ranges.push([first, last]);
  };
  for (let i = 0; i < pairs.length; i += 2) {
    add(pairs[i]!, Math.min(pairs[i + 1]!, FIRST_SURROGATE - 1));
    add(Math.max(pairs[i]!, AFTER_SURROGATES), pairs[i + 1]!);
  }
  ranges.sort((a, b) => a[0] - b[0]);
  const set: number[] = [];
  for (const [first, last] of ranges) {
    if (set.length > 0 && first <= set.at(-1)! + 1) set[set.length - 1] = Math.max(set.at(-1)!, last);
    else set.push(first, last);
  }
  return set;
}

/** All code points but these. */
export function without(set: CodePointSet): CodePointSet {
  const pairs: number[] = [];
  let next = 0;
  for (let i = 0; i < set.length; i += 2) {
    pairs.push(next, set[i]! - 1);
    next = set[i + 1]! + 1;
  }
  pairs.push(next, LAST_CODE_POINT);
  return codePointSet(pairs);
}

export function inSet(set: CodePointSet, codePoint: number): boolean {
  for (let i = 0; i < set.length; i += 2) if (codePoint <= set[i + 1]!) return codePoint >= set[i]!;
  return false;
}

/** The code points of a text; undefined when it has a lone surrogate. */
export function codePointsOf(text: string): Int32Array | undefined {
  const found = new Int32Array(text.length);
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const codePoint = text.codePointAt(i)!;
    if (codePoint >= FIRST_SURROGATE && codePoint < AFTER_SURROGATES) return undefined;
    if (codePoint > 0xffff) i++;
    found[count++] = codePoint;
  }
  return found.slice(0, count);
}

/** How many code points are in `first` … `last`. */
export function countOf(first: number, last: number): number {
  const surrogates = Math.min(last, AFTER_SURROGATES - 1) - Math.max(first, FIRST_SURROGATE) + 1;
  return last - first + 1 - Math.max(0, surrogates);
}

/** A partition: intervals, each of a class. */
export class Classes {
  /** How many classes there are. */
  readonly count: number;
  /** Where intervals begin, ascending, from 0. */
  readonly firsts: Int32Array;
  /** The class of each interval; −1: surrogates. */
  readonly ids: Int32Array;
  readonly #ascii = new Int32Array(ASCII);

  constructor(firsts: Int32Array, ids: Int32Array, count: number) {
    this.firsts = firsts;
    this.ids = ids;
    this.count = count;
    for (let codePoint = 0; codePoint < ASCII; codePoint++) this.#ascii[codePoint] = this.#find(codePoint);
  }

  /** The class of a code point, or −1. */
  of(codePoint: number): number {
    return codePoint < ASCII ? this.#ascii[codePoint]! : this.#find(codePoint);
  }

  /** The last code point of an interval. */
  last(interval: number): number {
    return interval + 1 < this.firsts.length ? this.firsts[interval + 1]! - 1 : LAST_CODE_POINT;
  }

  /** The classes that have a code point in the set. */
  touching(set: CodePointSet): number[] {
    const found = new Set<number>();
    let at = 0;
    for (let interval = 0; interval < this.firsts.length; interval++) {
      while (at < set.length && set[at + 1]! < this.firsts[interval]!) at += 2;
      if (at < set.length && set[at]! <= this.last(interval) && this.ids[interval] !== NO_CLASS) found.add(this.ids[interval]!);
    }
    return [...found];
  }

  #find(codePoint: number): number {
    const { firsts } = this;
    let low = 0;
    let high = firsts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (firsts[middle]! <= codePoint) low = middle;
      else high = middle;
    }
    return this.ids[low]!;
  }
}

/** The coarsest partition that every set is a union of classes of; and which classes each set has. */
export function classesOf(sets: readonly CodePointSet[]): { readonly classes: Classes; readonly members: readonly (readonly number[])[] } {
  // At each boundary: the sets that begin or end there.
  const changes = new Map<number, number[]>([
    [0, []],
    [FIRST_SURROGATE, []],
    [AFTER_SURROGATES, []],
  ]);
  const change = (at: number, set: number) => {
    if (at > LAST_CODE_POINT) return;
    const there = changes.get(at);
    if (there) there.push(set);
    else changes.set(at, [set]);
  };
  sets.forEach((set, index) => {
    for (let i = 0; i < set.length; i += 2) {
      change(set[i]!, index);
      change(set[i + 1]! + 1, index);
    }
  });
  const firsts = [...changes.keys()].sort((a, b) => a - b);
  const inside = new Set<number>();
  const known = new Map<string, number>();
  const members: number[][] = sets.map(() => []);
  const ids = firsts.map((first) => {
    for (const set of changes.get(first)!) if (!inside.delete(set)) inside.add(set);
    if (first >= FIRST_SURROGATE && first < AFTER_SURROGATES) return NO_CLASS;
    const signature = [...inside].sort((a, b) => a - b).join();
    let id = known.get(signature);
    if (id === undefined) {
      id = known.size;
      known.set(signature, id);
      for (const set of inside) members[set]!.push(id);
    }
    return id;
  });
  return { classes: new Classes(Int32Array.from(firsts), Int32Array.from(ids), known.size), members };
}

/** The partition that tells apart what `a` or `b` does, and the classes of both for each of its classes. */
export function refine(a: Classes, b: Classes): { readonly classes: Classes; readonly pairs: readonly (readonly [number, number])[] } {
  const firsts: number[] = [];
  const ids: number[] = [];
  const pairs: [number, number][] = [];
  const known = new Map<number, number>();
  for (let i = 0, j = 0; i < a.firsts.length || j < b.firsts.length;) {
    const inA = a.firsts[i] ?? Infinity;
    const inB = b.firsts[j] ?? Infinity;
    if (inA <= inB) i++;
    if (inB <= inA) j++;
    const [idA, idB] = [a.ids[i - 1]!, b.ids[j - 1]!];
    firsts.push(Math.min(inA, inB));
    if (idA === NO_CLASS) {
      ids.push(NO_CLASS);
      continue;
    }
    const key = idA * b.count + idB;
    let id = known.get(key);
    if (id === undefined) {
      id = pairs.push([idA, idB]) - 1;
      known.set(key, id);
    }
    ids.push(id);
  }
  return { classes: new Classes(Int32Array.from(firsts), Int32Array.from(ids), pairs.length), pairs };
}
