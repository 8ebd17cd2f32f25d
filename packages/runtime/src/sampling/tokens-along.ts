/** The vocabulary's tokens along a text. In: a trie, a text and a place in it. Out: the ids of the tokens that the text has from there on. */
import { idsAt, type TrieNodes } from "../constraint/trie-nodes.ts";
import type { VocabularyTrie } from "../constraint/trie.ts";

/** A text by its bytes; −1 behind its end. */
interface Text {
  byte(offset: number): number;
}

export class TokensAlong {
  readonly #nodes: TrieNodes;
  readonly #same: Int32Array;
  /** The node of each first byte, or −1. */
  readonly #roots = new Int32Array(256).fill(-1);

  constructor({ nodes, same }: VocabularyTrie) {
    this.#nodes = nodes;
    this.#same = same;
    for (let node = 0; node < nodes.count; node = nodes.skip[node]!) this.#roots[nodes.byte[node]!] = node;
  }

  /** Adds the tokens whose bytes the text has from `offset` on. */
  collect(text: Text, offset: number, ids: Set<number>): void {
    const first = text.byte(offset);
    let node = first < 0 ? -1 : this.#roots[first]!;
    for (let at = offset + 1; node >= 0; at++) {
      this.#add(node, ids);
      node = this.#child(node, text.byte(at));
    }
  }

  /** Adds the tokens that begin with one of these bytes. */
  addBeginningWith(bytes: ReadonlySet<number>, ids: Set<number>): void {
    for (const byte of bytes) {
      const root = this.#roots[byte]!;
      if (root < 0) continue;
      for (let node = root; node < this.#nodes.skip[root]!; node++) this.#add(node, ids);
    }
  }

  #child(parent: number, byte: number): number {
    const { byte: bytes, skip } = this.#nodes;
    const end = skip[parent]!;
    for (let node = parent + 1; node < end; node = skip[node]!) if (bytes[node] === byte) return node;
    return -1;
  }

  #add(node: number, ids: Set<number>): void {
    for (const id of idsAt(this.#nodes.token[node]!, this.#same)) ids.add(id);
  }
}
