/**
 * Node × vocabulary → the tokens that may follow. In: a node of the automaton. Out: a bitset over ids.
 * Law: a token is allowed if and only if its bytes can be read from the node; free text costs a copy, not a walk.
 */
import { controlsOf, type Automaton, type Node } from "./automaton.ts";
import type { TokenMask } from "./token-mask.ts";
import type { TrieNodes, VocabularyTrie } from "./trie.ts";

/** The mask of a node, computed once. */
export function maskOf(automaton: Automaton, node: Node, trie: VocabularyTrie): TokenMask {
  if (node.mask) return node.mask;
  const canonical = automaton.canonical(node, trie.longest);
  canonical.mask ??= compute(automaton, canonical, trie);
  node.mask = canonical.mask;
  return node.mask;
}

function compute(automaton: Automaton, node: Node, trie: VocabularyTrie): TokenMask {
  const bits = new Uint32Array((trie.size + 31) >>> 5);
  const walked = node.tops.filter((top) => {
    const alphabet = top.part.free(top.state, trie.longest);
    if (!alphabet) return true;
    const slice = trie.slice(alphabet);
    for (let word = 0; word < bits.length; word++) bits[word]! |= slice.bits[word]!;
    walk(automaton, automaton.of([top]), slice.others, trie.same, bits);
    return false;
  });
  if (walked.length > 0) walk(automaton, walked.length === node.tops.length ? node : automaton.of(walked), trie.nodes, trie.same, bits);
  for (const id of controlsOf(node)) bits[id >>> 5]! |= 1 << (id & 31);
  return new BitMask(bits);
}

/** Sets the bits of all tokens of the trie that can be read from `start`. */
function walk(automaton: Automaton, start: Node, nodes: TrieNodes, same: Int32Array, bits: Uint32Array): void {
  const { count, byte, depth, skip, token } = nodes;
  const path: Node[] = [start];
  for (let i = 0; i < count;) {
    const at = depth[i]!;
    const next = automaton.step(path[at - 1]!, byte[i]!);
    if (!next) {
      i = skip[i]!;
      continue;
    }
    path[at] = next;
    for (let id = token[i]!; id >= 0; id = same[id]!) bits[id >>> 5]! |= 1 << (id & 31);
    i++;
  }
}

class BitMask implements TokenMask {
  readonly bits: Uint32Array;
  readonly count: number;
  readonly only: number | undefined;

  constructor(bits: Uint32Array) {
    this.bits = bits;
    let count = 0;
    let last = 0;
    bits.forEach((word, index) => {
      if (word === 0) return;
      count += ones(word);
      last = index * 32 + 31 - Math.clz32(word);
    });
    this.count = count;
    this.only = count === 1 ? last : undefined;
  }

  has(id: number): boolean {
    return ((this.bits[id >>> 5] ?? 0) & (1 << (id & 31))) !== 0;
  }
}

function ones(word: number): number {
  let n = word - ((word >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
