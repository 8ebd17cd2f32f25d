/**
 * Bounds the memory of masks that nodes keep. In: nodes whose mask takes many bytes. Law: the oldest is forgotten first, and made again when it
 * is asked for; a node that nobody reads any more is not held.
 */
import type { TokenMask } from "./token-mask.ts";

/** Bytes of all masks of one vocabulary that nodes keep, besides lists. */
const MAX_BYTES = 2 ** 27;

interface Keeper {
  mask: TokenMask | undefined;
}

export class KeptMasks {
  readonly #most: number;
  readonly #queue = new Set<WeakRef<Keeper>>();

  /** @param size Ids run from 0 to size − 1 */
  constructor(size: number) {
    this.#most = Math.max(64, Math.floor(MAX_BYTES / (size / 8)));
  }

  keep(node: Keeper, mask: TokenMask): void {
    node.mask = mask;
    if (mask.ids) return;
    this.#queue.add(new WeakRef(node));
    for (const oldest of this.#queue) {
      if (this.#queue.size <= this.#most) break;
      this.#queue.delete(oldest);
      const forgotten = oldest.deref();
      if (forgotten) forgotten.mask = undefined;
    }
  }
}
