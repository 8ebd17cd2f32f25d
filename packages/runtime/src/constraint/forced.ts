/**
 * Forced tokens: what may be appended without asking the model. In: a node and the tokens since the last control token. Out: ids.
 * Law: only where the bytes leave no choice, and spelt as the tokenizer spells the whole text, so that the model never sees a
 * sequence of tokens that its training did not contain.
 */
import type { Tokenizer, Vocabulary } from "../tokenizer/vocabulary.ts";
import type { Automaton, Node } from "./automaton.ts";
import type { ConstraintFeatures } from "./features.ts";
import { onlyToken } from "./mask.ts";
import { CONTROL } from "./part.ts";
import type { VocabularyTrie } from "./trie.ts";

/** Bytes looked ahead at once; what is longer is forced in several turns. */
const MAX_FORCED_BYTES = 4_096;

/**
 * Of a long text only so many of its last tokens are encoded again. How a tokenizer spells what follows depends on what stands shortly
 * before it: that a window which begins in the middle of the text is spelt as it was there tells that it went into step with the text.
 */
const WINDOW = 48;
/** Where the window's own beginning is spelt otherwise, it may begin so many tokens later. */
const LATER_STARTS = 8;
/** Tokens of a text that are looked at; a text that has no more is encoded whole. */
export const MAX_SEGMENT = 2 * WINDOW;

/** A vocabulary; with `encode`, literal text is forced token by token as the tokenizer spells it. */
export type Spelling = Vocabulary & Partial<Pick<Tokenizer, "encode">>;

export interface Reading {
  readonly automaton: Automaton;
  readonly trie: VocabularyTrie;
  readonly tokenizer: Spelling;
  readonly features: ConstraintFeatures;
}

/** The next forced tokens at `node`; empty when the model must choose. @param segment The text's latest tokens, one more than {@link MAX_SEGMENT} at most */
export function forcedAt(reading: Reading, node: Node, segment: readonly number[]): readonly number[] {
  if (node.done) return [];
  if (node.only >= CONTROL) return [node.only - CONTROL];
  const spelt = node.only >= 0 ? spell(reading, node, segment) : [];
  if (spelt.length > 0) return spelt;
  const only = onlyToken(reading.automaton, node, reading.trie);
  return only === undefined ? [] : [only];
}

function spell({ automaton, tokenizer }: Reading, start: Node, segment: readonly number[]): readonly number[] {
  const encode = tokenizer.encode?.bind(tokenizer);
  if (!encode) return [];
  const forced: number[] = [];
  let node = start;
  while (node.only >= 0 && node.only < CONTROL && forced.length < MAX_FORCED_BYTES) {
    forced.push(node.only);
    node = automaton.step(node, node.only)!;
  }
  const fresh = spelt((id) => tokenizer.bytes(id), encode, segment, forced);
  // The last token might have become another one together with ordinary text that follows; a control token cannot change it.
  const closed = node.done || node.tops.every(({ part, state }) => part.only(state) >= CONTROL);
  if (!closed) fresh.pop();
  return readable(automaton, tokenizer, start, fresh);
}

/** How the tokenizer spells `forced` after `segment`; empty where it would have spelt the segment itself, or its end, otherwise. */
function spelt(bytes: Spelling["bytes"], encode: Tokenizer["encode"], segment: readonly number[], forced: readonly number[]): number[] {
  const isWhole = segment.length <= MAX_SEGMENT;
  const starts = isWhole ? [0] : Array.from({ length: LATER_STARTS }, (_, i) => segment.length - WINDOW + i);
  for (const start of starts) {
    const known = segment.slice(start);
    const text = decode([...known.flatMap((id) => [...(bytes(id) ?? [])]), ...forced]);
    if (text === undefined) continue;
    const ids = encode(text);
    if (known.every((id, i) => ids[i] === id)) return ids.slice(known.length);
  }
  return [];
}

/** The leading ids that can be read from the node: a tokenizer that normalises text may return others. */
function readable(automaton: Automaton, tokenizer: Spelling, start: Node, ids: readonly number[]): readonly number[] {
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
