/**
 * Tokens that leave a text where it is: those all of whose characters lead from a state back to it. In: a trie, the bytes with which such
 * characters begin. Out: where the trie's other tokens begin to differ. Law: only of tokens within one line, as {@link LINE_TEXT} has them.
 */
import { DEAD, LINE_TEXT } from "./alphabet.ts";
import type { TrieNodes } from "./trie-nodes.ts";

/** The nodes of tokens within one line, by the byte that leads to them. */
export class LineNodes {
  /** 1 for nodes whose bytes so far stay within one line. */
  readonly within: Uint8Array;
  /** By byte that begins a character: nodes in preorder. */
  readonly #beginning: readonly Int32Array[];

  constructor({ count, byte, depth, skip }: TrieNodes, longest: number) {
    this.within = new Uint8Array(count);
    const found: number[][] = Array.from({ length: 256 }, () => []);
    const states = new Uint8Array(longest + 1);
    for (let i = 0; i < count;) {
      const at = depth[i]!;
      const before = states[at - 1]!;
      const state = LINE_TEXT.next[256 * before + byte[i]!]!;
      if (state === DEAD) {
        i = skip[i]!;
        continue;
      }
      states[at] = state;
      this.within[i] = 1;
      if (before === 0) found[byte[i]!]!.push(i);
      i++;
    }
    this.#beginning = found.map((nodes) => Int32Array.from(nodes));
  }

  /** How many nodes begin a character with one of the bytes that are not marked. */
  others(stays: Uint8Array): number {
    return this.#beginning.reduce((sum, nodes, by) => sum + (stays[by] === 1 ? 0 : nodes.length), 0);
  }

  /** Of those the ones that are below no other, in preorder. */
  first(stays: Uint8Array, skip: Int32Array): Int32Array {
    const all = Int32Array.from(this.#beginning.flatMap((nodes, by) => (stays[by] === 1 ? [] : [...nodes]))).sort();
    let count = 0;
    let end = 0;
    for (const node of all)
      if (node >= end) {
        all[count++] = node;
        end = skip[node]!;
      }
    return all.subarray(0, count);
  }
}

/** Does a byte that may follow stand within a line? */
export function hasLineByte(follow: Uint8Array): boolean {
  return follow.some((one, byte) => one === 1 && LINE_TEXT.next[byte] !== DEAD);
}

/** The code points that a byte begins in UTF-8; those outside of a line need not be looked at. */
const BEGUN: readonly (readonly [number, number] | undefined)[] = Array.from({ length: 256 }, (_, byte) => {
  if (byte < 0x80) return [byte, byte];
  if (byte < 0xc2 || byte > 0xf4) return undefined;
  if (byte < 0xe0) return [(byte & 0x1f) << 6, ((byte & 0x1f) << 6) + 0x3f];
  if (byte < 0xf0) return [Math.max(0x800, (byte & 0xf) << 12), byte === 0xed ? 0xd7ff : ((byte & 0xf) << 12) + 0xfff];
  return [Math.max(0x10000, (byte & 7) << 18), Math.min(0x10ffff, ((byte & 7) << 18) + 0x3ffff)];
});

/** 1 by byte all of whose characters are in these ranges, which ascend. */
export function beginningWithin(ranges: readonly (readonly [number, number])[]): Uint8Array {
  const stays = new Uint8Array(256);
  BEGUN.forEach((begun, byte) => {
    if (begun && covers(ranges, begun[0], begun[1])) stays[byte] = 1;
  });
  return stays;
}

function covers(ranges: readonly (readonly [number, number])[], first: number, last: number): boolean {
  let next = first;
  for (const [from, to] of ranges) {
    if (to < next) continue;
    // Line ends are in no such token.
    while (next < from && next >= 0x2028 && next <= 0x2029) next++;
    if (from > next) return next > last;
    next = to + 1;
    if (next > last) return true;
  }
  while (next >= 0x2028 && next <= 0x2029) next++;
  return next > last;
}
