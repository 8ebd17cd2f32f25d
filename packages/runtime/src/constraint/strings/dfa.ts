/**
 * A language as a table: one row for each state, one column for each class of code points. In: rows. Out: a trimmed automaton.
 * Law: every row is reachable from the first state and can be completed; −1 stands for what may not follow.
 */
import { ALL, classesOf, codePointSet, without, type CodePointSet } from "./code-points.ts";
import { DfaFacts } from "./dfa-facts.ts";
import { keyOf } from "./key.ts";
import type { Edge, Measured, Run } from "./language.ts";
import { minimized } from "./minimize.ts";
import { reversed, type Table } from "./table.ts";

const DEAD = -1;

/** What {@link Run} `line` is made of. */
const LINE: CodePointSet = without(codePointSet([0, 0x1f, 0x22, 0x22, 0x5c, 0x5c, 0x7f, 0x7f, 0x2028, 0x2029]));

export class Dfa implements Measured {
  readonly key: string;
  readonly start: number;
  readonly table: Table;
  readonly #facts: DfaFacts;
  readonly #edges: (readonly Edge[] | undefined)[] = [];
  readonly #freedom = new Map<Run, Float64Array>();
  /** By run: the classes that have one of its characters. */
  readonly #among: Partial<Record<Run, readonly number[]>> = {};

  /** @param table trimmed: see {@link dfaOf} */
  constructor(key: string, table: Table) {
    this.key = key;
    this.table = table;
    this.start = table.start;
    this.#facts = new DfaFacts(table);
  }

  /** How many states there are. */
  get size(): number {
    return this.table.accepting.length;
  }

  get completion(): number {
    return this.#facts.completion;
  }

  get endless(): boolean {
    return this.#facts.endless;
  }

  get open(): boolean {
    return this.#facts.open;
  }

  get lasting(): boolean {
    return this.#facts.lasting;
  }

  step(state: number, codePoint: number): number {
    const { classes, next } = this.table;
    const id = classes.of(codePoint);
    return id < 0 ? DEAD : next[state * classes.count + id]!;
  }

  accepts(state: number): boolean {
    return this.table.accepting[state] === 1;
  }

  ends(state: number): boolean {
    const { classes, next } = this.table;
    for (let id = 0; id < classes.count; id++) if (next[state * classes.count + id]! !== DEAD) return false;
    return true;
  }

  edges(state: number): readonly Edge[] {
    return (this.#edges[state] ??= this.#edgesOf(state));
  }

  free(state: number, count: number, run: Run = "any"): boolean {
    const { classes, next } = this.table;
    const among = (this.#among[run] ??= classes.touching(run === "any" ? ALL : LINE));
    // Most states are not free at all: that is seen in their row.
    if (among.some((id) => next[state * classes.count + id]! === DEAD)) return count === 0;
    let freedom = this.#freedom.get(run);
    if (!freedom) {
      freedom = this.#facts.freedom(among);
      this.#freedom.set(run, freedom);
    }
    return freedom[state]! >= count;
  }

  universal(state: number): boolean {
    return this.#facts.universal[state] === 1;
  }

  canonical(state: number): number {
    return state;
  }

  least(state: number): number {
    return this.#facts.least[state]!;
  }

  most(state: number): number {
    return this.#facts.most[state]!;
  }

  reaches(state: number, min: number, max: number): boolean {
    const least = this.least(state);
    const most = this.most(state);
    if (least > max || most < min) return false;
    if (least >= min || most <= max) return true;
    return this.#facts.lengths.reaches(state, min, max);
  }

  /**
   * Computes what {@link reaches} needs for these bounds, so that no later question fails.
   * @throws LengthsTooLarge
   */
  prepare(min: number, max: number): void {
    if (min > 0 && max < Infinity) this.#facts.lengths.prepare(max);
  }

  #edgesOf(state: number): Edge[] {
    const { classes, next } = this.table;
    const edges: Edge[] = [];
    for (let interval = 0; interval < classes.firsts.length; interval++) {
      const id = classes.ids[interval]!;
      const to = id < 0 ? DEAD : next[state * classes.count + id]!;
      if (to === DEAD) continue;
      const previous = edges.at(-1);
      const first = classes.firsts[interval]!;
      if (previous && previous.next === to && previous.last === first - 1)
        edges[edges.length - 1] = { ...previous, last: classes.last(interval) };
      else edges.push({ first, last: classes.last(interval), next: to });
    }
    return edges;
  }
}

/** The automaton of these rows without what is dead or out of reach, and without doubles as far as they are soon found. */
export function dfaOf(key: string, { classes, next, accepting, start }: Table): Dfa {
  const { count } = classes;
  const live = accepting.slice();
  const back = reversed(accepting.length, count, next);
  const open = Array.from(live.keys()).filter((state) => live[state] === 1);
  for (let state = open.pop(); state !== undefined; state = open.pop())
    for (let i = back.start[state]!; i < back.start[state + 1]!; i++) {
      const from = back.from[i]!;
      if (live[from] === 1) continue;
      live[from] = 1;
      open.push(from);
    }
  if (start < 0 || live[start] !== 1) return NO_STRING;
  // Numbered as they are met from the start.
  const place = new Int32Array(accepting.length).fill(DEAD);
  place[start] = 0;
  const order = [start];
  const rows: number[] = [];
  for (let at = 0; at < order.length; at++)
    for (let id = 0; id < count; id++) {
      const to = next[order[at]! * count + id]!;
      if (to < 0 || live[to] !== 1) {
        rows.push(DEAD);
        continue;
      }
      if (place[to] === DEAD) place[to] = order.push(to) - 1;
      rows.push(place[to]!);
    }
  const trimmed = { classes, next: Int32Array.from(rows), accepting: Uint8Array.from(order, (state) => accepting[state]!), start: 0 };
  return new Dfa(key, minimized(trimmed));
}

const { classes: ONE_CLASS } = classesOf([]);

/** No string at all. */
export const NO_STRING = new Dfa("none", { classes: ONE_CLASS, next: new Int32Array(0), accepting: new Uint8Array(0), start: DEAD });
/** Every string without lone surrogates. */
export const EVERY_STRING = new Dfa("every", { classes: ONE_CLASS, next: Int32Array.of(0), accepting: Uint8Array.of(1), start: 0 });

/** All strings but those of the automaton. */
export function complementOf(dfa: Dfa): Dfa {
  if (dfa.start < 0) return EVERY_STRING;
  const { classes, next, accepting, start } = dfa.table;
  const rest = accepting.length;
  const rows = new Int32Array(next.length + classes.count).fill(rest);
  next.forEach((to, i) => {
    if (to !== DEAD) rows[i] = to;
  });
  return dfaOf(keyOf("not", [dfa.key]), {
    classes,
    next: rows,
    accepting: Uint8Array.from([...accepting.map((flag) => 1 - flag), 1]),
    start,
  });
}
