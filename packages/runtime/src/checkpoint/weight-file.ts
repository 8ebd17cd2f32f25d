/**
 * A file of weights, read by position. In: a path. Out: exactly the bytes asked for, or a CheckpointError that names the file.
 * Law: only regular files are opened (a pipe would hang), and no read goes past the size seen at opening.
 */
import { readSync } from "node:fs";
import { open, stat, type FileHandle } from "node:fs/promises";
import { CheckpointError } from "../errors.ts";

/** What a header reader needs of a file; tests give it memory. */
export interface ByteSource {
  /** Named in every error. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** `length` bytes at `position`; the caller has checked that they lie within `size`. */
  read(position: number, length: number): Uint8Array;
}

export class WeightFile implements ByteSource {
  readonly path: string;
  readonly size: number;
  readonly #handle: FileHandle;

  private constructor(path: string, size: number, handle: FileHandle) {
    this.path = path;
    this.size = size;
    this.#handle = handle;
  }

  /** @throws CheckpointError `checkpoint/missing-file` when there is no such regular file or it may not be read. */
  static async open(path: string): Promise<WeightFile> {
    try {
      const found = await stat(path);
      if (found.isFile()) {
        const handle = await open(path, "r");
        return new WeightFile(path, found.size, handle);
      }
    } catch (cause) {
      throw new CheckpointError("checkpoint/missing-file", `${path}: ${cause instanceof Error ? cause.message : String(cause)}`, {
        hint: "check the path and that the file may be read",
        cause,
      });
    }
    throw new CheckpointError("checkpoint/missing-file", `${path}: expected a file, found something else`, {
      hint: "give a regular file; pipes and devices are not opened",
    });
  }

  /** Blocks; for headers. */
  read(position: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const got = readSync(this.#handle.fd, bytes, done, length - done, position + done);
      if (got === 0) throw this.#shrunk(position + done);
      done += got;
    }
    return bytes;
  }

  /** Fills `bytes` from `position`; for weights. */
  async readInto(bytes: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const { bytesRead } = await this.#handle.read(bytes, done, bytes.length - done, position + done);
      if (bytesRead === 0) throw this.#shrunk(position + done);
      done += bytesRead;
    }
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  #shrunk(position: number): CheckpointError {
    return new CheckpointError(
      "checkpoint/truncated",
      `${this.path}: ends at byte ${position}, expected ${this.size} bytes as when it was opened`,
      {
        hint: "the file was cut while it was open; fetch it again",
      },
    );
  }
}
