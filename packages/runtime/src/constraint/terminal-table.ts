/**
 * A terminal's steps by byte as one flat array, filled as they are met. In: states of the terminal. Out: small numbers that stand for
 * them. Law: the same number always stands for the same state.
 */
import type { Terminal } from "./part.ts";

/** Not asked for yet: {@link TerminalTable.resolve} tells. */
export const UNKNOWN = -2;
const DEAD = -1;
/** States kept: a table of more than this is begun anew, between two walks. */
const MAX_STATES = 2_048;

export class TerminalTable {
  readonly #part: Terminal;
  readonly #numbers = new Map<number, number>();
  readonly #states: number[] = [];
  /** The number after a byte, by `256 · number + byte`; −1 when it may not come. Another array after {@link resolve}. */
  next = new Int32Array(256 * 16).fill(UNKNOWN);
  /** 1 by number where the terminal may end. */
  accepts = new Uint8Array(16);

  constructor(part: Terminal) {
    this.#part = part;
  }

  get full(): boolean {
    return this.#states.length > MAX_STATES;
  }

  number(state: number): number {
    const known = this.#numbers.get(state);
    if (known !== undefined) return known;
    const number = this.#states.push(state) - 1;
    if (number === this.accepts.length) this.#grow();
    this.#numbers.set(state, number);
    this.accepts[number] = this.#part.accepts(state) ? 1 : 0;
    return number;
  }

  /** The number after a byte, found and written down. */
  resolve(number: number, byte: number): number {
    const state = this.#part.step(this.#states[number]!, byte);
    const next = state < 0 ? DEAD : this.number(state);
    this.next[256 * number + byte] = next;
    return next;
  }

  #grow(): void {
    const next = new Int32Array(2 * this.next.length).fill(UNKNOWN);
    next.set(this.next);
    this.next = next;
    const accepts = new Uint8Array(2 * this.accepts.length);
    accepts.set(this.accepts);
    this.accepts = accepts;
  }
}
