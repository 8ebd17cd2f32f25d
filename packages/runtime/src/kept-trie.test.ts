/** A trie that is kept is the one that would be made; what is wrong with the file costs time and nothing else. */
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { JSON_SPELLING, LINE_TEXT, PLAIN_TEXT } from "./constraint/alphabet.ts";
import { buildTrie } from "./constraint/trie-build.ts";
import { decodeTrie, encodeTrie } from "./constraint/trie-file.ts";
import { idsAt, type TrieNodes } from "./constraint/trie-nodes.ts";
import { VocabularyTrie } from "./constraint/trie.ts";
import { keptTrie } from "./kept-trie.ts";
import { miniTokenizer } from "./prompt/fixtures.test.support.ts";
import type { Vocabulary } from "./tokenizer/vocabulary.ts";

const mini = miniTokenizer();
const built = new VocabularyTrie(buildTrie(mini));
let directory: string;
let path: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "orrery-trie-"));
  await keptTrie({ ...mini }, "ab", directory);
  path = join(directory, "tries", (await readdir(join(directory, "tries")))[0]!);
});
afterAll(() => rm(directory, { recursive: true }));

/** All that a trie holds, as one hash. */
function hashOf(trie: VocabularyTrie): string {
  const hash = createHash("sha256").update(JSON.stringify([trie.size, trie.longest, trie.longestOfAll, [...trie.single]]));
  const arrays = ({ count, byte, depth, skip, token }: TrieNodes) => [byte, depth, skip, token].map((array) => array.subarray(0, count));
  const slices = [PLAIN_TEXT, JSON_SPELLING, LINE_TEXT].map((alphabet) => trie.slice(alphabet));
  for (const array of [trie.same, ...arrays(trie.nodes), ...slices.flatMap(({ bits, others }) => [bits, ...arrays(others)])])
    hash.update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength)).update(`${array.length}`);
  return hash.digest("hex");
}

const expected = hashOf(built);
const expectSame = (trie: VocabularyTrie): void => expect(hashOf(trie)).toBe(expected);

/** Counts how many tokens' bytes are asked for. */
function counted(): Vocabulary & { asked: number } {
  const vocabulary = {
    ...mini,
    asked: 0,
    bytes(id: number) {
      vocabulary.asked++;
      return mini.bytes(id);
    },
  };
  return vocabulary;
}

test("what is read is what was made, and is made of its own bytes", async () => {
  expect(await readdir(join(directory, "tries"))).toHaveLength(1);
  const vocabulary = counted();
  expectSame(await keptTrie(vocabulary, "ab", directory));
  expect(vocabulary.asked).toBeLessThan(1_000);
});

test("a slice that no file has is cut from the trie that was read", async () => {
  const digits = { next: new Uint8Array(256).fill(255) };
  digits.next.fill(0, 0x30, 0x3a);
  const read = await keptTrie({ ...mini }, "ab", directory);
  const { bits, others } = read.slice(digits);
  const inside = [...Array(mini.size).keys()].filter((id) => /^[0-9]+$/.test(Buffer.from(mini.bytes(id) ?? []).toString("latin1")));
  expect([...Array(mini.size).keys()].filter((id) => ((bits[id >>> 5]! >>> (id & 31)) & 1) === 1)).toEqual(inside);
  const outside: number[] = [];
  for (const head of others.token.subarray(0, others.count)) outside.push(...idsAt(head, read.same));
  expect(outside.length + inside.length).toBe([...Array(mini.size).keys()].filter((id) => mini.bytes(id)).length);
});

test("a file that is damaged, cut short, of another version or another vocabulary is made again", async () => {
  const whole = await readFile(path);
  const changed = (at: number) => whole.with(at, whole[at]! ^ 1);
  const wrong = [
    changed(3),
    changed(20),
    changed(50),
    changed(72),
    changed(200),
    changed(whole.length - 1),
    whole.subarray(0, -4),
    Buffer.alloc(0),
    Buffer.concat([whole, whole]),
  ];
  for (const bytes of wrong) {
    await writeFile(path, bytes);
    const vocabulary = counted();
    expectSame(await keptTrie(vocabulary, "ab", directory));
    expect(vocabulary.asked).toBeGreaterThanOrEqual(mini.size);
    expect((await readFile(path)).equals(whole)).toBe(true);
  }
  expect(decodeTrie(encodeTrie(built, new Uint8Array(32)), new Uint8Array(32).fill(1), mini.size)).toBeUndefined();
  expect(decodeTrie(encodeTrie(built, new Uint8Array(32)), new Uint8Array(32), mini.size + 1)).toBeUndefined();
});

test("a file whose tokens stand at other bytes than the vocabulary says is made again", async () => {
  const swapped = { ...mini, bytes: (id: number) => mini.bytes(mini.size - 1 - id) };
  const trie = await keptTrie(swapped, "ab", directory);
  const id = [...Array(mini.size).keys()].find((one) => (swapped.bytes(one)?.length ?? 0) > 3)!;
  expect(trie.has(id, swapped.bytes(id)!)).toBe(true);
});

test("where nothing can be written, the trie is there all the same", async () => {
  await writeFile(join(directory, "file"), "");
  expectSame(await keptTrie({ ...mini }, "ab", join(directory, "file")));
});
