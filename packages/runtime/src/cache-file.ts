/**
 * What a model remembers of its conversations, as a file. In: its pool of sequences and the ids of its replies. Out: the same in another
 * process, so that the next turn of a conversation computes only what is new. Law: a file is whole or not there; what it says of sizes is
 * believed only as far as the file is long. Little-endian:
 *
 * | Offset | | |
 * |---|---|---|
 * | 0 | 8 bytes | `orrerych` |
 * | 8 | u32 | version of this layout, 1 |
 * | 12 | u32 J | bytes of the JSON |
 * | 16 | u32 S | sequences |
 * | 20 | J bytes | `{ fingerprint, replies: [[key, ids], …] }` |
 * | | 32 bytes | SHA-256 of all before |
 * | | | S times: u64 bytes of a snapshot, the snapshot (session/snapshot.ts); least recently used first |
 */
import { createHash, randomUUID } from "node:crypto";
import { open, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { SessionError } from "./errors.ts";
import type { ReplyMemory } from "./prompt/memory.ts";
import type { SequencePool } from "./sequence/pool.ts";
import type { Session } from "./session/session.ts";
import { noSnapshots } from "./session/remote-sequence.ts";
import { checkFingerprint, damaged, wrongVersion } from "./session/snapshot.ts";

const MAGIC = "orrerych";
const VERSION = 1;
const HEAD_BYTES = 20;
const HASH_BYTES = 32;
/** A million ids, all that a memory holds, are 7 MB. */
const MAX_JSON_BYTES = 2 ** 26;

const contentSchema = z.object({ fingerprint: z.unknown(), replies: z.array(z.tuple([z.string(), z.array(z.int().nonnegative())])) });

export interface Remembered {
  readonly session: Session;
  readonly pool: SequencePool;
  readonly memory: ReplyMemory;
}

/**
 * Writes the idle sequences, one in memory at a time. → how many. Where one cannot be written, an earlier file stays as it was.
 * @throws SessionError `session/cache-file`, `session/disposed`, `session/no-snapshots`
 */
export async function saveCache(path: string, { session, pool, memory }: Remembered): Promise<number> {
  const temporary = join(dirname(path), `.orrery-cache.${randomUUID()}`);
  if (session.fingerprint === null) throw noSnapshots();
  try {
    const file = await open(temporary, "wx", 0o600);
    let saved = 0;
    try {
      const json = Buffer.from(JSON.stringify({ fingerprint: session.fingerprint, replies: [...memory.entries()] }));
      let at = HEAD_BYTES + json.length + HASH_BYTES;
      for (const sequence of pool.idle) {
        const snapshot = await sequence.snapshot().catch((thrown: unknown) => {
          if (pool.holds(sequence)) throw thrown;
          return null; // the pool gave it up while others were written
        });
        if (snapshot === null) continue;
        const length = Buffer.alloc(8);
        length.writeBigUInt64LE(BigInt(snapshot.length));
        await writeAt(file, length, at);
        await writeAt(file, snapshot, at + 8);
        at += 8 + snapshot.length;
        saved++;
      }
      await writeAt(file, headOf(json, saved), 0);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    return saved;
  } catch (thrown) {
    await rm(temporary, { force: true });
    throw fileError(path, "written", thrown);
  }
}

/**
 * Adds what a file holds to the pool and the memory. → how many sequences.
 * @throws SessionError `session/cache-file`, `session/snapshot-damaged`, `session/snapshot-version`, `session/snapshot-mismatch`;
 * CacheMemoryError. Sequences that came before the one that could not be restored are kept: each is whole.
 */
export async function loadCache(path: string, { session, pool, memory }: Remembered): Promise<number> {
  if (session.fingerprint === null) throw noSnapshots();
  const { file, size } = await openToRead(path).catch((thrown: unknown) => {
    throw fileError(path, "read", thrown);
  });
  try {
    const reader = new Reader(file, size);
    const head = await reader.take(HEAD_BYTES, "its head");
    if (head.toString("latin1", 0, 8) !== MAGIC) throw damaged(`file does not begin with ${MAGIC}`);
    if (head.readUInt32LE(8) !== VERSION) throw wrongVersion(head.readUInt32LE(8), VERSION);
    const [jsonBytes, count] = [head.readUInt32LE(12), head.readUInt32LE(16)];
    if (jsonBytes > MAX_JSON_BYTES) throw damaged(`file names ${jsonBytes} bytes of replies, expected at most ${MAX_JSON_BYTES}`);
    const json = await reader.take(jsonBytes, "replies");
    const hash = await reader.take(HASH_BYTES, "its checksum");
    if (!createHash("sha256").update(head).update(json).digest().equals(hash)) throw damaged("file has another SHA-256 than it says");
    const replies = readContent(json, session);
    for (const [key, ids] of replies) memory.remember(key, ids);
    for (let i = 0; i < count; i++) {
      const length = (await reader.take(8, `sequence ${i}`)).readBigUInt64LE();
      pool.adopt(await session.restore(await reader.take(Number(length), `sequence ${i}`)));
    }
    if (reader.left > 0) throw damaged(`file has ${reader.left} bytes more than it speaks of`);
    return count;
  } catch (thrown) {
    throw fileError(path, "read", thrown);
  } finally {
    await file.close();
  }
}

async function openToRead(path: string): Promise<{ readonly file: FileHandle; readonly size: number }> {
  const found = await stat(path);
  if (!found.isFile()) throw new Error("it is no file"); // to open a pipe is to wait for who writes into it
  return { file: await open(path, "r"), size: found.size };
}

function headOf(json: Uint8Array, sequences: number): Uint8Array {
  const head = Buffer.alloc(HEAD_BYTES);
  head.write(MAGIC, "latin1");
  [VERSION, json.length, sequences].forEach((word, i) => head.writeUInt32LE(word, 8 + 4 * i));
  const hash = createHash("sha256").update(head).update(json).digest();
  return Buffer.concat([head, json, hash]);
}

function readContent(json: Buffer, { fingerprint, vocabularySize }: Session): z.infer<typeof contentSchema>["replies"] {
  let content: unknown;
  try {
    content = JSON.parse(json.toString("utf8"));
  } catch (cause) {
    throw damaged("file has replies that are not JSON", cause);
  }
  const parsed = contentSchema.safeParse(content);
  if (!parsed.success) throw damaged("file has replies of another form", parsed.error);
  checkFingerprint(parsed.data.fingerprint, fingerprint!);
  const bad = parsed.data.replies.flatMap(([, ids]) => ids.filter((id) => id >= vocabularySize));
  if (bad.length > 0) throw damaged(`file has the token ${bad[0]}, ids run from 0 to ${vocabularySize - 1}`);
  return parsed.data.replies;
}

/** Reads on and on, never past the end. */
class Reader {
  readonly #file: FileHandle;
  readonly #size: number;
  #at = 0;

  constructor(file: FileHandle, size: number) {
    this.#file = file;
    this.#size = size;
  }

  get left(): number {
    return this.#size - this.#at;
  }

  /** @throws SessionError `session/snapshot-damaged` when fewer bytes are left */
  async take(length: number, what: string): Promise<Buffer> {
    if (length > this.left) throw damaged(`file ends after ${this.#size} bytes, in ${what}`);
    const bytes = Buffer.allocUnsafe(length);
    for (let read = 0; read < length;) {
      const { bytesRead } = await this.#file.read(bytes, read, Math.min(length - read, 2 ** 30), this.#at + read);
      if (bytesRead === 0) throw damaged(`file was cut while it was read, in ${what}`);
      read += bytesRead;
    }
    this.#at += length;
    return bytes;
  }
}

async function writeAt(file: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let written = 0; written < bytes.length;)
    written += (await file.write(bytes, written, Math.min(bytes.length - written, 2 ** 30), at + written)).bytesWritten;
}

function fileError(path: string, verb: string, cause: unknown): SessionError {
  if (cause instanceof SessionError) return cause;
  return new SessionError("session/cache-file", `${path} cannot be ${verb}: ${cause instanceof Error ? cause.message : String(cause)}`, {
    hint: "name a file in a folder that exists, where there is room and you may write",
    cause,
  });
}
