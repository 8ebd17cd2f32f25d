/**
 * Node × vocabulary → the tokens that may follow. In: a node of the automaton. Out: a set of ids.
 * Law: a token is allowed if and only if its bytes can be read from the node, whatever features are on.
 */
import { controlsOf, ENDED, type Automaton, type Node, type Top } from "./automaton.ts";
import { ALL_FEATURES, type ConstraintFeatures } from "./features.ts";
import type { Exits } from "./exits.ts";
import { followOfBytes, withBytes, type Follow } from "./follow.ts";
import { KeptMasks } from "./kept-masks.ts";
import type { Reading } from "./part.ts";
import { TerminalMasks, type TerminalMask } from "./terminal-masks.ts";
import { FEW_TOKENS, TokenMaskBuilder, type TokenMask } from "./token-mask.ts";
import { SHARED, tokensOf, type Token, type TrieNodes } from "./trie-nodes.ts";
import type { VocabularyTrie } from "./trie.ts";

/** Of more literals than these, what each makes of the vocabulary takes longer than one walk of them all. */
const MANY_LITERALS = 256;

/** The mask of a node. */
export function maskOf(automaton: Automaton, node: Node, trie: VocabularyTrie, features: ConstraintFeatures = ALL_FEATURES): TokenMask {
  if (node.mask) return node.mask;
  const canonical = automaton.canonical(node, trie.longest);
  if (!features.maskCache) return walked(automaton, canonical, trie, features.slices);
  const mask = canonical.mask ?? joined(automaton, canonical, trie, features);
  const { nodes } = cacheOf(trie);
  if (!canonical.mask) nodes.keep(canonical, mask);
  if (node !== canonical) nodes.keep(node, mask);
  return mask;
}

/** What is kept for a vocabulary. */
interface Cache {
  readonly nodes: KeptMasks;
  readonly terminals: TerminalMasks;
}

const caches = new WeakMap<VocabularyTrie, Cache>();

function cacheOf(trie: VocabularyTrie): Cache {
  let cache = caches.get(trie);
  if (!cache) {
    cache = { nodes: new KeptMasks(trie.size), terminals: new TerminalMasks(trie) };
    caches.set(trie, cache);
  }
  return cache;
}

/** From what is known of each terminal alone, and the tokens that leave it. */
function joined(automaton: Automaton, node: Node, trie: VocabularyTrie, features: ConstraintFeatures): TokenMask {
  const controls = controlsOf(node);
  const literals = node.tops.filter(({ part, state, ending }) => ending.length === 0 && part.only(state) >= 0);
  const together = literals.length > MANY_LITERALS ? new Set(literals) : undefined;
  const others = together ? node.tops.filter((top) => !together.has(top)) : node.tops;
  const masks = others.map((top) => maskOfTop(automaton, top, trie, features));
  if (!together && masks.length === 1 && controls.size === 0) return masks[0]!;
  const builder = new TokenMaskBuilder(trie.size);
  for (const mask of masks) builder.addAll(mask);
  if (together) walk(automaton, automaton.of(literals), trie.nodes, trie.same, builder);
  for (const id of controls) builder.add(id);
  return builder.mask();
}

function maskOfTop(automaton: Automaton, top: Top, trie: VocabularyTrie, features: ConstraintFeatures): TokenMask {
  const exact = automaton.of([top]);
  const near = usually(automaton, top, trie) ?? almost(automaton, top, trie, features);
  if (near) return without(maskOf(automaton, near.node, trie, features), near.doubtful, automaton, exact, trie);
  const { part, state, below, ending } = top;
  const builder = new TokenMaskBuilder(trie.size);
  const doubtful: Token[] = [];
  for (const reader of part.readers?.(state) ?? [{ part, state, follow: [], last: true, after: below?.telling ? undefined : ENDED }]) {
    const bytes = () => (reader.last ? withBytes(automaton.follow(top), reader.follow) : followOfBytes(reader.follow));
    const like = reader.part.almost?.(reader.state);
    const { within, exits, leaving } = kept(like ?? reader, bytes, trie, features);
    builder.addAll(within);
    if (leaving.count === 0) continue;
    if (reader.after === undefined) walk(automaton, exact, leaving, trie.same, builder);
    else {
      walkExits(automaton, automaton.moved(top, reader.after), exits, builder);
      if (like?.missing) doubtful.push(...tokensOf(kept(like.missing, bytes, trie, features).leaving, trie.same));
    }
  }
  if (ending.length > 0) builder.addAll(maskOf(automaton, automaton.after(top), trie, features));
  return without(builder.mask(), doubtful, automaton, exact, trie);
}

/** What is known of a terminal in a state, whatever the grammar. */
function kept({ part, state }: Reading, follow: () => Follow, trie: VocabularyTrie, { slices }: ConstraintFeatures): TerminalMask {
  return cacheOf(trie).terminals.of(part, part.canonical(state, trie.longest), follow, slices);
}

/** A mask without those of these tokens that cannot be read. */
function without(mask: TokenMask, doubtful: readonly Token[], automaton: Automaton, exact: Node, { size }: VocabularyTrie): TokenMask {
  const wrong = doubtful.filter(({ id, bytes }) => mask.has(id) && !automaton.run(exact, bytes));
  if (wrong.length === 0) return mask;
  const builder = new TokenMaskBuilder(size);
  builder.addAll(mask);
  for (const { id } of wrong) builder.remove(id);
  return builder.mask();
}

/** A node that allows all that a top allows, and few tokens besides. */
interface Near {
  readonly node: Node;
  /** Those are among these. */
  readonly doubtful: readonly Token[];
}

/** What is read will be told; tokens that do not read it twice do not depend on it. */
function usually(automaton: Automaton, top: Top, trie: VocabularyTrie): Near | undefined {
  const found = automaton.usual(top);
  return found && { node: found.node, doubtful: trie.repeating(found.usual.among, found.usual.repeats) };
}

/** All of a language but finitely many texts: tokens that do not end one of those are the same. */
function almost(automaton: Automaton, top: Top, trie: VocabularyTrie, features: ConstraintFeatures): Near | undefined {
  const found = top.part.almost?.(top.state);
  if (!found) return undefined;
  const missing = found.missing && kept(found.missing, () => automaton.follow(top), trie, features).leaving;
  return { node: automaton.instead(top, found), doubtful: missing ? tokensOf(missing, trie.same) : [] };
}

/** From the automaton alone. */
function walked(automaton: Automaton, node: Node, trie: VocabularyTrie, slices: boolean): TokenMask {
  const builder = new TokenMaskBuilder(trie.size);
  const others = node.tops.filter((top) => {
    const alphabet = slices ? top.part.free(top.state, trie.longest) : undefined;
    if (!alphabet) return true;
    const slice = trie.slice(alphabet);
    builder.addBits(slice.bits);
    walk(automaton, automaton.of([top]), slice.others, trie.same, builder);
    return false;
  });
  if (others.length > 0) walk(automaton, others.length === node.tops.length ? node : automaton.of(others), trie.nodes, trie.same, builder);
  for (const id of controlsOf(node)) builder.add(id);
  return builder.mask();
}

/** Adds all tokens of the trie that can be read from `start`. */
function walk(automaton: Automaton, start: Node, nodes: TrieNodes, same: Int32Array, builder: TokenMaskBuilder): void {
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
    builder.addAt(token[i]!, same);
    i++;
  }
}

/** Adds all tokens of which what is left can be read from `start`. */
function walkExits(automaton: Automaton, start: Node, { count, byte, depth, skip, first, ids }: Exits, builder: TokenMaskBuilder): void {
  const path: Node[] = [start];
  for (let i = 0; i < count;) {
    const at = depth[i]!;
    const next = automaton.step(path[at - 1]!, byte[i]!);
    if (!next) {
      i = skip[i]!;
      continue;
    }
    path[at] = next;
    for (let id = first[i]!; id < first[i + 1]!; id++) builder.add(ids[id]!);
    i++;
  }
}

/** The one token that may follow, or undefined where there are several. Makes no mask of many. */
export function onlyToken(automaton: Automaton, node: Node, trie: VocabularyTrie): number | undefined {
  return (node.mask ?? few(automaton, node, trie, { tokens: 1, visits: Infinity }))?.only;
}

/** Looking whether the tokens are few may take so many nodes of the trie: some hundredths of a millisecond. */
const FEW_VISITS = 4_000;

/** The mask, where it is known or is soon found to have at most {@link FEW_TOKENS} tokens; else undefined. */
export function shortMask(automaton: Automaton, node: Node, trie: VocabularyTrie, features: ConstraintFeatures): TokenMask | undefined {
  if (node.mask) return node.mask.ids ? node.mask : undefined;
  const found = few(automaton, node, trie, { tokens: FEW_TOKENS, visits: FEW_VISITS });
  if (found && features.maskCache) node.mask = found;
  return found;
}

/** The mask, unless it has more tokens, or takes more visits to nodes of the trie. */
function few(
  automaton: Automaton,
  node: Node,
  { nodes, same, size }: VocabularyTrie,
  most: { readonly tokens: number; readonly visits: number },
): TokenMask | undefined {
  const { count, byte, depth, skip, token } = nodes;
  const builder = new TokenMaskBuilder(size);
  const path: Node[] = [node];
  let tokens = 0;
  let visits = 0;
  for (const id of controlsOf(node)) {
    builder.add(id);
    tokens++;
  }
  for (let i = 0; i < count;) {
    if (tokens > most.tokens || visits++ > most.visits) return undefined;
    const next = automaton.step(path[depth[i]! - 1]!, byte[i]!);
    if (!next) {
      i = skip[i]!;
      continue;
    }
    path[depth[i]!] = next;
    builder.addAt(token[i]!, same);
    if (token[i]! >= 0) tokens += (token[i]! & SHARED) === 0 ? 1 : 2; // or more: then they are counted at the end
    i++;
  }
  const mask = builder.mask();
  return mask.count > most.tokens ? undefined : mask;
}
