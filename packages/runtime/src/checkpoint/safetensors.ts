/**
 * The header of a .safetensors file. In: a file. Out: its tensors, by name. Law: as strict as the reference reader (safetensors, Rust):
 * the tensors cover the data exactly, in some order, without gap or overlap, and each has the bytes its shape and type need.
 */
import { CheckpointError } from "../errors.ts";
import { isRecord, parseJson, quoted } from "./json.ts";
import { countBytes, countNumbers, type BlockSize, type StoredTensor, type TensorTable } from "./stored-tensor.ts";
import type { StoredType } from "./tensor.ts";
import type { ByteSource } from "./weight-file.ts";

/** The limit of the reference reader. */
const MAX_HEADER_BYTES = 100_000_000;

const CUT = "the download is cut short or is not safetensors; fetch it again";
const DAMAGED = "the file is damaged or written by a broken program; fetch it again";

function isReadable(dtype: string): dtype is StoredType {
  return dtype === "F32" || dtype === "F16" || dtype === "BF16";
}

/** Every type of the format, by bits per number. */
const TYPES_OF_BITS: readonly (readonly [bits: number, types: readonly string[]])[] = [
  [4, ["F4"]],
  [6, ["F6_E2M3", "F6_E3M2"]],
  [8, ["BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"]],
  [16, ["I16", "U16", "F16", "BF16"]],
  [32, ["I32", "U32", "F32"]],
  [64, ["I64", "U64", "F64", "C64"]],
];

const BITS = new Map(TYPES_OF_BITS.flatMap(([bits, types]) => types.map((type) => [type, bits] as const)));

/**
 * @throws CheckpointError `checkpoint/truncated`, `checkpoint/bad-header`, `checkpoint/bad-json`, `checkpoint/duplicate`,
 * `checkpoint/offsets`, `checkpoint/shape`, `checkpoint/too-large`, `checkpoint/unknown-dtype`
 */
export function readSafetensors(source: ByteSource): TensorTable {
  const { header, dataStart } = readHeader(source);
  const tensors = new Map<string, StoredTensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") checkMetadata(entry, source.path);
    else tensors.set(name, readEntry(name, entry, source.path, dataStart));
  }
  checkCover([...tensors.values()], source, dataStart);
  return tensors;
}

function readHeader(source: ByteSource): { header: Record<string, unknown>; dataStart: number } {
  const { path, size } = source;
  if (size < 8) {
    throw new CheckpointError("checkpoint/truncated", `${path}: found ${size} bytes, expected at least 8 for the header length`, {
      hint: CUT,
    });
  }
  const start = source.read(0, 8);
  const length = new DataView(start.buffer, start.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(size - 8)) {
    throw new CheckpointError("checkpoint/truncated", `${path}: header length ${length}, but the file size is ${size} bytes`, {
      hint: CUT,
    });
  }
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw new CheckpointError("checkpoint/bad-header", `${path}: header length ${length}, expected at most ${MAX_HEADER_BYTES}`, {
      hint: DAMAGED,
    });
  }
  const header = parseJson(source.read(8, Number(length)), path, "header");
  if (!isRecord(header)) {
    throw new CheckpointError("checkpoint/bad-json", `${path}: the header is no object, expected one entry per tensor`, { hint: DAMAGED });
  }
  return { header, dataStart: 8 + Number(length) };
}

function checkMetadata(entry: unknown, path: string): void {
  if (!isRecord(entry)) {
    throw new CheckpointError("checkpoint/bad-json", `${path}: __metadata__ is ${quoted(entry)}, expected an object of strings`, {
      hint: DAMAGED,
    });
  }
  for (const [key, value] of Object.entries(entry)) {
    if (typeof value === "string") continue;
    throw new CheckpointError("checkpoint/bad-json", `${path}: __metadata__ ${quoted(key)} is ${quoted(value)}, expected a string`, {
      hint: DAMAGED,
    });
  }
}

function readEntry(name: string, entry: unknown, path: string, dataStart: number): StoredTensor {
  const tensor = `${path}: tensor ${quoted(name)}`;
  if (!isRecord(entry))
    throw new CheckpointError("checkpoint/bad-json", `${tensor} is ${quoted(entry)}, expected an object`, { hint: DAMAGED });
  const { dtype, shape, data_offsets: offsets } = entry;
  const bits = typeof dtype === "string" ? BITS.get(dtype) : undefined;
  if (typeof dtype !== "string" || bits === undefined) {
    throw new CheckpointError(
      "checkpoint/unknown-dtype",
      `${tensor} has dtype ${quoted(dtype)}, expected one of ${[...BITS.keys()].join(", ")}`,
      {
        hint: DAMAGED,
      },
    );
  }
  if (!isCounts(shape)) {
    throw new CheckpointError("checkpoint/shape", `${tensor} has shape ${quoted(shape)}, expected a list of whole numbers from 0`, {
      hint: DAMAGED,
    });
  }
  if (!isCounts(offsets) || offsets.length !== 2 || offsets[0]! > offsets[1]!) {
    throw new CheckpointError(
      "checkpoint/offsets",
      `${tensor} has offsets ${quoted(offsets)}, expected [start, end] in whole bytes, start ≤ end`,
      {
        hint: DAMAGED,
      },
    );
  }
  const block: BlockSize = { numbers: 8, bytes: bits };
  const expected = countBytes(countNumbers(shape, path, name), block, path, name);
  const [begin, end] = [offsets[0]!, offsets[1]!];
  if (end - begin !== expected) {
    throw new CheckpointError(
      "checkpoint/shape",
      `${tensor}, ${dtype} [${shape.join(",")}]: found ${end - begin} bytes between its offsets, expected ${expected}`,
      { hint: DAMAGED },
    );
  }
  const type = isReadable(dtype) ? dtype : { unsupported: dtype };
  return { name, file: path, type, shape, offset: dataStart + begin, bytes: expected };
}

/** JSON numbers that count something. Past 2^53 they are not exact; {@link countNumbers} refuses what they would make. */
function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isInteger(n) && n >= 0);
}

function checkCover(tensors: readonly StoredTensor[], { path, size }: ByteSource, dataStart: number): void {
  const dataBytes = size - dataStart;
  let end = 0;
  let before = "";
  for (const tensor of tensors.toSorted((a, b) => a.offset - b.offset || a.bytes - b.bytes)) {
    const begin = tensor.offset - dataStart;
    const name = quoted(tensor.name);
    const offsets = `offsets [${begin},${begin + tensor.bytes}]`;
    if (begin > dataBytes) {
      throw new CheckpointError(
        "checkpoint/offsets",
        `${path}: tensor ${name} has ${offsets}, but the file size is ${size}: ${dataBytes} bytes of data`,
        {
          hint: CUT,
        },
      );
    }
    if (begin !== end) {
      const kind = begin < end ? `overlaps ${before}` : "leaves a gap before it";
      throw new CheckpointError("checkpoint/offsets", `${path}: tensor ${name} with ${offsets} ${kind}: found ${begin}, expected ${end}`, {
        hint: DAMAGED,
      });
    }
    end = begin + tensor.bytes;
    if (end > dataBytes) {
      throw new CheckpointError(
        "checkpoint/truncated",
        `${path}: tensor ${name}: found ${dataBytes - begin} bytes, expected ${tensor.bytes}`,
        { hint: CUT },
      );
    }
    before = name;
  }
  if (end !== dataBytes) {
    throw new CheckpointError(
      "checkpoint/offsets",
      `${path}: found ${dataBytes} bytes of data, expected ${end}: the last belong to no tensor`,
      {
        hint: DAMAGED,
      },
    );
  }
}
