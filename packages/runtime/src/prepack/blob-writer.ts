/** A file of arrays, each on a page. In: ranges of other files. Out: where they lie in this one. Law: memory is one chunk, whatever the size. */
import { createHash, type Hash } from "node:crypto";
import { open, type FileHandle } from "node:fs/promises";
import type { ByteRange } from "../onnx/external-data.ts";
import { PAGE } from "./packed-weights.ts";

const CHUNK_BYTES = 2 ** 22;

export class BlobWriter {
  readonly #file: FileHandle;
  readonly #hash: Hash = createHash("sha256");
  readonly #chunk = new Uint8Array(CHUNK_BYTES);
  #end = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** A new file. */
  static async create(path: string): Promise<BlobWriter> {
    return new BlobWriter(await open(path, "wx"));
  }

  /** Copies a range of another file to the next page. */
  async copy(source: FileHandle, from: ByteRange): Promise<ByteRange> {
    await this.#append(new Uint8Array(-this.#end & (PAGE - 1)));
    const range = { offset: this.#end, length: from.length };
    for (let done = 0; done < from.length;) {
      const wanted = Math.min(CHUNK_BYTES, from.length - done);
      const { bytesRead } = await source.read(this.#chunk, 0, wanted, from.offset + done);
      if (bytesRead === 0) throw new RangeError(`the file ends before byte ${from.offset + from.length}`);
      await this.#append(this.#chunk.subarray(0, bytesRead));
      done += bytesRead;
    }
    return range;
  }

  async finish(): Promise<{ readonly bytes: number; readonly sha256: string }> {
    await this.#file.sync(); // or a crash after the rename could leave a file of the right size and no contents
    return { bytes: this.#end, sha256: this.#hash.digest("hex") };
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #append(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    await this.#file.writeFile(bytes); // writes at the handle's position until all is written
    this.#end += bytes.length;
  }
}
