/**
 * Reads the values of a GGUF header one after the other. In: a file. Out: numbers, strings, arrays. Law: a length is checked against the
 * bytes that are left before anything is allocated for it, and what was read is bounded by named limits.
 *
 * `@huggingface/gguf` 0.4.6 is not used here: of 31 broken files it took 14 without a word that a reader of headers should refuse (one cut
 * inside its metadata it read on as zeros), it throws bare Errors for the rest, and takes three times as long. Every check needs every field,
 * so a check before it would be a second parser. It is the oracle of this folder's tests instead.
 */
import { isUtf8 } from "node:buffer";
import { CheckpointError } from "../errors.ts";
import type { ByteSource } from "./weight-file.ts";

export type GgufValue = number | bigint | boolean | string | readonly GgufValue[];

/** Metadata and tensor infos together; a vocabulary of 262,144 with its merges takes about 12 MB. */
const MAX_HEADER_BYTES = 100_000_000;
/** Elements of one array; the largest vocabularies have half a million merges. */
const MAX_ARRAY_LENGTH = 4_000_000;
/** Chat templates, the longest strings seen, have 30 kB. */
const MAX_STRING_BYTES = 16_000_000;
/** Arrays in arrays; no known file has any. */
const MAX_ARRAY_DEPTH = 4;
const WINDOW_BYTES = 1 << 20;

const CUT = "the download is cut short; fetch it again";
const DAMAGED = "the header is damaged; fetch the file again";

const STRING = 8;
const ARRAY = 9;
/** Fewest bytes a value of each type takes; the index is the type's number. */
const VALUE_BYTES = [1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8];

export class GgufCursor {
  readonly source: ByteSource;
  #window: Uint8Array = new Uint8Array(0);
  #view = new DataView(this.#window.buffer);
  /** Position in the file of the window's first byte. */
  #start = 0;
  #position = 0;

  constructor(source: ByteSource) {
    this.source = source;
  }

  get position(): number {
    return this.#position;
  }

  get left(): number {
    return this.source.size - this.#position;
  }

  /** Moves past `length` bytes and gives their place in the window. @throws CheckpointError `checkpoint/truncated` */
  #take(length: number, what: string): number {
    if (length > this.left) {
      throw new CheckpointError(
        "checkpoint/truncated",
        `${this.source.path}: the file ends inside ${what}: expected ${length} bytes at ${this.#position}, the file size is ${this.source.size}`,
        { hint: CUT },
      );
    }
    if (this.#position + length > MAX_HEADER_BYTES) {
      throw new CheckpointError(
        "checkpoint/too-large",
        `${this.source.path}: the header is longer than ${MAX_HEADER_BYTES} bytes at ${what}`,
        {
          hint: DAMAGED,
        },
      );
    }
    if (this.#position + length > this.#start + this.#window.length) {
      this.#window = this.source.read(this.#position, Math.min(this.left, Math.max(length, WINDOW_BYTES)));
      this.#view = new DataView(this.#window.buffer, this.#window.byteOffset, this.#window.length);
      this.#start = this.#position;
    }
    const at = this.#position - this.#start;
    this.#position += length;
    return at;
  }

  bytes(length: number, what: string): Uint8Array {
    const at = this.#take(length, what);
    return this.#window.subarray(at, at + length);
  }

  uint32(what: string): number {
    return this.#view.getUint32(this.#take(4, what), true);
  }

  /** A 64-bit count. Past 2^53 it is rounded, which is still far above every bound it is held against. */
  uint64(what: string): number {
    const at = this.#take(8, what);
    return this.#view.getUint32(at + 4, true) * 2 ** 32 + this.#view.getUint32(at, true);
  }

  /** A count of things that take at least `bytes` each. @throws CheckpointError `checkpoint/truncated` */
  count(what: string, bytes: number): number {
    const count = this.uint64(what);
    if (count * bytes <= this.left) return count;
    throw new CheckpointError(
      "checkpoint/truncated",
      `${this.source.path}: ${what} ${count}, expected at most ${Math.floor(this.left / bytes)}: the file size is ${this.source.size}`,
      { hint: CUT },
    );
  }

  /** @throws CheckpointError `checkpoint/truncated`, `checkpoint/too-large`, `checkpoint/bad-header` when it is not UTF-8 */
  string(what: string): string {
    const length = this.count(`string length of ${what}`, 1);
    if (length > MAX_STRING_BYTES) {
      throw new CheckpointError(
        "checkpoint/too-large",
        `${this.source.path}: string length of ${what} ${length}, expected at most ${MAX_STRING_BYTES}`,
        {
          hint: DAMAGED,
        },
      );
    }
    const at = this.#take(length, what);
    const bytes = Buffer.from(this.#window.buffer, this.#window.byteOffset + at, length);
    if (isUtf8(bytes)) return bytes.toString("utf8");
    throw new CheckpointError("checkpoint/bad-header", `${this.source.path}: ${what} at byte ${this.#position - length} is not UTF-8`, {
      hint: DAMAGED,
    });
  }

  /** A metadata value; the caller has read its type. `what` names its key. */
  value(type: number, what: string, depth = 0): GgufValue {
    const bytes = VALUE_BYTES[type];
    if (bytes === undefined) {
      throw new CheckpointError(
        "checkpoint/bad-header",
        `${this.source.path}: ${what} has value type ${type}, expected 0 to ${VALUE_BYTES.length - 1}`,
        {
          hint: DAMAGED,
        },
      );
    }
    if (type === STRING) return this.string(what);
    if (type === ARRAY) return this.#array(what, depth);
    return this.#number(type, this.#take(bytes, what));
  }

  #array(what: string, depth: number): readonly GgufValue[] {
    if (depth === MAX_ARRAY_DEPTH) {
      throw new CheckpointError(
        "checkpoint/too-deep",
        `${this.source.path}: ${what} has arrays in arrays, expected at most ${MAX_ARRAY_DEPTH} deep`,
        {
          hint: DAMAGED,
        },
      );
    }
    const type = this.uint32(what);
    const length = this.count(`array length of ${what}`, VALUE_BYTES[type] ?? 1);
    if (length > MAX_ARRAY_LENGTH) {
      throw new CheckpointError(
        "checkpoint/too-large",
        `${this.source.path}: array length of ${what} ${length}, expected at most ${MAX_ARRAY_LENGTH}`,
        {
          hint: DAMAGED,
        },
      );
    }
    const values: GgufValue[] = [];
    for (let i = 0; i < length; i++) values.push(this.value(type, what, depth + 1));
    return values;
  }

  #number(type: number, at: number): number | bigint | boolean {
    const view = this.#view;
    switch (type) {
      case 0:
        return view.getUint8(at);
      case 1:
        return view.getInt8(at);
      case 2:
        return view.getUint16(at, true);
      case 3:
        return view.getInt16(at, true);
      case 4:
        return view.getUint32(at, true);
      case 5:
        return view.getInt32(at, true);
      case 6:
        return view.getFloat32(at, true);
      case 7:
        return view.getUint8(at) !== 0;
      case 10:
        return exact(view.getBigUint64(at, true));
      case 11:
        return exact(view.getBigInt64(at, true));
      default:
        return view.getFloat64(at, true);
    }
  }
}

/** A number where it is exact; what is larger stays a bigint, which no field of a config accepts. */
function exact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
