/**
 * For tests: what a grammar reads, as plainly as it can be said. In: the root part, symbols one by one. Out: the ways it may have been
 * read so far. It shares nothing with automaton.ts: no nodes, no kept steps, no masks; each step is made anew.
 */
import type { Option, Part, Structure, Symbol, Terminal } from "./part.ts";

/** A structure that waits for the part of an option to end. */
interface Waiting {
  readonly part: Structure;
  readonly option: Option;
  readonly below: Waiting | null;
}

/** A terminal that is being read. */
interface Reading {
  readonly part: Terminal;
  readonly state: number;
  readonly below: Waiting | null;
}

/** Each way to read what came so far. */
export interface Ways {
  readonly readings: readonly Reading[];
  /** It may end here. */
  readonly done: boolean;
}

class Collected {
  readonly readings: Reading[] = [];
  done = false;
  /** Equal ways once: an ambiguous grammar has them in numbers. */
  readonly #seen = new Set<string>();
  static readonly #ids = new WeakMap<object, number>();
  static #count = 0;

  static #id(thing: object): number {
    let id = this.#ids.get(thing);
    if (id === undefined) this.#ids.set(thing, (id = this.#count++));
    return id;
  }

  static #key(below: Waiting | null): string {
    let key = "";
    for (let at = below; at; at = at.below)
      key += ` ${this.#id(at.part)} ${typeof at.option.next === "number" ? at.option.next : `by ${this.#id(at.option)}`}`;
    return key;
  }

  read(part: Terminal, state: number, below: Waiting | null): void {
    const key = `${Collected.#id(part)} ${state}${Collected.#key(below)}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    if (!part.ends(state)) this.readings.push({ part, state, below });
    if (part.accepts(state)) this.leave(below, state);
  }

  leave(waiting: Waiting | null, end: number): void {
    if (!waiting) {
      this.done = true;
      return;
    }
    const { next } = waiting.option;
    this.arrange(waiting.part, typeof next === "number" ? next : next(end), waiting.below);
  }

  arrange(part: Structure, state: number, below: Waiting | null): void {
    if (part.complete(state)) this.leave(below, -1);
    for (const option of part.options(state)) this.enter(option.part, { part, option, below });
  }

  enter(part: Part, below: Waiting | null): void {
    if (part.kind === "terminal") this.read(part, part.start, below);
    else this.arrange(part, part.start, below);
  }
}

export function begin(root: Part): Ways {
  const collected = new Collected();
  collected.enter(root, null);
  return collected;
}

/** The ways after a run of symbols; undefined when there is none. */
export function read(from: Ways, symbols: readonly Symbol[] | Uint8Array): Ways | undefined {
  let ways = from;
  for (const symbol of symbols) {
    const collected = new Collected();
    for (const { part, state, below } of ways.readings) {
      const next = part.step(state, symbol);
      if (next >= 0) collected.read(part, next, below);
    }
    if (collected.readings.length === 0 && !collected.done) return undefined;
    ways = collected;
  }
  return ways;
}
