/**
 * The directory of an export while it is written. In: arrays and files, one after the other. Out: where each array lies, size and SHA-256
 * of each file. Law: until `commit` the target is untouched, and a failure leaves nothing behind.
 */
import { createHash, randomUUID, type Hash } from "node:crypto";
import { access, mkdir, open, readdir, rename, rm, rmdir, statfs, writeFile, type FileHandle } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { ExportError } from "../errors.ts";
import { MANIFEST_FILE, type Manifest } from "../manifest.ts";
import type { ArraySink } from "../weights/materialize.ts";
import type { FileRange } from "../weights/weight.ts";

/** A data file grows no further than this: code hosts refuse files of more than 95 MB. A single larger array gets a file of its own. */
const FILE_BYTES = 90 * 2 ** 20;

/** ONNX Runtime maps external data by pages: large arrays start on one. Small ones start on a cache line. */
const PAGE = 4096;
const CACHE_LINE = 64;
const LARGE_ARRAY = 2 ** 16;

type FileEntry = Manifest["files"][number];

/** Bytes lost at most to the gap before an array; for the estimate of the space an export needs. */
export function alignment(bytes: number): number {
  return bytes >= LARGE_ARRAY ? PAGE : CACHE_LINE;
}

interface OpenFile {
  readonly name: string;
  readonly handle: FileHandle;
  readonly hash: Hash;
  length: number;
}

export class ExportDirectory implements ArraySink {
  readonly #target: string;
  readonly #replaces: boolean;
  /** A sibling of the target, so that the last step is a rename within one file system. */
  readonly #path: string;
  readonly #files: FileEntry[] = [];
  #current: OpenFile | undefined;
  #dataFiles = 0;
  #bytes = 0;

  private constructor(target: string, path: string, replaces: boolean) {
    this.#target = target;
    this.#path = path;
    this.#replaces = replaces;
  }

  /**
   * Prepares an export of about `bytes` bytes to `target`.
   * @throws ExportError `export/exists` for a directory with something in it, unless `overwrite` is set and it holds an export;
   * `export/disk-full`
   */
  static async create(target: string, options: { readonly bytes: number; readonly overwrite: boolean }): Promise<ExportDirectory> {
    const absolute = resolve(target);
    const replaces = await checkTarget(absolute, options.overwrite);
    await mkdir(dirname(absolute), { recursive: true });
    await checkSpace(dirname(absolute), options.bytes);
    const path = join(dirname(absolute), `.${basename(absolute)}.partial-${randomUUID().slice(0, 8)}`);
    await mkdir(path);
    return new ExportDirectory(absolute, path, replaces);
  }

  /** Where the files lie until `commit`. */
  get path(): string {
    return this.#path;
  }

  /** Files finished so far, in the order they were written. */
  get files(): readonly FileEntry[] {
    return this.#files;
  }

  /** Bytes written so far. */
  get bytes(): number {
    return this.#bytes;
  }

  async write(bytes: number, chunks: AsyncIterable<Uint8Array>): Promise<FileRange> {
    const file = await this.#fileFor(bytes);
    const gap = -file.length & (alignment(bytes) - 1);
    await this.#append(file, new Uint8Array(gap));
    const range = { file: file.name, offset: file.length, length: bytes };
    for await (const chunk of chunks) await this.#append(file, chunk);
    if (file.length !== range.offset + bytes)
      throw new ExportError("export/wrong-length", `an array in ${file.name} has ${file.length - range.offset} bytes, expected ${bytes}`, {
        hint: "a mistake in the runtime: report it with the name of the checkpoint",
      });
    return range;
  }

  /** Ends the data files; what follows are files of their own. */
  async endData(): Promise<void> {
    const file = this.#current;
    this.#current = undefined;
    if (file === undefined) return;
    await file.handle.close();
    this.#files.push({ name: file.name, bytes: file.length, sha256: file.hash.digest("hex") });
  }

  /** Writes a whole file beside the data. */
  async writeFile(name: string, content: Uint8Array | string): Promise<void> {
    const bytes = typeof content === "string" ? Buffer.from(content) : content;
    await this.#guarded(() => writeFile(join(this.#path, name), bytes));
    this.#bytes += bytes.byteLength;
    this.#files.push({ name, bytes: bytes.byteLength, sha256: createHash("sha256").update(bytes).digest("hex") });
  }

  /** Puts the finished directory in the target's place. */
  async commit(): Promise<void> {
    await this.endData();
    const old = `${this.#path}-old`;
    if (this.#replaces) await rename(this.#target, old);
    else if (await exists(this.#target)) await rmdir(this.#target); // fails if something came into it meanwhile
    try {
      await rename(this.#path, this.#target);
    } catch (cause) {
      if (this.#replaces) await rename(old, this.#target);
      throw cause;
    }
    await rm(old, { recursive: true, force: true });
  }

  /** Removes everything written. */
  async discard(): Promise<void> {
    await this.#current?.handle.close();
    this.#current = undefined;
    await rm(this.#path, { recursive: true, force: true });
  }

  async #fileFor(bytes: number): Promise<OpenFile> {
    const current = this.#current;
    if (current !== undefined && (current.length === 0 || current.length + PAGE + bytes <= FILE_BYTES)) return current;
    await this.endData();
    const name = `weights-${this.#dataFiles++}.bin`;
    const handle = await open(join(this.#path, name), "wx");
    this.#current = { name, handle, hash: createHash("sha256"), length: 0 };
    return this.#current;
  }

  async #append(file: OpenFile, bytes: Uint8Array): Promise<void> {
    file.hash.update(bytes);
    await this.#guarded(() => file.handle.writeFile(bytes)); // writes at the handle's position until all is written
    file.length += bytes.byteLength;
    this.#bytes += bytes.byteLength;
  }

  async #guarded(write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (cause) {
      if (!hasCode(cause, "ENOSPC", "EDQUOT")) throw cause;
      throw new ExportError("export/disk-full", `the disk became full after ${this.#bytes} bytes of the export`, {
        hint: "free some space, or choose another directory",
        cause,
      });
    }
  }
}

/** Whether the target is an export to be replaced. */
async function checkTarget(target: string, overwrite: boolean): Promise<boolean> {
  const entries = await readdir(target).catch((cause: unknown): string[] => {
    if (hasCode(cause, "ENOENT")) return [];
    throw new ExportError("export/exists", `${target} is no directory that an export can be written to`, {
      hint: "choose another name",
      cause,
    });
  });
  if (entries.length === 0) return false;
  if (!overwrite)
    throw new ExportError("export/exists", `${target} exists and has ${entries.length} entries`, {
      hint: "choose another directory, or overwrite the export in it",
    });
  if (!entries.includes(MANIFEST_FILE))
    throw new ExportError("export/exists", `${target} holds no ${MANIFEST_FILE}: only an earlier export is overwritten`, {
      hint: "choose another directory, or empty this one yourself",
    });
  return true;
}

function hasCode(cause: unknown, ...codes: string[]): boolean {
  return typeof cause === "object" && cause !== null && "code" in cause && codes.includes(String(cause.code));
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function checkSpace(directory: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  const free = bavail * bsize;
  if (free < bytes)
    throw new ExportError(
      "export/disk-full",
      `the export needs ${bytes} bytes, ${free} are free at ${directory}: ${bytes - free} too few`,
      {
        hint: "free some space, choose another directory, or another precision",
      },
    );
}
