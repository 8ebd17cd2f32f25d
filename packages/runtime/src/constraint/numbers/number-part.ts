/**
 * A set of numbers in JSON syntax, as a terminal. In: a set and how long spellings may be. Out: states over bytes, made as they are met.
 * Law: every complete spelling is a member under both readings; every state can be completed.
 */
import { ConstraintError } from "../../errors.ts";
import type { Symbol, Terminal } from "../part.ts";
import type { Where } from "../where.ts";
import { lineOf } from "./lines.ts";
import { isEmpty } from "./members.ts";
import type { NumberSet } from "./number-set.ts";
import { Prefixes } from "./prefixes.ts";
import { CHARACTERS, EMPTY, PLAIN, SCIENTIFIC, type Prefix } from "./spelling.ts";

export interface NumberOptions {
  /**
   * false: as models write, without exponents and with at most 15 digits, or a safe integer. true: whatever JSON.stringify writes, with
   * up to 17 digits.
   */
  readonly exponent: boolean;
  readonly where: Where;
}

/** Terminals kept: tools share a few sets. */
const MAX_KEPT = 256;
const kept = new Map<string, Terminal>();

/**
 * @throws ConstraintError `constraint/unsatisfiable` when the set is empty, `constraint/unsupported` when no member can be spelt,
 * `constraint/too-large` when none was found
 */
export function numberPart(set: NumberSet, { exponent, where }: NumberOptions): Terminal {
  const key = `${exponent ? "e" : ""}${set.key}`;
  let terminal = kept.get(key);
  if (!terminal) {
    const prefixes = new Prefixes(lineOf(set, exponent), exponent ? SCIENTIFIC : PLAIN);
    if (!prefixes.isAlive(EMPTY)) throw unwritable(set, where);
    terminal = new NumberTerminal(prefixes);
    if (kept.size >= MAX_KEPT) kept.clear();
    kept.set(key, terminal);
  }
  return terminal;
}

function unwritable(set: NumberSet, { subject, pointer }: Where): ConstraintError {
  if (isEmpty(set, { subject, pointer }))
    return new ConstraintError("constraint/unsatisfiable", `${subject}: no number satisfies the schema at '${pointer}'`, {
      pointer,
      hint: "leave the move out when nothing can be chosen",
    });
  return new ConstraintError(
    "constraint/unsupported",
    `${subject}: no number of up to ${PLAIN.digits} digits satisfies the schema at '${pointer}'`,
    { pointer, hint: "widen the bounds; integers must be safe integers" },
  );
}

const BYTES = CHARACTERS.map((character) => character.charCodeAt(0));
/** The index of a byte among {@link CHARACTERS}, or −1. */
const INDEX = Int8Array.from({ length: 256 }, (_, byte) => BYTES.indexOf(byte));
const UNKNOWN = -2;
const DEAD = -1;
const CONTROLS: readonly Symbol[] = [];

/** A state is a prefix that stands for all with its signature. */
interface State {
  readonly prefix: Prefix;
  readonly accepts: boolean;
  /** By {@link CHARACTERS}. */
  readonly next: number[];
}

class NumberTerminal implements Terminal {
  readonly kind = "terminal";
  readonly position = "number";
  readonly start: number;
  readonly #prefixes: Prefixes;
  readonly #states: State[] = [];
  readonly #known = new Map<string, number>();

  constructor(prefixes: Prefixes) {
    this.#prefixes = prefixes;
    this.start = this.#intern(EMPTY);
  }

  step(state: number, symbol: Symbol): number {
    const index = INDEX[symbol] ?? -1;
    return index < 0 ? DEAD : this.#step(this.#states[state]!, index);
  }

  accepts(state: number): boolean {
    return this.#states[state]!.accepts;
  }

  ends(state: number): boolean {
    return BYTES.every((_, index) => this.#step(this.#states[state]!, index) === DEAD);
  }

  only(state: number): Symbol {
    const [first, ...others] = BYTES.filter((_, index) => this.#step(this.#states[state]!, index) !== DEAD);
    return first === undefined || others.length > 0 ? -1 : first;
  }

  controls(): readonly Symbol[] {
    return CONTROLS;
  }

  canonical(state: number): number {
    return state;
  }

  free(): undefined {
    return undefined;
  }

  #step({ prefix, next }: State, index: number): number {
    if (next[index] === UNKNOWN) {
      const longer = this.#prefixes.append(prefix, CHARACTERS[index]!);
      next[index] = longer ? this.#intern(longer) : DEAD;
    }
    return next[index]!;
  }

  #intern(prefix: Prefix): number {
    const signature = this.#prefixes.signature(prefix);
    let state = this.#known.get(signature);
    if (state === undefined) {
      state = this.#prefixes.isAlive(prefix)
        ? this.#states.push({
            prefix,
            accepts: this.#prefixes.isMember(prefix),
            next: CHARACTERS.map(() => UNKNOWN),
          }) - 1
        : DEAD;
      this.#known.set(signature, state);
    }
    return state;
  }
}
