/** A set of token ids as the sampler sees it. */

/** Tokens that may follow. Read only: masks are shared between states. */
export interface TokenMask {
  /** Bit `id & 31` of word `id >>> 5`. */
  readonly bits: Uint32Array;
  readonly count: number;
  /** The single id when `count` is 1. */
  readonly only: number | undefined;
  has(id: number): boolean;
}
