/**
 * A pattern's tree as a nondeterministic automaton. In: a tree. Out: states with edges over sets. Law: counts are unrolled, and each copy
 * costs at least one state, so the limit on states bounds the time as well.
 */
import type { CodePointSet } from "../code-points.ts";
import type { Assertion, PatternNode } from "./syntax.ts";

/** A place where a pattern looks ahead or behind. */
export interface Look {
  readonly behind: boolean;
  readonly negative: boolean;
  readonly body: PatternNode;
}

export type NfaState =
  | { readonly kind: "set"; readonly set: number; readonly next: number }
  | { readonly kind: "split"; readonly next: number[] }
  | { readonly kind: "assertion"; readonly assertion: Assertion; readonly next: number }
  | { readonly kind: "look"; readonly look: number; readonly next: number }
  | { readonly kind: "final" };

export interface Nfa {
  readonly states: readonly NfaState[];
  readonly sets: readonly CodePointSet[];
  readonly looks: readonly Look[];
  readonly start: number;
}

/** More sets than any source can name. */
const MAX_SETS = 2 ** 26;

/** Takes one state from the budget. */
export type Take = () => void;

/** `node`, and behind it what `end` adds. */
export function nfaOf(node: PatternNode, take: Take): Nfa {
  return new NfaBuilder(take).build(node);
}

class NfaBuilder {
  readonly #take: Take;
  readonly #states: NfaState[] = [];
  /** States that read a character, by set and next: ends that alternatives share are built once. */
  readonly #readers = new Map<number, number>();
  readonly #sets: CodePointSet[] = [];
  readonly #setIds = new Map<string, number>();
  readonly #looks: Look[] = [];
  readonly #lookIds = new Map<PatternNode, number>();

  constructor(take: Take) {
    this.#take = take;
  }

  build(node: PatternNode): Nfa {
    const start = this.#node(node, this.#add({ kind: "final" }));
    return { states: this.#states, sets: this.#sets, looks: this.#looks, start };
  }

  /** The state from which `node` leads to `next`. */
  #node(node: PatternNode, next: number): number {
    switch (node.kind) {
      case "set":
        return this.#reader(this.#set(node.set), next);
      case "sequence":
        return node.parts.length === 0
          ? this.#add({ kind: "split", next: [next] })
          : node.parts.reduceRight((to, part) => this.#node(part, to), next);
      case "choice":
        return this.#add({ kind: "split", next: node.options.map((option) => this.#node(option, next)) });
      case "repeat":
        return this.#repeat(node, next);
      case "assertion":
        return this.#add({ kind: "assertion", assertion: node.assertion, next });
      case "look":
        return this.#add({ kind: "look", look: this.#look(node), next });
    }
  }

  #repeat({ body, min, max }: { readonly body: PatternNode; readonly min: number; readonly max: number }, next: number): number {
    let entry = next;
    if (max === Infinity) {
      const loop: number[] = [];
      entry = this.#add({ kind: "split", next: loop });
      loop.push(this.#node(body, entry), next);
    } else for (let i = min; i < max; i++) entry = this.#add({ kind: "split", next: [this.#node(body, entry), next] });
    for (let i = 0; i < min; i++) entry = this.#node(body, entry);
    return entry;
  }

  #reader(set: number, next: number): number {
    const key = next * MAX_SETS + set;
    const known = this.#readers.get(key);
    if (known !== undefined) {
      this.#take();
      return known;
    }
    const id = this.#add({ kind: "set", set, next });
    this.#readers.set(key, id);
    return id;
  }

  #add(state: NfaState): number {
    this.#take();
    return this.#states.push(state) - 1;
  }

  #set(set: CodePointSet): number {
    const key = set.join();
    let id = this.#setIds.get(key);
    if (id === undefined) {
      id = this.#sets.push(set) - 1;
      this.#setIds.set(key, id);
    }
    return id;
  }

  #look(node: Look & PatternNode): number {
    let id = this.#lookIds.get(node);
    if (id === undefined) {
      id = this.#looks.push(node) - 1;
      this.#lookIds.set(node, id);
    }
    return id;
  }
}
