/**
 * Equal states of a table as one. In: a trimmed table. Out: a table of the same language, the smallest unless that would take long.
 * Law: states are told apart by what they accept after 0, 1, 2, … classes (Moore), until no more are.
 */
import { Pairs } from "./pairs.ts";
import type { Table } from "./table.ts";

/** Cells that are looked at in all: some hundredths of a second. */
const MAX_VISITS = 400_000;
/** Cells of a table that is worth beginning with. */
const MAX_CELLS = MAX_VISITS / 8;

export function minimized(table: Table): Table {
  const { accepting, classes, next } = table;
  const { count } = classes;
  const size = accepting.length;
  if (next.length > MAX_CELLS) return table;
  let blocks = Int32Array.from(accepting);
  let known = new Set(blocks).size;
  for (let visits = next.length; ; visits += next.length) {
    if (visits > MAX_VISITS) return table;
    const finer = new Int32Array(size);
    const numbers = new Map<number, number>();
    const rows = new Pairs();
    for (let state = 0; state < size; state++) {
      let row = rows.intern(0, blocks[state]! + 1);
      for (let id = 0; id < count; id++) {
        const to = next[state * count + id]!;
        row = rows.intern(row + 1, to < 0 ? 0 : blocks[to]! + 1);
      }
      if (!numbers.has(row)) numbers.set(row, numbers.size);
      finer[state] = numbers.get(row)!;
    }
    blocks = finer;
    if (numbers.size === known) break;
    known = numbers.size;
  }
  if (known === size) return table;
  const rows = new Int32Array(known * count);
  const accepts = new Uint8Array(known);
  blocks.forEach((block, state) => {
    accepts[block] = accepting[state]!;
    for (let id = 0; id < count; id++) {
      const to = next[state * count + id]!;
      rows[block * count + id] = to < 0 ? to : blocks[to]!;
    }
  });
  return { classes, next: rows, accepting: accepts, start: blocks[table.start]! };
}
