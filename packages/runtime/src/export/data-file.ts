/**
 * Writes one data file. In: its plan, and who writes a weight's arrays. Out: the file, its size and SHA-256. Law: what a cut-off run left
 * of it is overwritten; when the promise resolves, the bytes are on the disk and not in a cache that a power failure empties.
 */
import { createHash, type Hash } from "node:crypto";
import { open, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { ExportError } from "../errors.ts";
import type { Manifest } from "../manifest.ts";
import type { ArraySink } from "../weights/materialize.ts";
import type { PlacedWeight } from "../weights/storage.ts";
import type { FileRange } from "../weights/weight.ts";
import type { DataFile } from "./plan.ts";

export type FileEntry = Manifest["files"][number];

/** Told of bytes as they are written, and of the weight they belong to. */
export type OnBytes = (bytes: number, weight: string) => void;

/**
 * @throws ExportError `export/disk-full`, `export/wrong-length`, and what `write` throws
 */
export async function writeDataFile(
  directory: string,
  file: DataFile,
  write: (weight: PlacedWeight, sink: ArraySink) => Promise<void>,
  onBytes: OnBytes,
): Promise<FileEntry> {
  const handle = await open(join(directory, file.name), "w");
  try {
    const sink = new FileSink(handle, file.name);
    for (const weight of file.weights) {
      sink.onBytes = (bytes) => onBytes(bytes, weight.spec.name);
      await write(weight, sink);
    }
    await diskGuarded(() => handle.sync());
    return { name: file.name, bytes: sink.length, sha256: sink.digest() };
  } finally {
    await handle.close();
  }
}

/** A file that grows and is hashed as it does. */
class FileSink implements ArraySink {
  readonly #handle: FileHandle;
  readonly #name: string;
  readonly #hash: Hash = createHash("sha256");
  length = 0;
  onBytes: (bytes: number) => void = () => {};

  constructor(handle: FileHandle, name: string) {
    this.#handle = handle;
    this.#name = name;
  }

  async write({ offset, length }: FileRange, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    await this.#append(new Uint8Array(offset - this.length));
    for await (const chunk of chunks) await this.#append(chunk);
    if (this.length === offset + length) return;
    throw new ExportError("export/wrong-length", `an array in ${this.#name} has ${this.length - offset} bytes, expected ${length}`, {
      hint: "a mistake in the runtime: report it with the name of the checkpoint",
    });
  }

  digest(): string {
    return this.#hash.digest("hex");
  }

  async #append(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    await diskGuarded(() => this.#handle.writeFile(bytes)); // writes at the handle's position until all is written
    this.length += bytes.byteLength;
    this.onBytes(bytes.byteLength);
  }
}

/** Runs something that writes. @throws ExportError `export/disk-full` where the system says so */
export async function diskGuarded<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    if (!hasCode(cause, "ENOSPC", "EDQUOT")) throw cause;
    throw new ExportError("export/disk-full", "the disk became full during the export", {
      hint: "free some space and run the same export again: it goes on where it stopped",
      cause,
    });
  }
}

/** Whether an error is the system's, with one of these codes. */
export function hasCode(cause: unknown, ...codes: string[]): boolean {
  return typeof cause === "object" && cause !== null && "code" in cause && codes.includes(String(cause.code));
}
