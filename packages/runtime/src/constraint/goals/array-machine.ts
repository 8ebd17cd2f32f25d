/**
 * The arrays of one clause, read item by item. In: atoms about arrays. Out: states, and from each the formulas of which the next item
 * satisfies one. Law: a state counts only what can still matter, so equal futures are equal states.
 */
import type { Json } from "@orrery/chat";
import { ConstraintError } from "../../errors.ts";
import type { Clause } from "./expansion.ts";
import type { Formula, Formulas } from "./formula.ts";
import { equal, MAX_PLACES, placing, tooManyPlaces, type Members, type Placing } from "./distinct.ts";

interface Contains {
  readonly from: number;
  readonly formula: Formula;
  readonly min: number;
  readonly max: number;
}

interface State {
  /** Items so far, as far as it matters. */
  readonly index: number;
  /** Items so far that satisfy each `contains`. */
  readonly counts: readonly number[];
  /** Items so far where all must differ. */
  readonly values: readonly Json[];
  /** Which of the arrays that this one must not be begin as it does. */
  readonly alike: readonly number[];
}

/** What the next item may be, and the state after it; where all items must differ, `after` gives the state that knows the item. */
export interface ItemMove {
  readonly formula: Formula;
  readonly next: number;
}

/** States looked at to see whether an array can be completed. */
const MAX_SEARCH = 20_000;
/** `contains` of one array that are counted at once. */
const MAX_CONTAINS = 6;

export class ArrayMachine {
  readonly start = 0;
  readonly #formulas: Formulas;
  /** What is said of an item, and of all from an item on. */
  readonly #items = new Map<number, Formula[]>();
  readonly #rest: { readonly from: number; readonly formula: Formula }[] = [];
  readonly #contains: readonly Contains[];
  readonly #unlike: readonly (readonly Json[])[];
  /** Must all items differ? */
  readonly unique: boolean;
  readonly #min: number;
  readonly #max: number;
  /** Of the items from here on the same is said. */
  readonly #uniform: number;
  /** Without an upper bound, items from here on need not be counted. */
  readonly #settled: number;
  readonly #states: State[] = [];
  readonly #ids = new Map<string, number>();
  readonly #moves = new Map<number, readonly ItemMove[]>();
  readonly #base = new Map<number, Formula>();
  /** States from which a way to the end has been found; what has a value keeps it, so a way stays one. */
  readonly #completable = new Set<number>();

  constructor(clause: Clause, formulas: Formulas) {
    this.#formulas = formulas;
    const contains: Contains[] = [];
    const unlike: (readonly Json[])[] = [];
    let unique = false;
    let min = 0;
    let max = Infinity;
    for (const { atom } of clause) {
      if (atom.kind === "item") this.#items.set(atom.index, [...(this.#items.get(atom.index) ?? []), atom.formula]);
      else if (atom.kind === "items") this.#rest.push(atom);
      else if (atom.kind === "length") [min, max] = [Math.max(min, atom.min), Math.min(max, atom.max)];
      else if (atom.kind === "contains") contains.push(atom);
      else if (atom.kind === "none-of") for (const value of atom.values) unlike.push(value as readonly Json[]);
      else if (atom.kind === "unique" && atom.unique) unique = true;
      else if (atom.kind === "unique") this.#refuse("arrays with two equal items", "leave the negation of uniqueItems out");
    }
    if (contains.length > MAX_CONTAINS) this.#refuse(`more than ${MAX_CONTAINS} contains at one place`, "count fewer things at once");
    this.#contains = contains;
    this.#unlike = unlike;
    this.unique = unique;
    this.#min = min;
    this.#uniform = Math.max(most(this.#items.keys()) + 1, most(this.#rest.map(({ from }) => from)), 0);
    this.#settled = Math.max(1, min, this.#uniform, most(contains.map(({ from }) => from)), most(unlike.map(({ length }) => length)) + 1);
    this.#max = max;
    this.#intern({ index: 0, counts: contains.map(() => 0), values: [], alike: unlike.map((_, i) => i) });
  }

  #refuse(what: string, hint: string): never {
    const { where } = this.#formulas;
    throw new ConstraintError("constraint/unsupported", `${where.subject}: ${what} cannot be compiled exactly`, {
      pointer: where.pointer,
      hint,
    });
  }

  #intern(state: State): number {
    const key = JSON.stringify([state.index, state.counts, state.values, state.alike]);
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.#states.push(state) - 1;
      this.#ids.set(key, id);
    }
    return id;
  }

  /** May the array end here? */
  ends(id: number): boolean {
    const { index, counts, alike } = this.#states[id]!;
    if (index < this.#min || this.#contains.some(({ min }, i) => counts[i]! < min)) return false;
    return !alike.some((one) => this.#unlike[one]!.length === index);
  }

  /** Has an item been read? */
  begun(id: number): boolean {
    return this.#states[id]!.index > 0;
  }

  /** The state after an item, of which the array must not have another. @param next The state that a move leads to */
  after(next: number, item: Json): number {
    const state = this.#states[next]!;
    return this.#intern({ ...state, values: [...state.values, item] });
  }

  /** What the next item may be; not all of it can be met, or completed. */
  moves(id: number): readonly ItemMove[] {
    let moves = this.#moves.get(id);
    if (!moves) {
      moves = this.#makeMoves(this.#states[id]!);
      this.#moves.set(id, moves);
    }
    return moves;
  }

  #makeMoves(state: State): readonly ItemMove[] {
    const { index, values } = state;
    if (index >= this.#max) return [];
    const formulas = this.#formulas;
    const base = this.unique && values.length > 0 ? formulas.all([this.#at(index), formulas.notAmong(values)]) : this.#at(index);
    let moves: { formula: Formula; counts: readonly number[]; alike: readonly number[] }[] = [
      { formula: base, counts: state.counts, alike: [] },
    ];
    this.#contains.forEach(({ from, formula, min, max }, i) => {
      if (index < from) return;
      moves = moves.flatMap((move) => {
        const count = move.counts[i]!;
        const counted = {
          ...move,
          formula: formulas.all([move.formula, formula]),
          counts: move.counts.with(i, Math.min(count + 1, max === Infinity ? min : max)),
        };
        if (max === Infinity) return count >= min ? [move] : [counted, move];
        const other = { ...move, formula: formulas.all([move.formula, formulas.not(formula)]) };
        return count >= max ? [other] : [counted, other];
      });
    });
    if (state.alike.length > 0) moves = moves.flatMap((move) => this.#apart(move, state));
    const after = this.#max === Infinity ? Math.min(index + 1, this.#settled) : index + 1;
    return moves
      .filter(({ formula }) => formula !== formulas.nothing)
      .map(({ formula, counts, alike }) => ({ formula, next: this.#intern({ index: after, counts, values, alike }) }));
  }

  /** Splits a move by the arrays that this one must not become. */
  #apart<Move extends { formula: Formula; alike: readonly number[] }>(move: Move, { index, alike }: State): Move[] {
    const formulas = this.#formulas;
    const groups: { item: Json; members: number[] }[] = [];
    for (const one of alike) {
      const array = this.#unlike[one]!;
      if (index >= array.length) continue;
      const item = array[index]!;
      const group = groups.find((known) => equal(known.item, item));
      if (group) group.members.push(one);
      else groups.push({ item, members: [one] });
    }
    const same = groups.map(({ item, members }) => ({
      ...move,
      formula: formulas.all([move.formula, formulas.constant(item)]),
      alike: members,
    }));
    const different = { ...move, formula: formulas.all([move.formula, formulas.notAmong(groups.map(({ item }) => item))]), alike: [] };
    return [...same, different];
  }

  /** The formula of the item at `index`. */
  #at(index: number): Formula {
    const at = Math.min(index, this.#uniform);
    let formula = this.#base.get(at);
    if (!formula) {
      const rest = this.#rest.filter(({ from }) => from <= at).map(({ formula }) => formula);
      formula = this.#formulas.all([...(this.#items.get(at) ?? []), ...rest]);
      this.#base.set(at, formula);
    }
    return formula;
  }

  /** Can the array be completed, if these formulas are the ones that some value satisfies? */
  completes(id: number, inhabited: (formula: Formula) => boolean, members: Members): boolean {
    if (this.ends(id)) return true;
    if (this.#max < this.#min) return false;
    if (this.unique) return this.#placing(id, inhabited, members) !== undefined;
    const { index, alike } = this.#states[id]!;
    if (this.#contains.length > 0 || alike.length > 0) return this.#search(id, inhabited);
    for (let at = Math.min(index, this.#uniform); at < this.#min && at <= this.#uniform; at++) if (!inhabited(this.#at(at))) return false;
    return true;
  }

  /** Those items of a move after which the array can still be completed; undefined where there are none. */
  completable({ formula, next }: ItemMove, inhabited: (formula: Formula) => boolean, members: Members): Formula | undefined {
    if (!inhabited(formula)) return undefined;
    if (!this.unique) return this.completes(next, inhabited, members) ? formula : undefined;
    // Whatever item it is, the others find their values, unless it is a value that they are short of.
    const placed = this.ends(next) ? { scarce: [] } : this.#placing(next, inhabited, members);
    if (!placed) return undefined;
    const missed = placed.scarce.filter((item) => !this.completes(this.after(next, item), inhabited, members));
    if (missed.length === 0) return formula;
    const rest = this.#formulas.all([formula, this.#formulas.notAmong(missed)]);
    return inhabited(rest) ? rest : undefined;
  }

  /**
   * Where all items must differ: does it make no difference to what may follow which string the latest item is, but that it may not come
   * again? @param next The state that a move leads to @param endless May infinitely many strings of a formula follow, however one begins?
   */
  sparesStrings(next: number, endless: (formula: Formula) => boolean): boolean {
    const { index, counts, alike } = this.#states[next]!;
    if (counts.length > 0 || alike.length > 0) return false;
    const last = Math.min(Math.max(index, this.#min - 1), Math.max(index, this.#uniform));
    for (let at = index; at <= last && at < this.#max; at++) if (!endless(this.#at(at))) return false;
    return true;
  }

  /** Is there a way to the end? */
  #search(start: number, inhabited: (formula: Formula) => boolean): boolean {
    const before = new Map([[start, start]]);
    const open = [start];
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      if (this.ends(id) || this.#completable.has(id)) {
        for (let at = id; at !== start; at = before.get(at)!) this.#completable.add(at);
        this.#completable.add(start);
        return true;
      }
      for (const { formula, next } of this.moves(id).toReversed()) {
        if (before.has(next) || !inhabited(formula)) continue;
        if (before.size >= MAX_SEARCH) this.#tooLarge();
        before.set(next, id);
        open.push(next);
      }
    }
    return false;
  }

  /** A way to the end on which all items can differ. */
  #placing(id: number, inhabited: (formula: Formula) => boolean, members: Members): Placing | undefined {
    const { index, counts, values, alike } = this.#states[id]!;
    const missing = Math.max(this.#min - index, most(this.#contains.map(({ min }, i) => min - counts[i]!)), 0);
    if (missing > MAX_PLACES) throw tooManyPlaces(missing, this.#formulas);
    if (counts.length === 0 && alike.length === 0) {
      return placing(
        values,
        Array.from({ length: missing }, (_, i) => this.#at(index + i)),
        members,
      );
    }
    // Which values are used is asked at the end, so that ways are few.
    const start = { id: this.#intern({ ...this.#states[id]!, values: [] }), places: [] as readonly Formula[] };
    const seen = new Set<string>();
    const open = [start];
    for (let way = open.pop(); way !== undefined; way = open.pop()) {
      const placed = this.ends(way.id) ? placing(values, way.places, members) : undefined;
      if (placed) return placed;
      for (const { formula, next } of this.moves(way.id).toReversed()) {
        // An item that changes nothing helps nobody.
        if (next === way.id || !inhabited(formula)) continue;
        const places = [...way.places, formula].sort((a, b) => a.id - b.id);
        const key = `${next} ${places.map((place) => place.id).join()}`;
        if (seen.has(key)) continue;
        if (seen.size >= MAX_SEARCH) this.#tooLarge();
        seen.add(key);
        open.push({ id: next, places });
      }
    }
    return undefined;
  }

  #tooLarge(): never {
    const { where } = this.#formulas;
    throw new ConstraintError("constraint/too-large", `${where.subject}: an array needs more than ${MAX_SEARCH} states`, {
      pointer: where.pointer,
      hint: "lower minItems, maxItems, minContains or maxContains",
    });
  }
}

/** The greatest of however many; −1 of none. */
function most(numbers: Iterable<number>): number {
  let greatest = -1;
  for (const one of numbers) greatest = Math.max(greatest, one);
  return greatest;
}
