/** Two tables as one. In: automata. Out: their union or intersection, or undefined when it would be too large. */
import { refine } from "./code-points.ts";
import { dfaOf, type Dfa } from "./dfa.ts";
import { keyOf } from "./key.ts";
import { Pairs } from "./pairs.ts";

/** States of a table; larger products are built lazily. */
const MAX_ROWS = 20_000;
/** Cells of a table. */
const MAX_CELLS = 2_000_000;

const DEAD = -1;

/** `and`: strings of both; `or`: of one at least. */
export function combined(a: Dfa, b: Dfa, operation: "and" | "or"): Dfa | undefined {
  const { classes, pairs } = refine(a.table.classes, b.table.classes);
  const both = operation === "and";
  const states = new Pairs();
  states.intern(a.start + 1, b.start + 1);
  const next: number[] = [];
  const accepting: number[] = [];
  const follow = (dfa: Dfa, state: number, id: number) => (state < 0 ? DEAD : dfa.table.next[state * dfa.table.classes.count + id]!);
  for (let state = 0; state < states.size; state++) {
    if (state >= MAX_ROWS || next.length > MAX_CELLS) return undefined;
    const inA = states.first(state) - 1;
    const inB = states.second(state) - 1;
    const acceptsA = inA >= 0 && a.accepts(inA);
    const acceptsB = inB >= 0 && b.accepts(inB);
    accepting.push((both ? acceptsA && acceptsB : acceptsA || acceptsB) ? 1 : 0);
    for (const [idA, idB] of pairs) {
      const toA = follow(a, inA, idA);
      const toB = follow(b, inB, idB);
      const dead = both ? toA < 0 || toB < 0 : toA < 0 && toB < 0;
      next.push(dead ? DEAD : states.intern(toA + 1, toB + 1));
    }
  }
  return dfaOf(keyOf(operation, [a.key, b.key]), {
    classes,
    next: Int32Array.from(next),
    accepting: Uint8Array.from(accepting),
    start: 0,
  });
}
