/**
 * The trie of a tokenizer, made once on this machine. In: a tokenizer, the hash of its files. Out: its trie, from the cache directory or
 * new. Law: whatever is wrong with the cache costs time and nothing else; a file in it is whole or not there.
 */
import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheDirectory } from "./cache-directory.ts";
import { decodeTrie, encodeTrie } from "./constraint/trie-file.ts";
import { trieOf, type VocabularyTrie } from "./constraint/trie.ts";
import { runtimeVersion } from "./runtime-version.ts";
import type { Vocabulary } from "./tokenizer/vocabulary.ts";

/** Below this a trie is made in less time than it takes to find out that one is kept. */
const MIN_SIZE = 1_000;
/** Gemma's has 8 MB. */
const MAX_BYTES = 2 ** 28;

/** The trie of a vocabulary. @param filesHash SHA-256 of the files that it was read from */
export async function keptTrie(vocabulary: Vocabulary, filesHash: string, directory = cacheDirectory()): Promise<VocabularyTrie> {
  if (vocabulary.size < MIN_SIZE) return trieOf(vocabulary);
  // What the files mean for bytes is this version's reading of them.
  const key = createHash("sha256").update(`${runtimeVersion()} ${filesHash}`).digest();
  const folder = join(directory, "tries");
  const path = join(folder, `${key.toString("hex", 0, 16)}.trie`);
  const found = await read(path, key, vocabulary.size).catch(() => undefined);
  if (found && agrees(found, vocabulary)) return found;
  const trie = trieOf(vocabulary);
  await write(folder, path, encodeTrie(trie, key)).catch(() => undefined);
  return trie;
}

/** Samples tell whether the bytes are read as they were when the file was written, which the key cannot while this code is worked on. */
const SAMPLES = 256;

function agrees(trie: VocabularyTrie, vocabulary: Vocabulary): boolean {
  const step = Math.max(1, Math.floor(vocabulary.size / SAMPLES));
  for (let id = 0; id < vocabulary.size; id += step) {
    const bytes = vocabulary.bytes(id);
    if (bytes && bytes.length <= trie.longest && !trie.has(id, bytes)) return false;
  }
  return true;
}

async function read(path: string, key: Uint8Array, size: number): Promise<VocabularyTrie | undefined> {
  const file = await open(path, "r");
  try {
    const found = await file.stat();
    if (!found.isFile() || found.size > MAX_BYTES) return undefined;
    const bytes = new Uint8Array(found.size); // a buffer of its own: the trie's arrays are views of it
    let at = 0;
    while (at < bytes.length) {
      const { bytesRead } = await file.read(bytes, at, bytes.length - at, at);
      if (bytesRead === 0) return undefined;
      at += bytesRead;
    }
    return decodeTrie(bytes, key, size);
  } finally {
    await file.close();
  }
}

async function write(folder: string, path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(folder, { recursive: true });
  const temporary = `${path}.${randomUUID()}`;
  try {
    await writeFile(temporary, bytes, { flag: "wx", mode: 0o600 });
    await rename(temporary, path);
  } catch (thrown) {
    await rm(temporary, { force: true });
    throw thrown;
  }
}
