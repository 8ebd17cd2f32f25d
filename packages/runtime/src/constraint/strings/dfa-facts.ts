/**
 * What follows from the rows of a trimmed automaton. In: a table. Out: lengths and freedom of each state. Law: exact, computed once,
 * when it is first asked for, in time that grows with the table.
 */
import { Lengths } from "./lengths.ts";
import { reversed, type Reversed, type Table } from "./table.ts";

export class DfaFacts {
  readonly #table: Table;
  #back: Reversed | undefined;
  #least: Float64Array | undefined;
  #most: Float64Array | undefined;
  #universal: Uint8Array | undefined;
  #lengths: Lengths | undefined;
  #open: boolean | undefined;
  #lasting: boolean | undefined;

  constructor(table: Table) {
    this.#table = table;
  }

  get #size(): number {
    return this.#table.accepting.length;
  }

  get #edges(): Reversed {
    return (this.#back ??= reversed(this.#size, this.#table.classes.count, this.#table.next));
  }

  /** The fewest code points that complete each state. */
  get least(): Float64Array {
    return (this.#least ??= distances(
      this.#edges,
      Array.from(this.#table.accepting.keys()).filter((state) => this.#table.accepting[state] === 1),
    ));
  }

  get completion(): number {
    return this.least.reduce((most, one) => Math.max(most, one), 0);
  }

  get endless(): boolean {
    return this.#size > 0 && this.most.every((one) => one === Infinity);
  }

  /** May any code point follow each state? */
  get open(): boolean {
    return (this.#open ??= this.#size > 0 && !this.#table.next.includes(-1));
  }

  /** May any string follow each state that accepts? */
  get lasting(): boolean {
    return (this.#lasting ??= this.universal.every((universal, state) => universal === this.#table.accepting[state]));
  }

  /** The most code points that can follow each state; Infinity where a circle can be reached. */
  get most(): Float64Array {
    return (this.#most ??= this.#longest());
  }

  /** 1 for states after which any string is accepted. */
  get universal(): Uint8Array {
    if (this.#universal) return this.#universal;
    const { accepting, classes, next } = this.#table;
    const faults: number[] = [];
    for (let state = 0; state < this.#size; state++) {
      const row = next.subarray(state * classes.count, (state + 1) * classes.count);
      if (accepting[state] === 0 || row.includes(-1)) faults.push(state);
    }
    const away = distances(this.#edges, faults);
    return (this.#universal = Uint8Array.from(away, (distance) => (distance === Infinity ? 1 : 0)));
  }

  /** The lengths of what may follow. */
  get lengths(): Lengths {
    return (this.#lengths ??= new Lengths(this.#table.accepting, this.#edges));
  }

  /** How many code points of the columns may follow each state in any order. */
  freedom(among: readonly number[]): Float64Array {
    const { classes, next } = this.#table;
    const faults: number[] = [];
    for (let state = 0; state < this.#size; state++) if (among.some((id) => next[state * classes.count + id]! < 0)) faults.push(state);
    return distances(reversed(this.#size, classes.count, next, among), faults);
  }

  #longest(): Float64Array {
    const { classes, next } = this.#table;
    const { count } = classes;
    const most = new Float64Array(this.#size).fill(Infinity);
    const open = new Int32Array(this.#size);
    const done: number[] = [];
    for (let state = 0; state < this.#size; state++) {
      for (let id = 0; id < count; id++) if (next[state * count + id]! >= 0) open[state]!++;
      if (open[state] === 0) done.push(state);
    }
    const back = this.#edges;
    // From the ends backwards: a state is known once all that follow it are; what is on or before a circle never is.
    for (let at = 0; at < done.length; at++) {
      const state = done[at]!;
      let longest = 0;
      for (let id = 0; id < count; id++) {
        const to = next[state * count + id]!;
        if (to >= 0) longest = Math.max(longest, most[to]! + 1);
      }
      most[state] = longest;
      for (let i = back.start[state]!; i < back.start[state + 1]!; i++) if (--open[back.from[i]!]! === 0) done.push(back.from[i]!);
    }
    return most;
  }
}

/** Steps from each state to the nearest of `targets`; Infinity where none can be reached. */
function distances(back: Reversed, targets: readonly number[]): Float64Array {
  const distance = new Float64Array(back.start.length - 1).fill(Infinity);
  const queue = [...targets];
  for (const state of queue) distance[state] = 0;
  for (let at = 0; at < queue.length; at++) {
    const state = queue[at]!;
    for (let i = back.start[state]!; i < back.start[state + 1]!; i++) {
      const from = back.from[i]!;
      if (distance[from] !== Infinity) continue;
      distance[from] = distance[state]! + 1;
      queue.push(from);
    }
  }
  return distance;
}
