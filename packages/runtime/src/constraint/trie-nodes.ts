/** Nodes of a trie of bytes, as arrays. Law: nodes stand in preorder, so a whole subtree is skipped by one addition. */

export const NO_TOKEN = -1;
/** In `token` beside an id: other ids have the same bytes. The list of those is far away in memory, and seldom needed. */
export const SHARED = 2 ** 30;

/** Nodes in preorder; the root is not among them. */
export interface TrieNodes {
  readonly count: number;
  /** The byte that leads to a node. */
  readonly byte: Uint8Array;
  /** Bytes from the root, 1 … */
  readonly depth: Uint16Array;
  /** The node after the subtree. */
  readonly skip: Int32Array;
  /** The first token that ends here, perhaps with {@link SHARED}, or −1. */
  readonly token: Int32Array;
}

/** Collects nodes of a trie, in their order, and what leads to them. `path` [depth] has the nodes that lead to the one that is taken. */
export class Subtrie {
  readonly #whole: TrieNodes;
  readonly #order: number[] = [];
  readonly #tokens: number[] = [];
  /** The latest node of each depth that is in `order`. */
  readonly #path: number[] = [];

  constructor(whole: TrieNodes) {
    this.#whole = whole;
  }

  /** A node and all below it, with their tokens. */
  takeAll(node: number, path: Int32Array): void {
    const { skip, token } = this.#whole;
    this.#lead(this.#whole.depth[node]!, path);
    for (let i = node; i < skip[node]!; i++) this.#push(i, token[i]!);
  }

  /** Those that lead to a token. */
  nodes(): TrieNodes {
    const { byte, depth } = this.#whole;
    const order: number[] = [];
    const tokens: number[] = [];
    let needed = 0; // depth of the latest node kept: its ancestors are needed
    for (let i = this.#order.length - 1; i >= 0; i--) {
      const at = depth[this.#order[i]!]!;
      if (this.#tokens[i] === NO_TOKEN && at >= needed) continue;
      needed = at;
      order.push(this.#order[i]!);
      tokens.push(this.#tokens[i]!);
    }
    order.reverse();
    tokens.reverse();
    const count = order.length;
    const skip = new Int32Array(count);
    const open: number[] = [];
    for (let i = 0; i < count; i++) {
      while (open.length > 0 && depth[order[open.at(-1)!]!]! >= depth[order[i]!]!) skip[open.pop()!] = i;
      open.push(i);
    }
    for (const i of open) skip[i] = count;
    return {
      count,
      byte: Uint8Array.from(order, (node) => byte[node]!),
      depth: Uint16Array.from(order, (node) => depth[node]!),
      skip,
      token: Int32Array.from(tokens),
    };
  }

  #lead(depth: number, path: Int32Array): void {
    for (let at = 1; at < depth; at++) if (this.#path[at] !== path[at]) this.#push(path[at]!, NO_TOKEN);
  }

  #push(node: number, token: number): void {
    this.#path[this.#whole.depth[node]!] = node;
    this.#order.push(node);
    this.#tokens.push(token);
  }
}

/** The ids that end at a node, of its `token` and the trie's `same`. */
export function idsAt(token: number, same: Int32Array): readonly number[] {
  const ids: number[] = [];
  if (token >= 0) for (let id = token & ~SHARED; id >= 0; id = token & SHARED ? same[id]! : NO_TOKEN) ids.push(id);
  return ids;
}

export interface Token {
  readonly id: number;
  readonly bytes: Uint8Array;
}

/** All tokens of a trie, those of the same bytes one after the other. */
export function tokensOf({ count, byte, depth, token }: TrieNodes, same: Int32Array): Token[] {
  const tokens: Token[] = [];
  const path: number[] = [];
  for (let node = 0; node < count; node++) {
    path.length = depth[node]! - 1;
    path.push(byte[node]!);
    for (const id of idsAt(token[node]!, same)) tokens.push({ id, bytes: Uint8Array.from(path) });
  }
  return tokens;
}
