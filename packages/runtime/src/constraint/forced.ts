/**
 * Forced tokens: what may be appended without asking the model. In: a node and the tokens since the last control token. Out: ids.
 * Law: only where the bytes leave no choice, and spelt as the tokenizer spells the whole text, so that the model never sees a
 * sequence of tokens that its training did not contain.
 */
import type { Tokenizer } from "../tokenizer/vocabulary.ts";
import type { Automaton, Node } from "./automaton.ts";
import { maskOf } from "./mask.ts";
import { CONTROL } from "./part.ts";
import type { VocabularyTrie } from "./trie.ts";

/** Bytes looked ahead at once; what is longer is forced in several turns. */
const MAX_FORCED_BYTES = 4_096;

export interface Reading {
  readonly automaton: Automaton;
  readonly trie: VocabularyTrie;
  readonly tokenizer: Tokenizer;
}

/** The next forced tokens at `node`; empty when the model must choose. */
export function forcedAt(reading: Reading, node: Node, segment: readonly number[]): readonly number[] {
  if (node.done) return [];
  if (node.only >= CONTROL) return [node.only - CONTROL];
  const spelt = node.only >= 0 ? spell(reading, node, segment) : [];
  if (spelt.length > 0) return spelt;
  const { only } = maskOf(reading.automaton, node, reading.trie);
  return only === undefined ? [] : [only];
}

function spell({ automaton, tokenizer }: Reading, start: Node, segment: readonly number[]): readonly number[] {
  const forced: number[] = [];
  let node = start;
  while (node.only >= 0 && node.only < CONTROL && forced.length < MAX_FORCED_BYTES) {
    forced.push(node.only);
    node = automaton.step(node, node.only)!;
  }
  const text = decode([...segment.flatMap((id) => [...(tokenizer.bytes(id) ?? [])]), ...forced]);
  if (text === undefined) return [];
  const ids = tokenizer.encode(text);
  if (segment.some((id, i) => ids[i] !== id)) return [];
  const fresh = ids.slice(segment.length);
  // The last token might have become another one together with ordinary text that follows; a control token cannot change it.
  const closed = node.done || node.tops.every(({ part, state }) => part.only(state) >= CONTROL);
  if (!closed) fresh.pop();
  return readable(automaton, tokenizer, start, fresh);
}

/** The leading ids that can be read from the node: a tokenizer that normalises text may return others. */
function readable(automaton: Automaton, tokenizer: Tokenizer, start: Node, ids: readonly number[]): readonly number[] {
  let node: Node | null = start;
  for (const [i, id] of ids.entries()) {
    const bytes = tokenizer.bytes(id);
    node = bytes && node ? automaton.run(node, bytes) : null;
    if (!node) return ids.slice(0, i);
  }
  return ids;
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text of whole characters at the front; undefined when it is not UTF-8. */
function decode(bytes: readonly number[]): string | undefined {
  let end = bytes.length;
  // At most three bytes of a character that is not complete yet.
  for (let i = 1; i <= 3 && i <= bytes.length; i++) {
    const byte = bytes[bytes.length - i]!;
    if (byte < 0x80) break;
    if (byte >= 0xc0) {
      if (i < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2)) end -= i;
      break;
    }
  }
  try {
    return UTF8.decode(Uint8Array.from(bytes.slice(0, end)));
  } catch {
    return undefined;
  }
}
