/**
 * The vocabulary's ordinary tokens as a flat trie of bytes, built once per vocabulary. In: a vocabulary. Out: typed arrays.
 * Law: nodes stand in preorder, so a whole subtree is skipped by one addition.
 */
import type { Vocabulary } from "../tokenizer/vocabulary.ts";
import { DEAD, type Alphabet } from "./alphabet.ts";

/** The longest token that takes part in constrained text. Gemma's longest has 48 bytes; a hostile vocabulary stays bounded. */
const MAX_TOKEN_BYTES = 256;
const NONE = -1;

/** Nodes in preorder; the root is not among them. */
export interface TrieNodes {
  readonly count: number;
  /** The byte that leads to a node. */
  readonly byte: Uint8Array;
  /** Bytes from the root, 1 … */
  readonly depth: Uint16Array;
  /** The node after the subtree. */
  readonly skip: Int32Array;
  /** The first token that ends here, or −1. */
  readonly token: Int32Array;
}

/** All tokens that stay within an alphabet, and the trie of the others. */
export interface Slice {
  readonly bits: Uint32Array;
  readonly others: TrieNodes;
}

export class VocabularyTrie {
  readonly nodes: TrieNodes;
  readonly size: number;
  /** Bytes of the longest token. */
  readonly longest: number;
  /** Bytes that have a token of their own. */
  readonly single: ReadonlySet<number>;
  /** The next token with the same bytes, or −1, by id. */
  readonly same: Int32Array;
  readonly #tokens: TokenBytes;
  readonly #slices = new Map<Alphabet, Slice>();

  constructor(vocabulary: Vocabulary) {
    this.size = vocabulary.size;
    this.same = new Int32Array(vocabulary.size).fill(NONE);
    this.#tokens = new TokenBytes(vocabulary);
    this.nodes = this.#build(this.#tokens.ids);
    let longest = 0;
    const single = new Set<number>();
    for (let node = 0; node < this.nodes.count; node++) {
      const depth = this.nodes.depth[node]!;
      if (depth > longest) longest = depth;
      if (depth === 1 && this.nodes.token[node] !== NONE) single.add(this.nodes.byte[node]!);
    }
    this.longest = longest;
    this.single = single;
  }

  /** The tokens all of whose bytes stay within the alphabet from its state 0, perhaps ending inside a character. */
  slice(alphabet: Alphabet): Slice {
    const known = this.#slices.get(alphabet);
    if (known) return known;
    const bits = new Uint32Array((this.size + 31) >>> 5);
    const others: number[] = [];
    for (const id of this.#tokens.ids) {
      if (this.#tokens.within(alphabet, id)) bits[id >>> 5]! |= 1 << (id & 31);
      else others.push(id);
    }
    const slice = { bits, others: this.#build(Uint32Array.from(others)) };
    this.#slices.set(alphabet, slice);
    return slice;
  }

  /** Builds the nodes of these tokens, which come in order of their bytes. */
  #build(ids: Uint32Array): TrieNodes {
    const { flat, start } = this.#tokens;
    let capacity = 0;
    let previous = -1;
    const shared = new Uint16Array(ids.length);
    ids.forEach((id, i) => {
      const length = start[id + 1]! - start[id]!;
      let prefix = 0;
      if (previous >= 0) {
        const most = Math.min(length, start[previous + 1]! - start[previous]!);
        while (prefix < most && flat[start[id]! + prefix] === flat[start[previous]! + prefix]) prefix++;
      }
      shared[i] = prefix;
      capacity += length - prefix;
      previous = id;
    });
    const byte = new Uint8Array(capacity);
    const depth = new Uint16Array(capacity);
    const skip = new Int32Array(capacity);
    const token = new Int32Array(capacity).fill(NONE);
    const open = new Int32Array(MAX_TOKEN_BYTES + 1);
    let count = 0;
    let at = 0;
    ids.forEach((id, i) => {
      const prefix = shared[i]!;
      const length = start[id + 1]! - start[id]!;
      for (; at > prefix; at--) skip[open[at]!] = count;
      for (; at < length; count++) {
        byte[count] = flat[start[id]! + at]!;
        at++;
        depth[count] = at;
        open[at] = count;
      }
      const node = open[length]!;
      this.same[id] = token[node]!;
      token[node] = id;
    });
    for (; at > 0; at--) skip[open[at]!] = count;
    return { count, byte, depth, skip, token };
  }
}

/** All bytes of a vocabulary in one array, and the ordinary ids in order of their bytes. */
class TokenBytes {
  readonly flat: Uint8Array;
  /** Where each id's bytes start; those of id end at start[id + 1]. */
  readonly start: Uint32Array;
  readonly ids: Uint32Array;

  constructor(vocabulary: Vocabulary) {
    const pieces: (Uint8Array | undefined)[] = [];
    this.start = new Uint32Array(vocabulary.size + 1);
    let total = 0;
    let ordinary = 0;
    for (let id = 0; id < vocabulary.size; id++) {
      const bytes = vocabulary.bytes(id);
      const piece = bytes && bytes.length > 0 && bytes.length <= MAX_TOKEN_BYTES ? bytes : undefined;
      pieces.push(piece);
      this.start[id] = total;
      if (piece) {
        total += piece.length;
        ordinary++;
      }
    }
    this.start[vocabulary.size] = total;
    this.flat = new Uint8Array(total);
    this.ids = new Uint32Array(ordinary);
    let next = 0;
    pieces.forEach((piece, id) => {
      if (!piece) return;
      this.flat.set(piece, this.start[id]!);
      this.ids[next++] = id;
    });
    this.#sort();
  }

  /** By the first two bytes in one counting pass, then each small group by comparison. */
  #sort(): void {
    const { flat, start } = this;
    const keyOf = (id: number) => {
      const from = start[id]!;
      return flat[from]! * 257 + (start[id + 1]! - from > 1 ? flat[from + 1]! + 1 : 0);
    };
    const groups = new Uint32Array(256 * 257 + 1);
    for (const id of this.ids) groups[keyOf(id) + 1]!++;
    for (let i = 1; i < groups.length; i++) groups[i]! += groups[i - 1]!;
    const place = groups.slice();
    for (const id of this.ids.slice()) this.ids[place[keyOf(id)]!++] = id;
    for (let group = 0; group + 1 < groups.length; group++)
      if (groups[group + 1]! - groups[group]! > 1) this.ids.subarray(groups[group], groups[group + 1]).sort((a, b) => this.#compare(a, b));
  }

  #compare(a: number, b: number): number {
    const { flat, start } = this;
    const endA = start[a + 1]!;
    const endB = start[b + 1]!;
    let i = start[a]! + 2;
    let j = start[b]! + 2;
    for (; i < endA && j < endB; i++, j++) if (flat[i] !== flat[j]) return flat[i]! - flat[j]!;
    return endA - i - (endB - j) || b - a;
  }

  within(alphabet: Alphabet, id: number): boolean {
    let state = 0;
    for (let i = this.start[id]!; i < this.start[id + 1]!; i++) {
      state = alphabet.next[256 * state + this.flat[i]!]!;
      if (state === DEAD) return false;
    }
    return true;
  }
}

const tries = new WeakMap<Vocabulary, VocabularyTrie>();

/** The trie of a vocabulary, built at the first call. */
export function trieOf(vocabulary: Vocabulary): VocabularyTrie {
  let trie = tries.get(vocabulary);
  if (!trie) {
    trie = new VocabularyTrie(vocabulary);
    tries.set(vocabulary, trie);
  }
  return trie;
}
