/** The bytes that rows of all sequences take, under a budget. Law: nothing is allocated that was not taken here first. */
import { CacheMemoryError } from "../errors.ts";

export class CacheMemory {
  readonly budget: number;
  #used = 0;

  constructor(budget: number) {
    this.budget = budget;
  }

  /** Bytes held now; what sequences share counts once. */
  get used(): number {
    return this.#used;
  }

  get left(): number {
    return this.budget - this.#used;
  }

  /** @throws CacheMemoryError when less is left */
  take(bytes: number): void {
    if (bytes > this.left) throw new CacheMemoryError(bytes, this.budget, this.left);
    this.#used += bytes;
  }

  give(bytes: number): void {
    this.#used -= bytes;
  }
}
