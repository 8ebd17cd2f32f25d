/**
 * Ctrl-C as a value. In: signals of the process or a key in the line editor. Out: calls of whoever listens now. Law: the newest
 * listener gets it, alone; when nobody listens, the process is told, and ends.
 */
export class Interrupts {
  readonly #listeners: (() => void)[] = [];
  readonly #unheard: () => void;

  /** `unheard` is called for an interrupt to which nobody listens. */
  constructor(unheard: () => void) {
    this.#unheard = unheard;
  }

  /** Listens until the returned function is called. */
  listen(listener: () => void): () => void {
    this.#listeners.push(listener);
    return () => {
      const at = this.#listeners.lastIndexOf(listener);
      if (at >= 0) this.#listeners.splice(at, 1);
    };
  }

  raise(): void {
    (this.#listeners.at(-1) ?? this.#unheard)();
  }

  /**
   * Runs `work` with a signal that the first interrupt aborts. From then on it no longer listens, so that a second interrupt ends
   * what does not end by itself.
   */
  async abortable<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    const stop = this.listen(() => {
      stop();
      controller.abort();
    });
    try {
      return await work(controller.signal);
    } finally {
      stop();
    }
  }
}
