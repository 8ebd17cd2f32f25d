/**
 * What configurations have promised of the text that follows. In: automata of what must follow. Out: numbers for sets of their states.
 * Law: a promise that any text keeps is none; one that no text can keep ends the configuration.
 */
import type { Dfa } from "../dfa.ts";

export const NO_PROMISES = 0;

interface Promised {
  readonly dfa: Dfa;
  readonly state: number;
}

export class Promises {
  /** The first is the empty set. */
  readonly #sets: (readonly Promised[])[] = [[]];
  readonly #known = new Map<string, number>([["", NO_PROMISES]]);
  readonly #dfas: Dfa[] = [];

  /** The set with one more; undefined when no text keeps it. */
  add(set: number, dfa: Dfa): number | undefined {
    return dfa.start < 0 ? undefined : this.#intern([...this.#sets[set]!, { dfa, state: dfa.start }]);
  }

  /** The set one character later. */
  step(set: number, codePoint: number): number | undefined {
    if (set === NO_PROMISES) return set;
    const next: Promised[] = [];
    for (const { dfa, state } of this.#sets[set]!) {
      const to = dfa.step(state, codePoint);
      if (to < 0) return undefined;
      next.push({ dfa, state: to });
    }
    return this.#intern(next);
  }

  /** May the text end here? */
  kept(set: number): boolean {
    return this.#sets[set]!.every(({ dfa, state }) => dfa.accepts(state));
  }

  #intern(promised: readonly Promised[]): number {
    const open = new Map(
      promised.filter(({ dfa, state }) => !dfa.universal(state)).map((one) => [`${this.#idOf(one.dfa)}.${one.state}`, one]),
    );
    const key = [...open.keys()].sort().join();
    let id = this.#known.get(key);
    if (id === undefined) {
      id = this.#sets.push([...open.values()]) - 1;
      this.#known.set(key, id);
    }
    return id;
  }

  #idOf(dfa: Dfa): number {
    const known = this.#dfas.indexOf(dfa);
    return known >= 0 ? known : this.#dfas.push(dfa) - 1;
  }
}
