/** Rows of automata. In: states by columns. Out: the same, turned round. Law: rows here need not be trimmed. */
import type { Classes } from "./code-points.ts";

/** Rows of an automaton that may have dead or unreachable states. */
export interface Table {
  readonly classes: Classes;
  /** `classes.count` columns a state; −1: dead. */
  readonly next: Int32Array;
  readonly accepting: Uint8Array;
  readonly start: number;
}

/** Who leads to a state: those of `state` stand in `from` from `start[state]` on. */
export interface Reversed {
  readonly start: Int32Array;
  readonly from: Int32Array;
}

/** The edges of the columns, turned round. `among`: only these columns; all when left out. */
export function reversed(states: number, columns: number, next: Int32Array, among?: readonly number[]): Reversed {
  const start = new Int32Array(states + 1);
  const ids = among ?? Array.from({ length: columns }, (_, id) => id);
  const each = (visit: (from: number, to: number) => void) => {
    for (let state = 0; state < states; state++)
      for (const id of ids) {
        const to = next[state * columns + id]!;
        if (to >= 0) visit(state, to);
      }
  };
  each((_, to) => void start[to + 1]!++);
  for (let state = 0; state < states; state++) start[state + 1]! += start[state]!;
  const place = start.slice();
  const from = new Int32Array(start[states]!);
  each((state, to) => void (from[place[to]!++] = state));
  return { start, from };
}
