/**
 * A clock for tests: time passes when the test says so. In: milliseconds. Out: what was due has happened, in order. Law: between two
 * timers everything that hangs on the first (promises included) has run, so that a pause which begins in it is due in its turn.
 */
import type { Clock } from "../driver.ts";

/** Rounds of the event loop after which what needs no time has happened: a step of a chart takes a few promises, a generator some more. */
const ROUNDS = 8;

interface Timer {
  readonly due: number;
  readonly order: number;
  readonly fn: () => void;
}

/**
 * @example
 * const clock = simulatedClock();
 * const running = run(agent, "fetch it", { clock }); // its tool has a time limit of a minute, and never returns
 * await clock.advance(60_000);
 * await running; // the call failed with `tool/timeout`; the test took no time
 */
export class SimulatedClock implements Clock {
  readonly #timers = new Set<Timer>();
  #now = 0;
  #made = 0;
  #wake: (() => void) | undefined;

  now(): number {
    return this.#now;
  }

  setTimeout(fn: () => void, ms: number): unknown {
    const timer: Timer = { due: this.#now + Math.max(0, ms), order: this.#made++, fn };
    this.#timers.add(timer);
    this.#wake?.();
    return timer;
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as Timer);
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#timers.size;
  }

  /** For a tool that takes its time. @throws what `signal` was aborted with */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const stop = (): void => {
        this.clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      const timer = this.setTimeout(() => {
        signal?.removeEventListener("abort", stop);
        resolve();
      }, ms);
      signal?.addEventListener("abort", stop, { once: true });
    });
  }

  /** Lets `ms` milliseconds pass. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (let timer = this.#next(); timer && timer.due <= end; timer = this.#next()) {
      this.#fire(timer);
      await settle();
    }
    this.#now = end;
  }

  /** Lets as much time pass as `promise` needs: whenever nothing else goes on, until the next timer. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let over = false;
    const ended = promise.then(
      () => (over = true),
      () => (over = true),
    );
    for (;;) {
      await settle();
      if (over) return promise;
      const timer = this.#next();
      if (timer) this.#fire(timer);
      else await Promise.race([ended, new Promise<void>((resolve) => (this.#wake = resolve))]);
    }
  }

  #next(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers)
      if (!first || timer.due < first.due || (timer.due === first.due && timer.order < first.order)) first = timer;
    return first;
  }

  #fire(timer: Timer): void {
    this.#timers.delete(timer);
    this.#now = Math.max(this.#now, timer.due);
    timer.fn();
  }
}

/** A clock at 0. */
export function simulatedClock(): SimulatedClock {
  return new SimulatedClock();
}

async function settle(): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) await new Promise<void>((resolve) => setImmediate(resolve));
}
