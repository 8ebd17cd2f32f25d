/**
 * Lets one reader of a file keep step with another. In: how far the first one is, as a share. Out: promises that resolve when it has come
 * so far. Law: the follower is never more than its allowance ahead, so what both read comes from the disk once and then from the cache.
 */

interface Waiting {
  readonly share: number;
  resolve(): void;
  reject(reason: unknown): void;
}

export class Pace {
  #share = 0;
  #failure: { readonly reason: unknown } | null = null;
  #waiting: Waiting[] = [];

  /** The leader has done this share (0 to 1) of its work. */
  advance(share: number): void {
    this.#share = share;
    const due = this.#waiting.filter((waiting) => waiting.share <= share);
    this.#waiting = this.#waiting.filter((waiting) => waiting.share > share);
    for (const waiting of due) waiting.resolve();
  }

  /** The leader has stopped: whoever waits, or will, is rejected. */
  fail(reason: unknown): void {
    this.#failure = { reason };
    for (const waiting of this.#waiting) waiting.reject(reason);
    this.#waiting = [];
  }

  /** Resolves when the leader has done `share` of its work. */
  reached(share: number): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure.reason);
    if (share <= this.#share) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiting.push({ share, resolve, reject }));
  }
}
