/**
 * A trie as a file, so that it is made once for each vocabulary. In: a trie, the key of its vocabulary. Out: bytes, and the trie of bytes.
 * Law: a file is taken only where it is whole and of this vocabulary; the arrays of the trie are views of its bytes. Little-endian:
 *
 * | Offset | | |
 * |---|---|---|
 * | 0 | 8 bytes | `orrerytr` |
 * | 8 | 32 bytes | SHA-256 of all that follows |
 * | 40 | 32 bytes | key of the vocabulary, SHA-256 |
 * | 72 | u32 × 8 | version, ids, bytes of the longest token, slices S, four zeros |
 * | 104 | u32 × (1 + S) | nodes of the trie, then of what lies outside each slice, each array on 4 bytes |
 * | | | `same`; then the trie; then of each slice its bits and the trie outside it: token, skip, depth, byte |
 */
import { createHash } from "node:crypto";
import { endianness } from "node:os";
import { JSON_SPELLING, LINE_TEXT, PLAIN_TEXT } from "./alphabet.ts";
import type { TrieNodes } from "./trie-nodes.ts";
import { VocabularyTrie, type Slice } from "./trie.ts";

const MAGIC = "orrerytr";
const VERSION = 2;
const HASHED_FROM = 40;
const COUNTS_AT = 104;
/** The slices that are written, in this order. */
const ALPHABETS = [PLAIN_TEXT, JSON_SPELLING, LINE_TEXT];

/** @param key SHA-256 of what the vocabulary was made of */
export function encodeTrie(trie: VocabularyTrie, key: Uint8Array): Uint8Array {
  const slices = ALPHABETS.map((alphabet) => trie.slice(alphabet));
  const tries = [trie.nodes, ...slices.map(({ others }) => others)];
  const arrays: ArrayBufferView[] = [
    trie.same,
    ...arraysOf(trie.nodes),
    ...slices.flatMap(({ bits, others }) => [bits, ...arraysOf(others)]),
  ];
  const head = COUNTS_AT + 4 * tries.length;
  const file = Buffer.alloc(arrays.reduce((sum, { byteLength }) => sum + padded(byteLength), head));
  file.write(MAGIC, "latin1");
  file.set(key, 40);
  [VERSION, trie.size, trie.longestOfAll, slices.length].forEach((number, i) => file.writeUInt32LE(number, 72 + 4 * i));
  tries.forEach(({ count }, i) => file.writeUInt32LE(count, COUNTS_AT + 4 * i));
  let at = head;
  for (const { buffer, byteOffset, byteLength } of arrays) {
    file.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += padded(byteLength);
  }
  file.set(createHash("sha256").update(file.subarray(HASHED_FROM)).digest(), 8);
  return file;
}

/** The trie; undefined for a file that is damaged, of another version or of another vocabulary. `file` starts on a multiple of 4 bytes. */
export function decodeTrie(file: Uint8Array, key: Uint8Array, size: number): VocabularyTrie | undefined {
  const words = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const head = COUNTS_AT + 4 * (1 + ALPHABETS.length);
  if (endianness() !== "LE" || file.length < head || Buffer.from(file.subarray(0, 8)).toString("latin1") !== MAGIC) return undefined;
  const word = (i: number): number => words.getUint32(72 + 4 * i, true);
  if (word(0) !== VERSION || word(1) !== size || word(3) !== ALPHABETS.length || Buffer.compare(file.subarray(40, 72), key) !== 0)
    return undefined;
  const counts = Array.from({ length: 1 + ALPHABETS.length }, (_, i) => words.getUint32(COUNTS_AT + 4 * i, true));
  const bits = (size + 31) >>> 5;
  const expected = counts.reduce((sum, count) => sum + bytesOf(count), head + 4 * size + 4 * bits * ALPHABETS.length);
  if (file.length !== expected) return undefined;
  if (!createHash("sha256").update(file.subarray(HASHED_FROM)).digest().equals(file.subarray(8, HASHED_FROM))) return undefined;

  let at = file.byteOffset + head;
  function take<T>(View: new (buffer: ArrayBufferLike, from: number, length: number) => T, bytes: number, length: number): T {
    const view = new View(file.buffer, at, length);
    at += padded(bytes * length);
    return view;
  }
  const nodes = (count: number): TrieNodes => {
    const token = take(Int32Array, 4, count);
    const skip = take(Int32Array, 4, count);
    const depth = take(Uint16Array, 2, count);
    return { count, token, skip, depth, byte: take(Uint8Array, 1, count) };
  };
  const same = take(Int32Array, 4, size);
  const whole = nodes(counts[0]!);
  const slices = ALPHABETS.map((alphabet, i): [typeof alphabet, Slice] => [
    alphabet,
    { bits: take(Uint32Array, 4, bits), others: nodes(counts[1 + i]!) },
  ]);
  return new VocabularyTrie({ nodes: whole, size, longestOfAll: word(2), same, slices: new Map(slices) });
}

function arraysOf({ token, skip, depth, byte }: TrieNodes): ArrayBufferView[] {
  return [token, skip, depth, byte];
}

function bytesOf(count: number): number {
  return 8 * count + padded(2 * count) + padded(count);
}

function padded(bytes: number): number {
  return Math.ceil(bytes / 4) * 4;
}
