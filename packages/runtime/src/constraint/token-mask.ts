/** A set of token ids as the sampler sees it: a list while it is short, else bits. */
import { idsAt, SHARED } from "./trie-nodes.ts";

/**
 * Tokens that may follow. Read only: masks are shared between states. On logits: `maskLogits`; or, where `ids` is not null, a sampler
 * need look at no others.
 */
export interface TokenMask {
  /** Bit `id & 31` of word `id >>> 5`. Of a short list, made anew at each call. */
  readonly bits: Uint32Array;
  /** The ids, ascending, where they are at most {@link FEW_TOKENS}; else null. */
  readonly ids: Int32Array | null;
  /** How many tokens. */
  readonly count: number;
  /** The single id when `count` is 1. */
  readonly only: number | undefined;
  /** May this one follow? */
  has(id: number): boolean;
}

/** A longer list is bits. */
export const FEW_TOKENS = 256;

/** Collects ids. */
export class TokenMaskBuilder {
  readonly #words: number;
  #list = new Int32Array(16);
  #length = 0;
  #bits: Uint32Array | null = null;

  /** @param size Ids run from 0 to size − 1 */
  constructor(size: number) {
    this.#words = (size + 31) >>> 5;
  }

  add(id: number): void {
    if (this.#bits) {
      this.#bits[id >>> 5]! |= 1 << (id & 31);
      return;
    }
    if (this.#length === FEW_TOKENS) {
      this.#toBits()[id >>> 5]! |= 1 << (id & 31);
      return;
    }
    if (this.#length === this.#list.length) {
      const longer = new Int32Array(2 * this.#length);
      longer.set(this.#list);
      this.#list = longer;
    }
    this.#list[this.#length++] = id;
  }

  /** What ends at a node of a trie, by the node's `token` and the trie's `same`. */
  addAt(token: number, same: Int32Array): void {
    if (token < 0) return;
    this.add(token & ~SHARED);
    if ((token & SHARED) !== 0) for (const id of idsAt(token, same)) this.add(id);
  }

  addAll(mask: TokenMask): void {
    const { ids } = mask;
    // The bits of a list are made when they are asked for.
    if (ids) for (let i = 0; i < ids.length; i++) this.add(ids[i]!);
    else this.addBits(mask.bits);
  }

  addBits(bits: Uint32Array): void {
    const mine = this.#bits;
    if (!mine) {
      this.#bits = bits.slice();
      this.#addListed(this.#bits);
      return;
    }
    for (let word = 0; word < bits.length; word++) mine[word]! |= bits[word]!;
  }

  /** Takes an id out again. */
  remove(id: number): void {
    const bits = this.#bits ?? this.#toBits();
    bits[id >>> 5]! &= ~(1 << (id & 31));
  }

  /** What ends at a node of a trie. */
  removeAt(token: number, same: Int32Array): void {
    for (const id of idsAt(token, same)) this.remove(id);
  }

  mask(): TokenMask {
    if (!this.#bits) return new ListedMask(distinct(this.#list.subarray(0, this.#length)), this.#words);
    const count = ones(this.#bits);
    return count > FEW_TOKENS ? new BitMask(this.#bits, count) : new ListedMask(listed(this.#bits, count), this.#words);
  }

  #toBits(): Uint32Array {
    const bits = new Uint32Array(this.#words);
    this.#addListed(bits);
    return (this.#bits = bits);
  }

  #addListed(bits: Uint32Array): void {
    for (let i = 0; i < this.#length; i++) bits[this.#list[i]! >>> 5]! |= 1 << (this.#list[i]! & 31);
  }
}

class BitMask implements TokenMask {
  readonly bits: Uint32Array;
  readonly count: number;
  readonly ids = null;
  readonly only = undefined;

  constructor(bits: Uint32Array, count: number) {
    this.bits = bits;
    this.count = count;
  }

  has(id: number): boolean {
    return ((this.bits[id >>> 5] ?? 0) & (1 << (id & 31))) !== 0;
  }
}

class ListedMask implements TokenMask {
  readonly ids: Int32Array;
  readonly #words: number;

  constructor(ids: Int32Array, words: number) {
    this.ids = ids;
    this.#words = words;
  }

  get bits(): Uint32Array {
    const bits = new Uint32Array(this.#words);
    for (const id of this.ids) bits[id >>> 5]! |= 1 << (id & 31);
    return bits;
  }

  get count(): number {
    return this.ids.length;
  }

  get only(): number | undefined {
    return this.ids.length === 1 ? this.ids[0] : undefined;
  }

  has(id: number): boolean {
    let low = 0;
    let high = this.ids.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ids[middle]! < id) low = middle + 1;
      else high = middle;
    }
    return this.ids[low] === id;
  }
}

/** Ascending, each once, in an array of their own. */
function distinct(list: Int32Array): Int32Array {
  const sorted = list.slice().sort();
  let kept = 0;
  for (let i = 0; i < sorted.length; i++) if (i === 0 || sorted[i] !== sorted[i - 1]) sorted[kept++] = sorted[i]!;
  return kept === sorted.length ? sorted : sorted.slice(0, kept);
}

function listed(bits: Uint32Array, count: number): Int32Array {
  const ids = new Int32Array(count);
  let at = 0;
  for (let word = 0; word < bits.length; word++)
    for (let rest = bits[word]!; rest !== 0; rest &= rest - 1) ids[at++] = word * 32 + 31 - Math.clz32(rest & -rest);
  return ids;
}

function ones(bits: Uint32Array): number {
  let count = 0;
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i]!;
    if (word === 0) continue;
    let n = word - ((word >>> 1) & 0x55555555);
    n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
    count += Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
  }
  return count;
}
