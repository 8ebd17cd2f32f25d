/** A vocabulary becomes a trie. In: ids and their bytes. Out: the trie's arrays. Law: ids of the same bytes stand in ascending order. */
import type { Vocabulary } from "../tokenizer/vocabulary.ts";
import type { TrieData } from "./trie.ts";
import { NO_TOKEN, SHARED, type TrieNodes } from "./trie-nodes.ts";

/** The longest token that takes part in constrained text. Gemma's longest has 48 bytes; a hostile vocabulary stays bounded. */
export const MAX_TOKEN_BYTES = 256;

/** Looks at every token once: 0.2 s for 262,144 entries, besides making their bytes. */
export function buildTrie(vocabulary: Vocabulary): TrieData {
  const { size } = vocabulary;
  const tokens = new TokenBytes(vocabulary);
  const same = new Int32Array(size).fill(NO_TOKEN);
  return { nodes: nodesOf(tokens, same), size, longestOfAll: tokens.longestOfAll, same };
}

/** The tokens come in order of their bytes. */
function nodesOf({ flat, start, ids }: TokenBytes, same: Int32Array): TrieNodes {
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
  const token = new Int32Array(capacity).fill(NO_TOKEN);
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
    same[id] = token[node]! < 0 ? NO_TOKEN : token[node]! & ~SHARED;
    token[node] = token[node]! < 0 ? id : id | SHARED;
  });
  for (; at > 0; at--) skip[open[at]!] = count;
  return { count, byte, depth, skip, token };
}

/** All bytes of a vocabulary in one array, and the ordinary ids in order of their bytes. */
class TokenBytes {
  readonly flat: Uint8Array;
  /** Where each id's bytes start; those of id end at start[id + 1]. */
  readonly start: Uint32Array;
  readonly ids: Uint32Array;
  /** Bytes of the longest token, those that are too long included. */
  readonly longestOfAll: number;

  constructor(vocabulary: Vocabulary) {
    const pieces: (Uint8Array | undefined)[] = [];
    this.start = new Uint32Array(vocabulary.size + 1);
    let total = 0;
    let ordinary = 0;
    let longest = 0;
    for (let id = 0; id < vocabulary.size; id++) {
      const bytes = vocabulary.bytes(id);
      if (bytes && bytes.length > longest) longest = bytes.length;
      const piece = bytes && bytes.length > 0 && bytes.length <= MAX_TOKEN_BYTES ? bytes : undefined;
      pieces.push(piece);
      this.start[id] = total;
      if (piece) {
        total += piece.length;
        ordinary++;
      }
    }
    this.start[vocabulary.size] = total;
    this.longestOfAll = longest;
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
}
