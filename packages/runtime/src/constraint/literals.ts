/**
 * A list of exact spellings as one terminal: thousands of enum values cost one state per step taken. In: runs of symbols.
 * Law: a state stands for a range of the sorted list that shares its first symbols.
 */
import type { Symbol, Terminal } from "./part.ts";
import type { PartPosition } from "./position.ts";

interface Range {
  readonly first: number;
  readonly end: number;
  readonly depth: number;
}

/** A list that tells which of its spellings was read. */
export interface Spellings extends Terminal {
  /** The place in the list of the spelling that ends in a state. */
  read(state: number): number;
}

/** Any one of `list`; at least one, none empty. */
export function spellings(list: readonly (readonly Symbol[])[], position: PartPosition = "structure"): Spellings {
  const ordered = list.map((spelling, place) => ({ symbols: Int32Array.from(spelling), place })).sort(compare);
  const sorted = ordered.map(({ symbols }) => symbols);
  const ranges: Range[] = [{ first: 0, end: sorted.length, depth: 0 }];
  const known = new Map<string, number>();

  function at(index: number, depth: number): number {
    return sorted[index]![depth] ?? -1;
  }

  /** First index in the range whose symbol at the range's depth is at least `symbol`. */
  function lowerBound({ first, end, depth }: Range, symbol: number): number {
    let low = first;
    let high = end;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (at(middle, depth) < symbol) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function intern(range: Range): number {
    const key = `${range.first},${range.end},${range.depth}`;
    let state = known.get(key);
    if (state === undefined) {
      state = ranges.push(range) - 1;
      known.set(key, state);
    }
    return state;
  }

  // A spelling that ends at the range's depth sorts first: its symbol there reads −1.
  const accepts = (state: number) => at(ranges[state]!.first, ranges[state]!.depth) === -1;
  const lastSymbol = (state: number) => at(ranges[state]!.end - 1, ranges[state]!.depth);

  return {
    kind: "terminal",
    position,
    start: 0,
    accepts,
    step(state, symbol) {
      const range = ranges[state]!;
      const first = lowerBound(range, symbol);
      const end = lowerBound({ ...range, first }, symbol + 1);
      return first === end ? -1 : intern({ first, end, depth: range.depth + 1 });
    },
    ends: (state) => lastSymbol(state) === -1,
    only(state) {
      const range = ranges[state]!;
      const last = lastSymbol(state);
      return at(lowerBound(range, 0), range.depth) === last ? last : -1;
    },
    controls(state) {
      const range = ranges[state]!;
      const found: Symbol[] = [];
      for (let i = lowerBound(range, 0x100); i < range.end; i = lowerBound(range, found.at(-1)! + 1)) found.push(at(i, range.depth));
      return found;
    },
    canonical: (state) => state,
    free: () => undefined,
    read: (state) => ordered[ranges[state]!.first]!.place,
  };
}

function compare({ symbols: a }: { readonly symbols: Int32Array }, { symbols: b }: { readonly symbols: Int32Array }): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}
