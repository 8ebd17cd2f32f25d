/** Edges of two automata side by side. In: two lists. Out: one. Law: ascending and disjoint like its sources, equal neighbours joined. */
import type { Edge } from "./language.ts";

/** `join` gets the two next states, −1 where there is none, and says where both together lead; −1: nowhere. */
export function overlay(a: readonly Edge[], b: readonly Edge[], join: (nextA: number, nextB: number) => number): Edge[] {
  const edges: { first: number; last: number; next: number }[] = [];
  const add = (first: number, last: number, next: number) => {
    if (next < 0) return;
    const previous = edges.at(-1);
    if (previous && previous.next === next && previous.last === first - 1) previous.last = last;
    else edges.push({ first, last, next });
  };
  let at = 0;
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    const one = a[i];
    const other = b[j];
    const inOne = one !== undefined && one.first <= at;
    const inOther = other !== undefined && other.first <= at;
    // Up to the next place where an edge begins or ends.
    const last = Math.min(end(one, at), end(other, at));
    if (inOne || inOther) add(at, last, join(inOne ? one.next : -1, inOther ? other.next : -1));
    at = last + 1;
    if (one && one.last < at) i++;
    if (other && other.last < at) j++;
  }
  return edges;
}

/** The last place before one where an edge begins or ends. */
function end(edge: Edge | undefined, at: number): number {
  if (!edge) return Infinity;
  return edge.first <= at ? edge.last : edge.first - 1;
}
