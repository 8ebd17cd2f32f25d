/**
 * A GGUF in several files (llama.cpp's gguf-split: `name-00001-of-00003.gguf`). In: a file's name; then the headers of all parts. Out: the
 * names of all parts; then one header. Law: each part says by name and by header which of how many it is, and together they hold as many
 * tensors as each announces, none twice. The first holds the metadata.
 */
import { CheckpointError } from "../errors.ts";
import type { GgufHeader } from "./gguf.ts";
import { quoted } from "./json.ts";
import type { StoredTensor } from "./stored-tensor.ts";

/** llama.cpp, llama_split_path: numbers from 1, padded to five digits. */
const NAME = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/s;

const COUNT = "split.count";
/** From 0. */
const NUMBER = "split.no";
const TENSORS = "split.tensors.count";

const HINT = "the parts are not of one model, or a file was renamed; fetch all of them again under their own names";

/** What a file's name says of the model that it is a part of. */
export interface SplitName {
  readonly count: number;
  /** Name of a part, counted from 1. */
  part(number: number): string;
}

/** Null for a name, or a path, of a whole file. */
export function splitName(name: string): SplitName | null {
  const [, model, number, count] = NAME.exec(name) ?? [];
  if (Number(number) < 1 || Number(count) < Number(number) || count === undefined) return null;
  return { count: Number(count), part: (wanted) => `${model}-${String(wanted).padStart(5, "0")}-of-${count}.gguf` };
}

/** File names of all parts of the model that `name` belongs to, in order; `name` alone where it names no part. */
export function namesOfParts(name: string): readonly string[] {
  const split = splitName(name);
  return split === null ? [name] : Array.from({ length: split.count }, (_, i) => split.part(i + 1));
}

/** A header and the file it is of. */
export interface GgufPart extends GgufHeader {
  readonly file: string;
}

/**
 * One header of all parts, in the order of their names.
 * @throws CheckpointError `checkpoint/bad-split`, `checkpoint/duplicate`
 */
export function joinParts(parts: readonly GgufPart[]): GgufHeader {
  const tensors = new Map<string, StoredTensor>();
  for (const [i, part] of parts.entries()) {
    checkPart(part, i, parts.length);
    for (const [name, tensor] of part.tensors) {
      const before = tensors.get(name);
      if (before !== undefined)
        throw new CheckpointError(
          "checkpoint/duplicate",
          `${part.file}: tensor ${quoted(name)} is in ${before.file} too, expected it in one part`,
          { hint: HINT },
        );
      tensors.set(name, tensor);
    }
  }
  for (const { file, metadata } of parts) {
    const announced = metadata.get(TENSORS);
    if (parts.length > 1 && announced !== tensors.size)
      throw badSplit(file, TENSORS, announced, `${tensors.size}, the tensors in all parts`);
  }
  return { metadata: parts[0]!.metadata, tensors };
}

function checkPart({ file, metadata }: GgufPart, index: number, count: number): void {
  const found = metadata.get(COUNT);
  if (count === 1) {
    // Writers of whole files leave the key out, or say 0 or 1.
    if (found === undefined || found === 0 || found === 1) return;
    throw badSplit(file, COUNT, found, "a file of that many, named as in model-00001-of-00002.gguf");
  }
  if (found !== count) throw badSplit(file, COUNT, found, `${count}, as its name says`);
  const number = metadata.get(NUMBER);
  if (number !== index) throw badSplit(file, NUMBER, number, `${index}, as its name says`);
}

function badSplit(file: string, key: string, found: unknown, expected: string): CheckpointError {
  const value = found === undefined ? "missing" : quoted(found);
  return new CheckpointError("checkpoint/bad-split", `${file}: ${key} is ${value}, expected ${expected}`, { hint: HINT });
}
