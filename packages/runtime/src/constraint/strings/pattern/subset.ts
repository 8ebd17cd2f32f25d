/**
 * The subset construction. In: a nondeterministic automaton. Out: a table. Law: a state is a set of configurations and what is known of
 * the text before; a configuration is a place in the pattern and what it has promised of the text that follows (lookaheads).
 */
import { classesOf, inSet, refine, type Classes } from "../code-points.ts";
import type { Dfa } from "../dfa.ts";
import type { Table } from "../table.ts";
import { WORDS } from "./character-classes.ts";
import type { Nfa } from "./nfa.ts";
import { NO_PROMISES, Promises } from "./promises.ts";

/** What stands on one side of a place: nothing, one of `\w`, or another character. */
export type Side = "edge" | "word" | "other";

/** What looks around have been compiled to. */
export interface Around {
  /** By look: what must follow, depending on the character before; undefined for looks behind. */
  readonly ahead: readonly (Readonly<Record<Side, Dfa>> | undefined)[];
  /** By look: the texts that may stand before, and whether they must not; undefined for looks ahead. */
  readonly behind: readonly ({ readonly dfa: Dfa; readonly negative: boolean } | undefined)[];
}

/** Counts the work; throws when it is too much. */
export type Spend = (work: number) => void;

const DEAD = -1;

/** A set of configurations: place + places · promises, ascending. */
interface Kernel {
  readonly configurations: readonly number[];
  readonly before: Side;
  /** The states of what looks behind. */
  readonly behind: readonly number[];
  /** Does any place depend on what stands before or behind it? */
  readonly conditional: boolean;
}

/** @param before what stands before the text */
export function subsetTable(nfa: Nfa, around: Around, before: Side, spend: Spend): Table {
  return new SubsetBuilder(nfa, around, spend).build(before);
}

class SubsetBuilder {
  readonly #nfa: Nfa;
  readonly #around: Around;
  readonly #spend: Spend;
  readonly #classes: Classes;
  /** A code point of each class. */
  readonly #samples: readonly number[];
  /** By set and class. */
  readonly #members: readonly Uint8Array[];
  readonly #sides: readonly Side[];
  readonly #promises = new Promises();
  readonly #kernels: (Kernel | undefined)[] = [];
  readonly #known = new Map<string, number>();
  /** The state from which everything is accepted, once it is needed. */
  #universal = DEAD;

  constructor(nfa: Nfa, around: Around, spend: Spend) {
    this.#nfa = nfa;
    this.#around = around;
    this.#spend = spend;
    const usesWords =
      nfa.states.some((state) => state.kind === "assertion" && /boundary/.test(state.assertion)) ||
      around.ahead.some((ahead) => ahead && ahead.word !== ahead.other);
    const tables = [
      ...around.ahead.flatMap((ahead) => (ahead ? Object.values(ahead) : [])),
      ...around.behind.flatMap((one) => one?.dfa ?? []),
    ];
    this.#classes = tables.reduce(
      (classes, dfa) => refine(classes, dfa.table.classes).classes,
      classesOf(usesWords ? [...nfa.sets, WORDS] : nfa.sets).classes,
    );
    const samples: number[] = [];
    this.#classes.ids.forEach((id, interval) => {
      if (id >= 0) samples[id] ??= this.#classes.firsts[interval]!;
    });
    this.#samples = samples;
    this.#members = nfa.sets.map((set) => Uint8Array.from(samples, (sample) => (inSet(set, sample) ? 1 : 0)));
    this.#sides = samples.map((sample) => (usesWords && inSet(WORDS, sample) ? "word" : "other"));
  }

  build(before: Side): Table {
    const next: number[] = [];
    const accepting: number[] = [];
    const start = this.#intern(
      new Set([this.#nfa.start]),
      before,
      this.#around.behind.map((one) => one?.dfa.start ?? DEAD),
    );
    for (let state = 0; state < this.#kernels.length; state++) {
      const kernel = this.#kernels[state];
      this.#spend(this.#samples.length);
      accepting.push(!kernel || this.#accepts(kernel) ? 1 : 0);
      const resolved = new Map<Side, readonly number[]>();
      for (let id = 0; id < this.#samples.length; id++) {
        if (!kernel) {
          next.push(state);
          continue;
        }
        const side = this.#sides[id]!;
        let configurations = resolved.get(side);
        if (!configurations) {
          configurations = this.#resolve(kernel, side);
          resolved.set(side, configurations);
        }
        next.push(this.#move(kernel, configurations, id));
      }
    }
    return { classes: this.#classes, next: Int32Array.from(next), accepting: Uint8Array.from(accepting), start };
  }

  #accepts(kernel: Kernel): boolean {
    return this.#resolve(kernel, "edge").some((one) => this.#isFinal(one) && this.#promises.kept(this.#promised(one)));
  }

  /** Where the configurations lead with a character of the class. */
  #move(kernel: Kernel, configurations: readonly number[], id: number): number {
    const { states } = this.#nfa;
    const places = states.length;
    const targets = new Set<number>();
    this.#spend(configurations.length);
    for (const one of configurations) {
      const state = states[one % places]!;
      if (state.kind === "final" && this.#promised(one) === NO_PROMISES) return this.#everything();
      const to = state.kind === "set" ? (this.#members[state.set]![id] === 1 ? state.next : DEAD) : one % places;
      if (to === DEAD) continue;
      const promised = this.#promises.step(this.#promised(one), this.#samples[id]!);
      if (promised !== undefined) targets.add(to + places * promised);
    }
    if (targets.size === 0) return DEAD;
    return this.#intern(targets, this.#sides[id]!, this.#behindAfter(kernel.behind, this.#samples[id]!));
  }

  #behindAfter(behind: readonly number[], codePoint: number): readonly number[] {
    if (behind.length === 0) return behind;
    return this.#around.behind.map((one, look) => (one && behind[look]! >= 0 ? one.dfa.step(behind[look]!, codePoint) : DEAD));
  }

  /** The configurations that read a character or are final, given what stands behind the place. */
  #resolve(kernel: Kernel, after: Side): readonly number[] {
    if (!kernel.conditional) return kernel.configurations;
    const { states } = this.#nfa;
    const places = states.length;
    const seen = new Set(kernel.configurations);
    const found: number[] = [];
    for (const one of seen) {
      const state = states[one % places]!;
      const promised = this.#promised(one);
      if (state.kind === "set" || state.kind === "final") found.push(one);
      else if (state.kind === "split") for (const to of state.next) seen.add(to + places * promised);
      else if (state.kind === "assertion") {
        if (holds(state.assertion, kernel.before, after)) seen.add(state.next + places * promised);
      } else {
        const both = this.#look(state.look, kernel, promised);
        if (both !== undefined) seen.add(state.next + places * both);
      }
    }
    this.#spend(seen.size);
    return found;
  }

  /** The promises once a look has been passed; undefined when it cannot be. */
  #look(look: number, kernel: Kernel, promised: number): number | undefined {
    const behind = this.#around.behind[look];
    if (behind) {
      const state = kernel.behind[look]!;
      const met = state >= 0 && behind.dfa.accepts(state);
      return met !== behind.negative ? promised : undefined;
    }
    return this.#promises.add(promised, this.#around.ahead[look]![kernel.before]);
  }

  #intern(targets: Set<number>, before: Side, behind: readonly number[]): number {
    const { states } = this.#nfa;
    const places = states.length;
    let conditional = false;
    const important: number[] = [];
    for (const one of targets) {
      const state = states[one % places]!;
      if (state.kind === "split") {
        for (const to of state.next) targets.add(to + one - (one % places));
        continue;
      }
      if (state.kind === "final" && one < places) return this.#everything();
      conditional ||= state.kind === "assertion" || state.kind === "look";
      important.push(one);
    }
    this.#spend(targets.size);
    // A place without promises makes the same place with promises needless.
    const configurations = important.filter((one) => one < places || !targets.has(one % places)).sort((a, b) => a - b);
    const kernel = { configurations, before: conditional ? before : "other", behind, conditional } as const;
    const key = `${kernel.before} ${behind.join()} ${configurations.join()}`;
    let id = this.#known.get(key);
    if (id === undefined) {
      id = this.#kernels.push(kernel) - 1;
      this.#known.set(key, id);
    }
    return id;
  }

  #everything(): number {
    if (this.#universal === DEAD) this.#universal = this.#kernels.push(undefined) - 1;
    return this.#universal;
  }

  #isFinal(one: number): boolean {
    return this.#nfa.states[one % this.#nfa.states.length]!.kind === "final";
  }

  #promised(one: number): number {
    return Math.floor(one / this.#nfa.states.length);
  }
}

function holds(assertion: "start" | "end" | "boundary" | "no-boundary", before: Side, after: Side): boolean {
  if (assertion === "start") return before === "edge";
  if (assertion === "end") return after === "edge";
  return ((before === "word") !== (after === "word")) === (assertion === "boundary");
}
