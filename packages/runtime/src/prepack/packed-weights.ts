/**
 * Packed weights on disk: a file of blobs, each on a page, and an index. In: a directory. Out: where each blob lies. Law: what is read back
 * is whole: the index has a checksum of its own, the blobs have the size (and, when asked, the contents) that it says.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import { SessionError } from "../errors.ts";

export const BLOBS_FILE = "blobs.bin";
const INDEX_FILE = "index.json";

/** Blobs begin on pages: they are mapped, and hold pointers aligned from their base, which fail anywhere else. */
export const PAGE = 4096;

/** Some 100 bytes a weight: 100,000 weights. */
const MAX_INDEX_BYTES = 2 ** 24;

const rangeSchema = z.object({ offset: z.int().nonnegative().multipleOf(PAGE), length: z.int().positive() });

const indexSchema = z.object({
  bytes: z.int().positive(),
  sha256: z.string(),
  /** The weight whose reference carries the blobs: ONNX Runtime finds blobs only in the file where a weight's own data lie. */
  carrier: z.object({ name: z.string(), range: rangeSchema }),
  /** By ONNX Runtime's key, which has the hash of the packed bytes. */
  packed: z.array(z.object({ key: z.string().min(1), blobs: z.array(rangeSchema).min(1) })),
});

export type PackedIndex = z.infer<typeof indexSchema>;

/** Blobs that can be mapped. */
export interface PackedWeights extends PackedIndex {
  /** Absolute path of the blobs. */
  readonly path: string;
}

/** Writes the index, last of all: where there is none, there are no packed weights. */
export async function writeIndex(directory: string, index: PackedIndex): Promise<void> {
  const text = JSON.stringify(index);
  await writeFile(join(directory, INDEX_FILE), `${sha256(text)}\n${text}`, { flush: true });
}

/**
 * Reads packed weights back; `verify` reads the blobs whole and compares their checksum. Null when there are none.
 * @throws SessionError `session/prepack-failed` when they are damaged
 */
export async function readPackedWeights(directory: string, verify: boolean): Promise<PackedWeights | null> {
  const path = join(directory, BLOBS_FILE);
  const text = await readIndex(join(directory, INDEX_FILE));
  if (text === null) return null;
  const [hash, json] = [text.slice(0, 64), text.slice(65)];
  if (sha256(json) !== hash) throw damaged(directory, "the index has another checksum than it says");
  const { success, data } = indexSchema.safeParse(JSON.parse(json));
  if (!success) throw damaged(directory, "the index is not of the form");
  const end = [data.carrier.range, ...data.packed.flatMap(({ blobs }) => blobs)].reduce((max, r) => Math.max(max, r.offset + r.length), 0);
  const { size } = await stat(path);
  // Reading beyond the end of a mapped file kills the process.
  if (size !== data.bytes || end > size) throw damaged(directory, `the blobs have ${size} bytes, expected ${Math.max(data.bytes, end)}`);
  if (verify && (await fileHash(path)) !== data.sha256) throw damaged(directory, "the blobs have another SHA-256 than the index says");
  return { ...data, path };
}

async function readIndex(path: string): Promise<string | null> {
  try {
    const { size } = await stat(path);
    if (size > MAX_INDEX_BYTES) throw damaged(path, `the index has ${size} bytes, expected at most ${MAX_INDEX_BYTES}`);
    return await readFile(path, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return null;
    throw cause;
  }
}

async function fileHash(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash);
  return hash.digest("hex");
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

function damaged(path: string, what: string): SessionError {
  return new SessionError("session/prepack-failed", `the packed weights in ${path} are damaged: ${what}`, {
    hint: "they are made again at the next load",
  });
}
