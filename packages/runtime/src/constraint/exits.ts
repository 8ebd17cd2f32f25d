/**
 * What is left of tokens behind the end of a terminal, as a trie: many tokens, few such rests. In: nodes of a trie of tokens, each the first
 * behind an end. Out: the bytes from there on, and the tokens that end so. Law: a token stands once for each of its nodes that was given.
 */
import { idsAt, type TrieNodes } from "./trie-nodes.ts";

/** Nodes in preorder; the root, where the terminal has just ended, is not among them. */
export interface Exits extends Omit<TrieNodes, "token"> {
  /** The tokens that end at node i are `ids` [`first` [i]] … `ids` [`first` [i + 1] − 1]. */
  readonly first: Int32Array;
  readonly ids: Int32Array;
}

const NONE = new Int32Array(0);
export const NO_EXITS: Exits = { count: 0, byte: new Uint8Array(0), depth: new Uint16Array(0), skip: NONE, first: NONE, ids: NONE };

/** @param same The next token with the same bytes, by id */
export function exitsOf({ byte, skip, token }: TrieNodes, same: Int32Array, starts: readonly number[]): Exits {
  const bytes: number[] = [];
  const depths: number[] = [];
  const skips: number[] = [];
  const first: number[] = [];
  const ids: number[] = [];
  /** Nodes that are reached by the same bytes become one. */
  const join = (groups: ReadonlyMap<number, readonly number[]>, depth: number) => {
    for (const [by, nodes] of groups) {
      const at = bytes.push(by) - 1;
      depths.push(depth);
      first.push(ids.length);
      for (const node of nodes) ids.push(...idsAt(token[node]!, same));
      const children = new Map<number, number[]>();
      for (const node of nodes) for (let child = node + 1; child < skip[node]!; child = skip[child]!) group(children, byte[child]!, child);
      join(children, depth + 1);
      skips[at] = bytes.length;
    }
  };
  const groups = new Map<number, number[]>();
  for (const start of starts) group(groups, byte[start]!, start);
  join(groups, 1);
  first.push(ids.length);
  return {
    count: bytes.length,
    byte: Uint8Array.from(bytes),
    depth: Uint16Array.from(depths),
    skip: Int32Array.from(skips),
    first: Int32Array.from(first),
    ids: Int32Array.from(ids),
  };
}

function group(groups: Map<number, number[]>, key: number, member: number): void {
  const members = groups.get(key);
  if (members) members.push(member);
  else groups.set(key, [member]);
}
