/**
 * The vocabulary's ordinary tokens as a flat trie of bytes. In: typed arrays, built or read from a file. Out: nodes, and slices of them.
 * Law: each ordinary token stands at the node of its bytes, once.
 */
import type { Vocabulary } from "../tokenizer/vocabulary.ts";
import { DEAD, type Alphabet } from "./alphabet.ts";
import { LineNodes } from "./stays.ts";
import { TokenMaskBuilder } from "./token-mask.ts";
import { buildTrie } from "./trie-build.ts";
import { idsAt, NO_TOKEN, Subtrie, tokensOf, type Token, type TrieNodes } from "./trie-nodes.ts";

/** All tokens that stay within an alphabet, and the trie of the others. */
export interface Slice {
  readonly bits: Uint32Array;
  readonly others: TrieNodes;
}

/** All that a trie is made of. */
export interface TrieData {
  readonly nodes: TrieNodes;
  /** Ids run from 0 to size − 1. */
  readonly size: number;
  /** Bytes of the longest token of the vocabulary, those that are too long to take part included. */
  readonly longestOfAll: number;
  /** The next token with the same bytes, or −1, by id. */
  readonly same: Int32Array;
  readonly slices?: ReadonlyMap<Alphabet, Slice>;
}

export class VocabularyTrie implements TrieData {
  readonly nodes: TrieNodes;
  readonly size: number;
  /** Bytes of the longest token that takes part. */
  readonly longest: number;
  readonly longestOfAll: number;
  /** Bytes that have a token of their own. */
  readonly single: ReadonlySet<number>;
  readonly same: Int32Array;
  readonly #slices: Map<Alphabet, Slice>;
  readonly #repeating = new Map<string, readonly Token[]>();
  #line: LineNodes | undefined;
  readonly #shortSlices = new Map<Alphabet, Map<number, Slice>>();

  constructor({ nodes, size, longestOfAll, same, slices }: TrieData) {
    this.nodes = nodes;
    this.size = size;
    this.longestOfAll = longestOfAll;
    this.same = same;
    this.#slices = new Map(slices);
    this.longest = deepest(nodes.depth);
    const single = new Set<number>();
    for (let node = 0; node < nodes.count; node = nodes.skip[node]!) if (nodes.token[node] !== NO_TOKEN) single.add(nodes.byte[node]!);
    this.single = single;
  }

  /** The tokens all of whose bytes stay within the alphabet from its state 0, perhaps ending inside a character. */
  slice(alphabet: Alphabet): Slice {
    let slice = this.#slices.get(alphabet);
    if (!slice) {
      slice = this.#cut(alphabet, this.longest);
      this.#slices.set(alphabet, slice);
    }
    return slice;
  }

  /** Of those, the tokens of at most `most` bytes; longer ones are among the others. */
  shortSlice(alphabet: Alphabet, most: number): Slice {
    if (most >= this.longest) return this.slice(alphabet);
    let slices = this.#shortSlices.get(alphabet);
    if (!slices) {
      slices = new Map();
      this.#shortSlices.set(alphabet, slices);
    }
    let slice = slices.get(most);
    if (!slice) {
      slice = this.#cut(alphabet, most);
      slices.set(most, slice);
    }
    return slice;
  }

  /** Made when it is first asked for: 3 MB, and a look at every node. */
  get line(): LineNodes {
    return (this.#line ??= new LineNodes(this.nodes, this.longest));
  }

  /** The tokens that have at least `repeats` of these bytes. */
  repeating(bytes: readonly number[], repeats: number): readonly Token[] {
    const key = `${repeats} ${bytes.join()}`;
    let found = this.#repeating.get(key);
    if (!found) {
      found = this.#findRepeating(new Set(bytes), repeats);
      this.#repeating.set(key, found);
    }
    return found;
  }

  #findRepeating(bytes: ReadonlySet<number>, repeats: number): readonly Token[] {
    const { count, byte, depth, skip } = this.nodes;
    const many = new Subtrie(this.nodes);
    const path = new Int32Array(this.longest + 1);
    const seen = new Uint16Array(this.longest + 1);
    for (let i = 0; i < count;) {
      const at = depth[i]!;
      path[at] = i;
      seen[at] = seen[at - 1]! + (bytes.has(byte[i]!) ? 1 : 0);
      if (seen[at]! >= repeats) many.takeAll(i, path);
      i = seen[at]! >= repeats ? skip[i]! : i + 1;
    }
    return tokensOf(many.nodes(), this.same);
  }

  /** Whether the token stands at these bytes. */
  has(id: number, bytes: Uint8Array): boolean {
    const { count, byte, skip, token } = this.nodes;
    let [node, end] = [-1, count];
    for (const wanted of bytes) {
      node++;
      while (node < end && byte[node] !== wanted) node = skip[node]!;
      if (node >= end) return false;
      end = skip[node]!;
    }
    return node >= 0 && idsAt(token[node]!, this.same).includes(id);
  }

  #cut({ next }: Alphabet, most: number): Slice {
    const { count, byte, depth, skip, token } = this.nodes;
    const inside = new TokenMaskBuilder(this.size);
    const others = new Subtrie(this.nodes);
    const path = new Int32Array(this.longest + 1);
    const states = new Uint8Array(this.longest + 1);
    for (let i = 0; i < count;) {
      const at = depth[i]!;
      const state = at > most ? DEAD : next[256 * states[at - 1]! + byte[i]!]!;
      if (state === DEAD) {
        others.takeAll(i, path);
        i = skip[i]!;
        continue;
      }
      states[at] = state;
      path[at] = i;
      inside.addAt(token[i]!, this.same);
      i++;
    }
    return { bits: inside.mask().bits, others: others.nodes() };
  }
}

function deepest(depth: Uint16Array): number {
  let most = 0;
  for (let node = 0; node < depth.length; node++) if (depth[node]! > most) most = depth[node]!;
  return most;
}

const tries = new WeakMap<Vocabulary, VocabularyTrie>();

/** The trie of a vocabulary, built at the first call unless it was given one. */
export function trieOf(vocabulary: Vocabulary): VocabularyTrie {
  let trie = tries.get(vocabulary);
  if (!trie) {
    trie = new VocabularyTrie(buildTrie(vocabulary));
    tries.set(vocabulary, trie);
  }
  return trie;
}

/** Gives a vocabulary the trie that was made of it before. */
export function giveTrie(vocabulary: Vocabulary, trie: VocabularyTrie): void {
  tries.set(vocabulary, trie);
}
