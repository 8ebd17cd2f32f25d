/**
 * A file while it is fetched. In: pieces, in order. Out: the file in its place. Law: it is named after its content's hash, so that two
 * contents are never joined; it has one owner, and changes owners by a rename; it gets its name only when the hash is right.
 */
import { createHash, randomUUID, type Hash } from "node:crypto";
import { mkdir, open, readdir, rename, rm, stat, utimes, type FileHandle } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { HubError } from "../errors.ts";
import type { HubFile } from "./repository.ts";

const SUFFIX = ".incomplete";
const READ_BYTES = 2 ** 20;
/** An owner says so often that it lives; one that was silent for longer does not. */
const SIGN_OF_LIFE_MS = 20_000;
const DEAD_AFTER_MS = 120_000;

/** `<hash>.<host>-<pid>-<random>.incomplete` has an owner; `<hash>.incomplete` has none. */
const HOST = createHash("sha256").update(hostname()).digest("hex").slice(0, 12);
const OWNED = /\.([0-9a-f]{12})-(\d{1,10})-[0-9a-f]{8}\.incomplete$/;

export class PartialFile {
  readonly #directory: string;
  readonly #file: HubFile;
  readonly #path: string;
  #handle: FileHandle;
  #hash: Hash;
  #length = 0;
  readonly #heart: NodeJS.Timeout;

  private constructor(directory: string, file: HubFile, path: string, handle: FileHandle) {
    this.#directory = directory;
    this.#file = file;
    this.#path = path;
    this.#handle = handle;
    this.#hash = hashOf(file);
    this.#heart = setInterval(() => void touch(path), SIGN_OF_LIFE_MS).unref();
  }

  /**
   * Takes over what an earlier download left, or begins anew. Null while another process fetches the same file. Of two that come at the
   * same moment at most one gets it: each shows its name first and looks then, so that one of them at least sees the other.
   */
  static async claim(directory: string, file: HubFile): Promise<PartialFile | null> {
    await mkdir(directory, { recursive: true });
    const left = await partialsOf(directory, file);
    for (const name of left) if (await isOwned(directory, name)) return null;
    const mine = `${file.hash.value}.${HOST}-${process.pid}-${randomUUID().slice(0, 8)}${SUFFIX}`;
    const path = join(directory, mine);
    for (const name of left) {
      await touch(join(directory, name)); // a rename keeps the time, and an old one would say that its owner is gone
      if (await renamed(join(directory, name), path)) break;
    }
    const partial = new PartialFile(directory, file, path, await open(path, "a+"));
    try {
      for (const name of await partialsOf(directory, file))
        if (name !== mine && (await isOwned(directory, name))) {
          await partial.keep();
          return null;
        }
      await partial.#readBack();
    } catch (error) {
      await partial.keep();
      throw error;
    }
    return partial;
  }

  /** Bytes so far. */
  get length(): number {
    return this.#length;
  }

  /** Bytes on the disk; other than {@link length} when somebody else wrote there. */
  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  /** @throws HubError `hub/disk-full`, `hub/taken-over` */
  async append(bytes: Uint8Array): Promise<void> {
    await this.#checkOwned();
    try {
      await this.#handle.appendFile(bytes);
    } catch (cause) {
      if (!isFull(cause)) throw cause;
      throw new HubError("hub/disk-full", `the disk became full after ${this.#length} of ${this.#file.bytes} bytes of ${this.#file.path}`, {
        hint: "free some space, or set ORRERY_CACHE to a directory on a larger disk; fetching again goes on from here",
        cause,
      });
    }
    this.#hash.update(bytes);
    this.#length += bytes.byteLength;
  }

  /** Forgets what there is. @throws HubError `hub/taken-over` */
  async restart(): Promise<void> {
    await this.#checkOwned();
    await this.#handle.truncate(0);
    this.#hash = hashOf(this.#file);
    this.#length = 0;
  }

  /** The hash of what there is, hexadecimal. */
  digest(): string {
    return this.#hash.copy().digest("hex");
  }

  /** Puts the file in its place. */
  async finish(target: string): Promise<void> {
    await this.#handle.sync();
    await this.#close();
    await mkdir(dirname(target), { recursive: true });
    await rename(this.#path, target);
  }

  /** Leaves what there is for the next download. */
  async keep(): Promise<void> {
    const size = await this.size();
    await this.#close();
    if (size === 0) await rm(this.#path, { force: true });
    else await renamed(this.#path, join(this.#directory, `${this.#file.hash.value}${SUFFIX}`));
  }

  /** Removes it: it is not needed. */
  async discard(): Promise<void> {
    await this.#close();
    await rm(this.#path, { force: true });
  }

  /** Who takes a file over renames it, and writes to the same bytes: an owner that was stopped for minutes finds its name gone. */
  async #checkOwned(): Promise<void> {
    await stat(this.#path).catch((cause: unknown) => {
      throw new HubError(
        "hub/taken-over",
        `another process goes on with the download of ${this.#file.path}: this one gave no sign of life`,
        {
          hint: "fetch again: it waits for the other, or goes on from there",
          cause,
        },
      );
    });
  }

  async #close(): Promise<void> {
    clearInterval(this.#heart);
    await this.#handle.close();
  }

  async #readBack(): Promise<void> {
    const buffer = new Uint8Array(READ_BYTES);
    for (;;) {
      const { bytesRead } = await this.#handle.read(buffer, 0, READ_BYTES, this.#length);
      if (bytesRead === 0) break;
      this.#hash.update(buffer.subarray(0, bytesRead));
      this.#length += bytesRead;
    }
    if (this.#length > this.#file.bytes) await this.restart();
  }
}

/** Git hashes a blob with its size before it. */
function hashOf({ hash, bytes }: HubFile): Hash {
  return hash.algorithm === "sha256" ? createHash("sha256") : createHash("sha1").update(`blob ${bytes}\0`);
}

async function partialsOf(directory: string, { hash }: HubFile): Promise<readonly string[]> {
  return (await readdir(directory)).filter((name) => name.startsWith(`${hash.value}.`) && name.endsWith(SUFFIX));
}

/** Bytes of a file that earlier downloads, or one under way, have put on the disk. */
export async function partialBytes(directory: string, file: HubFile): Promise<number> {
  const names = await partialsOf(directory, file).catch((): string[] => []);
  const sizes = names.map((name) => stat(join(directory, name)).catch(() => null));
  return (await Promise.all(sizes)).reduce((most, found) => Math.min(file.bytes, Math.max(most, found?.size ?? 0)), 0);
}

async function isOwned(directory: string, name: string): Promise<boolean> {
  const owner = OWNED.exec(name);
  if (owner === null) return false;
  if (owner[1] === HOST && !isRunning(Number(owner[2]))) return false;
  const found = await stat(join(directory, name)).catch(() => null);
  return found !== null && Date.now() - found.mtimeMs < DEAD_AFTER_MS;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return typeof error === "object" && error !== null && "code" in error && error.code === "EPERM";
  }
}

async function touch(path: string): Promise<void> {
  const now = new Date();
  await utimes(path, now, now).catch(() => undefined); // gone meanwhile
}

async function renamed(from: string, to: string): Promise<boolean> {
  return rename(from, to).then(
    () => true,
    () => false,
  );
}

function isFull(cause: unknown): boolean {
  return typeof cause === "object" && cause !== null && "code" in cause && (cause.code === "ENOSPC" || cause.code === "EDQUOT");
}
