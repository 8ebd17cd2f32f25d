/** A tensor as a header describes it, before any family has looked at it; and the checks every container needs. */
import { CheckpointError } from "../errors.ts";
import { quoted } from "./json.ts";
import type { StoredType } from "./tensor.ts";

export interface StoredTensor {
  readonly name: string;
  /** Absolute path of the file it lies in. */
  readonly file: string;
  /** A type we read, or the name of one we know and do not read. */
  readonly type: StoredType | { readonly unsupported: string };
  /** Outermost dimension first. */
  readonly shape: readonly number[];
  /** From the start of the file. */
  readonly offset: number;
  readonly bytes: number;
}

export type TensorTable = ReadonlyMap<string, StoredTensor>;

/** How many numbers a block holds and how many bytes it takes. */
export interface BlockSize {
  readonly numbers: number;
  readonly bytes: number;
}

/**
 * Product of a shape. Counts past 2^53 are refused: they neither fit a double nor any file.
 * @throws CheckpointError `checkpoint/too-large`
 */
export function countNumbers(shape: readonly number[], file: string, name: string): number {
  let count = 1;
  for (const size of shape) {
    // Zero first would hide an overflow behind it, so every factor is bounded too.
    count *= size;
    if (!Number.isSafeInteger(count) || !Number.isSafeInteger(size)) {
      throw new CheckpointError(
        "checkpoint/too-large",
        `${file}: tensor ${quoted(name)} has shape [${shape.join(",")}], expected at most 2^53 numbers`,
        {
          hint: "the header is damaged; fetch the file again",
        },
      );
    }
  }
  return count;
}

/** Bytes of so many numbers in blocks. @throws CheckpointError `checkpoint/too-large` */
export function countBytes(numbers: number, block: BlockSize, file: string, name: string): number {
  const bytes = (numbers / block.numbers) * block.bytes;
  if (bytes <= Number.MAX_SAFE_INTEGER) return bytes;
  throw new CheckpointError(
    "checkpoint/too-large",
    `${file}: tensor ${quoted(name)} has a shape of ${numbers} numbers, ${bytes} bytes, expected at most 2^53`,
    {
      hint: "the header is damaged; fetch the file again",
    },
  );
}
