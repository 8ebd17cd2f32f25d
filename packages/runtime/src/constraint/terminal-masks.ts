/**
 * What a terminal in a state makes of the vocabulary, whatever grammar it stands in; kept with the trie, so that grammars share it.
 * In: a terminal, a state, the bytes that may follow when it ends. Out: the tokens that stay within it, and those that may leave it, which
 * the grammar must look at. Law: a token that is in neither cannot be read.
 */
import { exitsOf, NO_EXITS, type Exits } from "./exits.ts";
import type { Follow } from "./follow.ts";
import type { Terminal } from "./part.ts";
import { LINE_TEXT } from "./alphabet.ts";
import { hasLineByte } from "./stays.ts";
import { TerminalTable, UNKNOWN } from "./terminal-table.ts";
import { TokenMaskBuilder, type TokenMask } from "./token-mask.ts";
import { Subtrie, type TrieNodes } from "./trie-nodes.ts";
import type { Slice, VocabularyTrie } from "./trie.ts";

export interface TerminalMask {
  readonly within: TokenMask;
  /** The others that can be read if the terminal ends among their bytes. */
  readonly leaving: TrieNodes;
  /** What is left of those behind its end: all that the grammar must look at where it does not matter what the terminal read. */
  readonly exits: Exits;
}

/** Bytes of what is kept for one vocabulary, about. */
const MAX_BYTES = 2 ** 26;
/** Bytes of an entry besides its arrays, about. */
const ENTRY_BYTES = 256;

/** Bytes of the tokens in the slices that serve texts with less room than the longest token takes. Below, a walk is as short as the rest. */
const SHORT = [32, 24, 16, 12, 8];

/** In place of the bytes that may follow, where no token goes on behind the terminal's end. */
const ANYTHING = "anything";

/** Beyond this share of the trie's nodes it is as well walked whole: subtrees are larger than their first nodes. */
const MOST_STRUCK = 4;

interface Kept extends TerminalMask {
  readonly bytes: number;
  forget(): void;
}

export class TerminalMasks {
  readonly #trie: VocabularyTrie;
  readonly #tables = new WeakMap<Terminal, TerminalTable>();
  readonly #kept = new WeakMap<Terminal, Map<number, Map<string, Kept>>>();
  /** Least recently used first. */
  readonly #order = new Set<Kept>();
  #bytes = 0;

  constructor(trie: VocabularyTrie) {
    this.#trie = trie;
  }

  /** Of `state` as the terminal's `canonical` gives it. @param followed Asked where a token may go on behind the terminal's end */
  of(part: Terminal, state: number, followed: () => Follow, slices: boolean): TerminalMask {
    const home = this.#home(part, state);
    let entry = home.get(ANYTHING) ?? (home.size > 0 ? home.get(followed().key) : undefined);
    if (entry) this.#order.delete(entry);
    else {
      let follow: Follow | undefined;
      const made = this.#make(part, state, () => (follow ??= followed()).has, slices);
      const key = (follow as Follow | undefined)?.key ?? ANYTHING;
      const { within, leaving, exits } = made;
      const bytes =
        ENTRY_BYTES +
        (within.ids ? within.ids.byteLength : within.bits.byteLength) +
        11 * (leaving.count + exits.count) +
        4 * exits.ids.length;
      entry = { ...made, bytes, forget: () => this.#forget(part, state, key) };
      home.set(key, entry);
      this.#bytes += bytes;
    }
    this.#order.add(entry);
    for (const oldest of this.#order) {
      if (this.#bytes <= MAX_BYTES || oldest === entry) break;
      this.#order.delete(oldest);
      oldest.forget();
      this.#bytes -= oldest.bytes;
    }
    return entry;
  }

  /** What is kept of a terminal in a state, by the bytes that may follow. */
  #home(part: Terminal, state: number): Map<string, Kept> {
    let states = this.#kept.get(part);
    if (!states) this.#kept.set(part, (states = new Map()));
    let home = states.get(state);
    if (!home) states.set(state, (home = new Map()));
    return home;
  }

  #forget(part: Terminal, state: number, key: string): void {
    const home = this.#home(part, state);
    home.delete(key);
    if (home.size === 0) this.#kept.get(part)!.delete(state);
  }

  /** The tokens of which it is known that all of them stay within the terminal. */
  #slice(part: Terminal, state: number): Slice | undefined {
    for (const most of [this.#trie.longest, ...SHORT]) {
      const alphabet = most <= this.#trie.longest ? part.free(state, most) : undefined;
      if (alphabet) return this.#trie.shortSlice(alphabet, most);
    }
    return undefined;
  }

  /** Where most characters lead back to the state: adds the tokens within a line that can be read. The others are to be looked at. */
  #line(table: TerminalTable, part: Terminal, state: number, follow: () => Uint8Array, builder: TokenMaskBuilder): Slice | undefined {
    const stays = part.stays?.(state);
    if (!stays || hasLineByte(follow()) || MOST_STRUCK * this.#trie.line.others(stays) > this.#trie.nodes.count) return undefined;
    const slice = this.#trie.slice(LINE_TEXT);
    builder.addBits(slice.bits);
    strike(table, state, this.#trie.line.first(stays, this.#trie.nodes.skip), this.#trie, builder);
    return slice;
  }

  #make(part: Terminal, state: number, follow: () => Uint8Array, slices: boolean): TerminalMask {
    const trie = this.#trie;
    const builder = new TokenMaskBuilder(trie.size);
    const slice = slices ? this.#slice(part, state) : undefined;
    let table = this.#tables.get(part);
    if (!table || table.full) {
      table = new TerminalTable(part);
      this.#tables.set(part, table);
    }
    const line = slices && !slice ? this.#line(table, part, state, follow, builder) : undefined;
    if (slice) builder.addBits(slice.bits);
    const leaving = read(table, state, follow, (slice ?? line)?.others ?? trie.nodes, trie, builder);
    return {
      within: builder.mask(),
      leaving,
      exits: leaving.count === 0 ? NO_EXITS : exitsOf(leaving, trie.same, ends(table, state, follow(), leaving, trie.longest)),
    };
  }
}

/** Takes out the tokens within a line that cannot be read: below nodes up to which the terminal has stayed in its state. */
function strike(table: TerminalTable, state: number, first: Int32Array, trie: VocabularyTrie, builder: TokenMaskBuilder): void {
  const { nodes, line, same, longest } = trie;
  const { byte, depth, skip, token } = nodes;
  const numbers = new Int32Array(longest + 1);
  const start = table.number(state);
  for (const top of first) {
    numbers[depth[top]! - 1] = start;
    for (let i = top; i < skip[top]!;) {
      if (line.within[i] === 0) {
        i = skip[i]!;
        continue;
      }
      const at = depth[i]!;
      const from = numbers[at - 1]!;
      const known = table.next[256 * from + byte[i]!]!;
      const to = known === UNKNOWN ? table.resolve(from, byte[i]!) : known;
      if (to >= 0) {
        numbers[at] = to;
        i++;
        continue;
      }
      for (const end = skip[i]!; i < end; i++) if (line.within[i] === 1 && token[i]! >= 0) builder.removeAt(token[i]!, same);
    }
  }
}

/** Adds the tokens that stay within the terminal, and returns the trie of the others that could be read if it ended among their bytes. */
function read(
  table: TerminalTable,
  state: number,
  follow: () => Uint8Array,
  nodes: TrieNodes,
  { same, longest }: VocabularyTrie,
  within: TokenMaskBuilder,
): TrieNodes {
  const { count, byte, depth, skip, token } = nodes;
  const leaving = new Subtrie(nodes);
  const path = new Int32Array(longest + 1);
  const numbers = new Int32Array(longest + 1);
  numbers[0] = table.number(state);
  let { next, accepts } = table;
  /** Up to here the terminal may have ended before. */
  let left = 0;
  for (let i = 0; i < count;) {
    const at = depth[i]!;
    const from = numbers[at - 1]!;
    const by = byte[i]!;
    if (i >= left && accepts[from] === 1 && at > 1 && follow()[by] === 1) left = skip[i]!;
    let to = next[256 * from + by]!;
    if (to === UNKNOWN) {
      to = table.resolve(from, by);
      ({ next, accepts } = table);
    }
    if (to < 0) {
      if (i < left) leaving.takeAll(i, path);
      i = skip[i]!;
      continue;
    }
    numbers[at] = to;
    path[at] = i;
    within.addAt(token[i]!, same);
    i++;
  }
  return leaving.nodes();
}

/** The nodes that are the first behind an end of the terminal. */
function ends(table: TerminalTable, state: number, follow: Uint8Array, nodes: TrieNodes, longest: number): readonly number[] {
  const { count, byte, depth, skip } = nodes;
  const found: number[] = [];
  const numbers = new Int32Array(longest + 1);
  numbers[0] = table.number(state);
  for (let i = 0; i < count;) {
    const at = depth[i]!;
    const from = numbers[at - 1]!;
    const by = byte[i]!;
    if (at > 1 && table.accepts[from] === 1 && follow[by] === 1) found.push(i);
    const known = table.next[256 * from + by]!;
    const to = known === UNKNOWN ? table.resolve(from, by) : known;
    numbers[at] = to;
    i = to < 0 ? skip[i]! : i + 1;
  }
  return found;
}
