/**
 * Speed and time left. In: bytes done, with the time. Out: bytes per second and seconds left. Law: the rate is a mean that forgets with
 * a time constant, so it neither jumps with each chunk nor remembers another phase for long.
 */

/** Seconds after which what was measured counts 1/e. */
const MEMORY_S = 10;

export class Rate {
  #lastMs: number;
  /** Bytes and seconds, both fading alike; their quotient is the rate. */
  #bytes = 0;
  #seconds = 0;

  constructor(nowMs: number) {
    this.#lastMs = nowMs;
  }

  /** `bytes` more were done since the last call. */
  add(bytes: number, nowMs: number): void {
    const seconds = Math.max(0, nowMs - this.#lastMs) / 1000;
    const fade = Math.exp(-seconds / MEMORY_S);
    this.#bytes = this.#bytes * fade + bytes;
    this.#seconds = this.#seconds * fade + seconds;
    this.#lastMs = nowMs;
  }

  /** Bytes per second; null before there is anything to judge by. */
  get perSecond(): number | null {
    return this.#seconds > 0 && this.#bytes > 0 ? this.#bytes / this.#seconds : null;
  }
}
