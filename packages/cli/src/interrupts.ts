/**
 * Ctrl-C as a value. In: signals of the process or a key in the line editor. Out: calls of whoever listens now. Law: the newest
 * listener gets it, alone; when nobody listens, the caller of `raise` is told, and may end the process.
 */
export class Interrupts {
  readonly #listeners: (() => void)[] = [];

  /** Listens until the returned function is called. */
  listen(listener: () => void): () => void {
    this.#listeners.push(listener);
    return () => {
      const at = this.#listeners.lastIndexOf(listener);
      if (at >= 0) this.#listeners.splice(at, 1);
    };
  }

  /** True when somebody listened. */
  raise(): boolean {
    const listener = this.#listeners.at(-1);
    listener?.();
    return listener !== undefined;
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
