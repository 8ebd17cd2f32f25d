import type { Moves } from "@orrery/chat";
import fc from "fast-check";
import { miniTokenizer } from "../prompt/fixtures.test.support.ts";
import { GEMMA4_FORMAT } from "../prompt/format.ts";
import { createRandom } from "../sampling/random.ts";
import type { Tokenizer } from "../tokenizer/vocabulary.ts";
import { JSON_TEXT, PLAIN_TEXT } from "./alphabet.ts";
import { Automaton, type Node } from "./automaton.ts";
import { ALL_FEATURES } from "./features.ts";
import { KeptMasks } from "./kept-masks.ts";
import { spellings } from "./literals.ts";
import { compileMoves } from "./moves.ts";
import { maskOf } from "./mask.ts";
import { CONTROL, sequence } from "./part.ts";
import { length } from "./strings/index.ts";
import { textPart } from "./strings/text-part.ts";
import { idsAt } from "./trie-nodes.ts";
import { moves as anyMoves } from "./schemas.test.support.ts";
import { TokenMaskBuilder, type TokenMask } from "./token-mask.ts";
import { trieOf } from "./trie.ts";
import { text } from "./text.ts";
import { smallTokenizer } from "./vocabulary.test.support.ts";

const tokenizer = smallTokenizer([
  "call",
  "ll:",
  "a",
  "aa",
  "aaa",
  "bé",
  "é",
  "\u{1f600}",
  "12",
  "},",
  '":',
  "}]",
  "}}",
  "tru",
  "null",
  ",b:",
  ":{",
]);

/** The slow oracle: every token, read byte by byte, without masks, tries or slices. */
function legal(readable: (id: number) => boolean, size: number): number[] {
  return Array.from({ length: size }, (_, id) => id).filter(readable);
}

function advances(state: ReturnType<ReturnType<typeof compileMoves>["start"]>, id: number): boolean {
  try {
    state.advance(id);
    return true;
  } catch {
    return false;
  }
}

function fromMask(mask: { has(id: number): boolean }, size: number): number[] {
  return legal((id) => mask.has(id), size);
}

test("a mask holds exactly the tokens that the automaton can read, at every state of random replies", () => {
  fc.assert(
    fc.property(anyMoves, fc.integer(), (moves: Moves, seed) => {
      const random = createRandom(seed);
      let state = compileMoves(moves, tokenizer, GEMMA4_FORMAT).start();
      for (let step = 0; step < 25 && !state.done; step++) {
        const mask = state.mask();
        const ids = legal((id) => advances(state, id), tokenizer.size);
        expect(fromMask(mask, tokenizer.size)).toEqual(ids);
        expect(mask.count).toBe(ids.length);
        expect(mask.only).toBe(ids.length === 1 ? ids[0] : undefined);
        state = state.advance(ids[Math.floor(random() * ids.length)]!);
      }
    }),
    { numRuns: 30 },
  );
});

test("masks are the same without slices, without what is kept, and in a grammar that finds them kept", () => {
  const all = [true, false].flatMap((slices) => [true, false].map((maskCache) => ({ ...ALL_FEATURES, slices, maskCache })));
  fc.assert(
    fc.property(anyMoves, fc.integer(), (moves: Moves, seed) => {
      const random = createRandom(seed);
      let states = [...all, ALL_FEATURES].map((features) => compileMoves(moves, tokenizer, GEMMA4_FORMAT, { features }).start());
      for (let step = 0; step < 20 && !states[0]!.done; step++) {
        const masks = states.map((state) => state.mask());
        const ids = fromMask(masks[0]!, tokenizer.size);
        for (const [i, mask] of masks.entries()) {
          expect(fromMask(mask, tokenizer.size)).toEqual(ids);
          expect(mask.ids && [...mask.ids]).toEqual(masks[0]!.ids && [...masks[0]!.ids]);
          expect(mask.bits).toEqual(masks[0]!.bits);
          const short = states[i]!.shortMask();
          if (short) expect([...short.ids!]).toEqual(ids);
        }
        const id = ids[Math.floor(random() * ids.length)]!;
        states = states.map((state) => state.advance(id));
      }
    }),
    { numRuns: 30 },
  );
});

test("a text of every length has the mask that a walk over the vocabulary gives it, kept or not", () => {
  const vocabulary = miniTokenizer();
  const trie = trieOf(vocabulary);
  for (const max of [1, 3, 7, 8, 11, 12, 20, 31, 40]) {
    const quote = spellings([[34]]);
    const automaton = new Automaton(sequence(quote, textPart(length(2, Math.max(2, max)), "json"), quote));
    const node = automaton.step(automaton.start, 34)!;
    const walked = maskOf(automaton, node, trie, { ...ALL_FEATURES, slices: false, maskCache: false });
    expect(maskOf(automaton, node, trie).bits).toEqual(walked.bits);
  }
});

test("nodes forget the oldest of their large masks, and make it again", () => {
  const kept = new KeptMasks(2 ** 26); // 8 MB each
  const builder = (id: number): TokenMaskBuilder => {
    const made = new TokenMaskBuilder(1_024);
    for (let i = id; i < id + 300; i++) made.add(i);
    return made;
  };
  const nodes = Array.from({ length: 100 }, () => ({ mask: undefined as TokenMask | undefined }));
  for (const [i, node] of nodes.entries()) kept.keep(node, builder(i).mask());
  expect(nodes.filter(({ mask }) => mask).length).toBe(64);
  expect(nodes[35]!.mask).toBeUndefined();
  expect(nodes[36]!.mask?.count).toBe(300);
  const listed = new TokenMaskBuilder(1_024);
  listed.add(7);
  for (let i = 0; i < 100; i++) kept.keep({ mask: undefined }, listed.mask());
  expect(nodes.filter(({ mask }) => mask).length).toBe(64);
});

test("text, free or of every length limit, allows what its bytes allow", () => {
  const trie = trieOf(tokenizer);
  const free = [PLAIN_TEXT, JSON_TEXT].flatMap((alphabet) => [text(alphabet), text(alphabet, { visible: true })]);
  const limited = [0, 1, 2, 3, 4, 5, 6, 100, Infinity].flatMap((max) =>
    [0, 1, 3].filter((min) => min <= max).flatMap((min) => [textPart(length(min, max), "plain"), textPart(length(min, max), "json")]),
  );
  for (const part of [...free, ...limited]) {
    const automaton = new Automaton(part);
    let node: Node | null = automaton.start;
    for (const byte of Buffer.from(" a\u00e9b")) {
      if (!node) break;
      const mask = maskOf(automaton, node, trie);
      const from: Node = node;
      const ids = legal((id) => {
        const bytes = tokenizer.bytes(id);
        return (bytes ? automaton.run(from, bytes) : automaton.step(from, CONTROL + id)) !== null;
      }, tokenizer.size);
      expect(fromMask(mask, tokenizer.size)).toEqual(ids);
      node = automaton.step(node, byte);
    }
  }
});

test("a text answer may not be blank, ends only between characters, and holds no control token", () => {
  const start = compileMoves({ answer: true, calls: [], parallel: 1 }, tokenizer, GEMMA4_FORMAT).start();
  const close = tokenizer.controlId(GEMMA4_FORMAT.turnClose);
  const read = (...bytes: number[]) => bytes.reduce((state, byte) => state.advance(byte), start).mask();
  expect(start.mask().has(close)).toBe(false);
  expect(read(0x20, 0x0a).has(close)).toBe(false);
  expect(read(0x20, 0x61).has(close)).toBe(true);
  expect(read(0x61, 0xc3).has(close)).toBe(false);
  expect(read(0x61, 0xc3, 0xa9).has(close)).toBe(true);
  expect([...tokenizer.control.values()].filter((id) => read(0x61).has(id))).toEqual([close]);
});

test("an illegal token is a typed error and leaves the state as it was", () => {
  const start = compileMoves({ answer: true, calls: [], parallel: 1 }, tokenizer, GEMMA4_FORMAT).start();
  for (const id of [tokenizer.controlId(GEMMA4_FORMAT.callOpen), tokenizer.controlId(GEMMA4_FORMAT.turnClose), 0xff, tokenizer.size, -1])
    expect(() => start.advance(id)).toThrow(expect.objectContaining({ code: "constraint/illegal-token" }));
  expect(start.mask().count).toBeGreaterThan(100);
});

describe("the trie of Orrery Mini's vocabulary", () => {
  const mini: Tokenizer = miniTokenizer();

  test("holds every ordinary token once, at the node of its bytes", () => {
    const { nodes, same } = trieOf(mini);
    const path: number[] = [];
    const found: number[] = [];
    for (let node = 0; node < nodes.count; node++) {
      path.length = nodes.depth[node]! - 1;
      path.push(nodes.byte[node]!);
      if (nodes.skip[node]! <= node) throw new Error(`node ${node} skips to ${nodes.skip[node]}`);
      for (const id of idsAt(nodes.token[node]!, same)) {
        if (Buffer.compare(Buffer.from(mini.bytes(id)!), Buffer.from(path)) !== 0) throw new Error(`token ${id} stands at ${path.join()}`);
        found.push(id);
      }
    }
    expect(found.sort((a, b) => a - b)).toEqual(legal((id) => mini.bytes(id) !== undefined, mini.size));
  });

  test("free text allows each token that is well-formed UTF-8 so far", () => {
    const mask = compileMoves({ answer: true, calls: [], parallel: 1 }, mini, GEMMA4_FORMAT).start().mask();
    const decodes = (id: number) => {
      const bytes = mini.bytes(id);
      try {
        return bytes !== undefined && new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true }) !== undefined;
      } catch {
        return false;
      }
    };
    expect(fromMask(mask, mini.size)).toEqual(legal(decodes, mini.size));
  });
});
