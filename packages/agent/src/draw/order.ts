/**
 * The order within layers. In: items, each in a layer and joined with some of the layers above and below. Out: rows of items with few
 * crossings of arrows. Law: barycentres up and down, then neighbours change places while that helps; the best order seen is kept.
 */
import type { Item } from "./layered.ts";

const STARTS = 8;
const SWEEPS = 24;

export function ordered(items: readonly Item[]): number[][] {
  let best: number[][] = [];
  let fewest = Infinity;
  for (let start = 0; start < STARTS && fewest > 0; start++) {
    let rows = firstOrder(items, start);
    for (let sweep = 0; sweep <= SWEEPS && fewest > 0; sweep++) {
      const count = crossings(items, rows);
      if (count < fewest) [best, fewest] = [rows, count];
      rows = transposed(items, swept(items, rows, sweep % 2 === 0));
    }
  }
  return best;
}

/** As a walk from the first item finds them; each start goes through neighbours in another order. */
function firstOrder(items: readonly Item[], start: number): number[][] {
  const rows: number[][] = Array.from({ length: 1 + Math.max(-1, ...items.map(({ layer }) => layer)) }, () => []);
  const seen = new Set<number>();
  const visit = (index: number): void => {
    if (seen.has(index)) return;
    seen.add(index);
    const item = items[index]!;
    rows[item.layer]!.push(index);
    const near = [...item.down, ...item.up];
    const turned = start % 2 === 0 ? near : near.toReversed();
    for (const i of turned.keys()) visit(turned[(i + (start >> 1)) % turned.length]!);
  };
  for (const index of items.keys()) visit(index);
  return rows;
}

function swept(items: readonly Item[], rows: readonly (readonly number[])[], down: boolean): number[][] {
  const next = rows.map((row) => [...row]);
  const places = placesOf(next, items.length);
  const layers = next.map((_, layer) => layer);
  for (const layer of down ? layers.slice(1) : layers.slice(0, -1).toReversed()) {
    const centre = new Map(
      next[layer]!.map((index, place) => {
        const near = down ? items[index]!.up : items[index]!.down;
        return [index, near.length === 0 ? place : near.reduce((sum, other) => sum + places[other]!, 0) / near.length];
      }),
    );
    next[layer]!.sort((a, b) => centre.get(a)! - centre.get(b)! || places[a]! - places[b]!);
    for (const [place, index] of next[layer]!.entries()) places[index] = place;
  }
  return next;
}

function transposed(items: readonly Item[], rows: readonly number[][]): number[][] {
  const next = rows.map((row) => [...row]);
  const places = placesOf(next, items.length);
  for (let improved = true; improved;) {
    improved = false;
    for (const row of next)
      for (let i = 1; i < row.length; i++) {
        const [a, b] = [row[i - 1]!, row[i]!];
        if (between(items, places, a, b) <= between(items, places, b, a)) continue;
        row[i - 1] = b;
        row[i] = a;
        [places[a], places[b]] = [i, i - 1];
        improved = true;
      }
  }
  return next;
}

/** Crossings of the arrows of two neighbours, the left one first. */
function between(items: readonly Item[], places: readonly number[], left: number, right: number): number {
  let count = 0;
  for (const side of ["up", "down"] as const)
    for (const a of items[left]![side]) for (const b of items[right]![side]) if (places[a]! > places[b]!) count++;
  return count;
}

function crossings(items: readonly Item[], rows: readonly (readonly number[])[]): number {
  const places = placesOf(rows, items.length);
  let count = 0;
  for (const row of rows)
    for (let i = 0; i < row.length; i++)
      for (let j = i + 1; j < row.length; j++)
        for (const a of items[row[i]!]!.down) for (const b of items[row[j]!]!.down) if (places[a]! > places[b]!) count++;
  return count;
}

function placesOf(rows: readonly (readonly number[])[], count: number): number[] {
  const places = Array.from({ length: count }, () => 0);
  for (const row of rows) for (const [place, index] of row.entries()) places[index] = place;
  return places;
}
