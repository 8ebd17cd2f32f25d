/**
 * The header of a GGUF file, versions 2 and 3, little-endian. In: a file. Out: its metadata and tensors. Law: every tensor lies aligned
 * and whole inside the file and overlaps no other.
 */
import { CheckpointError } from "../errors.ts";
import { GGML_TYPES, type GgmlType } from "./ggml-types.ts";
import { GgufCursor, type GgufValue } from "./gguf-cursor.ts";
import { isStoredType } from "./dequantize.ts";
import { quoted } from "./json.ts";
import { countBytes, countNumbers, type StoredTensor, type TensorTable } from "./stored-tensor.ts";
import type { ByteSource } from "./weight-file.ts";

export type GgufMetadata = ReadonlyMap<string, GgufValue>;

export interface GgufHeader {
  readonly metadata: GgufMetadata;
  readonly tensors: TensorTable;
}

const ARCHITECTURE = "general.architecture";
const ALIGNMENT = "general.alignment";
/** ggml.h GGUF_DEFAULT_ALIGNMENT. */
const DEFAULT_ALIGNMENT = 32;
/** A page; more would only move the data past the file's end. */
const MAX_ALIGNMENT = 4096;
/** ggml.h GGML_MAX_DIMS. */
const MAX_DIMENSIONS = 4;
/** Fewest bytes of an entry: key length, type, value; and name length, dimension count, type, offset. */
const LEAST_METADATA_BYTES = 13;
const LEAST_TENSOR_BYTES = 24;

const CUT = "the download is cut short; fetch it again";
const DAMAGED = "the header is damaged; fetch the file again";

/**
 * @throws CheckpointError `checkpoint/truncated`, `checkpoint/bad-header`, `checkpoint/unsupported` (version, byte order),
 * `checkpoint/too-deep`, `checkpoint/too-large`, `checkpoint/duplicate`, `checkpoint/shape`, `checkpoint/offsets`, `checkpoint/unknown-dtype`
 */
export function readGguf(source: ByteSource): GgufHeader {
  const { path } = source;
  const cursor = new GgufCursor(source);
  checkMagic(cursor, path);
  const tensorCount = cursor.count("tensor count", LEAST_TENSOR_BYTES);
  const metadataCount = cursor.count("metadata count", LEAST_METADATA_BYTES);

  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < metadataCount; i++) {
    const key = cursor.string(`metadata key ${i}`);
    if (metadata.has(key))
      throw new CheckpointError("checkpoint/duplicate", `${path}: metadata ${quoted(key)} is there twice`, { hint: DAMAGED });
    const what = `metadata ${quoted(key)}`;
    metadata.set(key, cursor.value(cursor.uint32(what), what));
  }
  const alignment = readAlignment(metadata, path);

  const infos = new Map<string, StoredTensor>();
  for (let i = 0; i < tensorCount; i++) {
    const info = readTensorInfo(cursor, i, alignment);
    if (infos.has(info.name))
      throw new CheckpointError("checkpoint/duplicate", `${path}: tensor ${quoted(info.name)} is there twice`, { hint: DAMAGED });
    infos.set(info.name, info);
  }
  const dataStart = Math.ceil(cursor.position / alignment) * alignment;
  checkPlaces([...infos.values()], source, dataStart);

  const tensors = new Map<string, StoredTensor>();
  for (const [name, info] of infos) tensors.set(name, { ...info, offset: dataStart + info.offset });
  return { metadata, tensors };
}

function checkMagic(cursor: GgufCursor, path: string): void {
  const magic = Buffer.from(cursor.bytes(4, "the magic number")).toString("latin1");
  if (magic !== "GGUF") {
    throw new CheckpointError("checkpoint/bad-header", `${path}: found ${quoted(magic).slice(1, -1)} at the start, expected GGUF`, {
      hint: "this is no GGUF file; for safetensors give the directory that holds config.json",
    });
  }
  const version = cursor.uint32("the version");
  if (version === 2 || version === 3) return;
  // Read in the wrong byte order, a small number has its low half empty.
  const found = version % 0x10000 === 0 ? "big-endian byte order" : `version ${version}`;
  throw new CheckpointError("checkpoint/unsupported", `${path}: found GGUF ${found}, expected version 2 or 3, little-endian`, {
    hint: "convert the model again with a current llama.cpp",
  });
}

/** `general.architecture`; of a model in several files only the first has it. @throws CheckpointError `checkpoint/bad-header` */
export function architectureOf(metadata: GgufMetadata, path: string): string {
  const value = metadata.get(ARCHITECTURE);
  if (typeof value === "string") return value;
  throw new CheckpointError("checkpoint/bad-header", `${path}: ${ARCHITECTURE} is ${found(value)}, expected a string`, { hint: DAMAGED });
}

function readAlignment(metadata: GgufMetadata, path: string): number {
  const value = metadata.get(ALIGNMENT) ?? DEFAULT_ALIGNMENT;
  if (typeof value === "number" && value >= 1 && value <= MAX_ALIGNMENT && Number.isInteger(Math.log2(value))) return value;
  throw new CheckpointError(
    "checkpoint/bad-header",
    `${path}: ${ALIGNMENT} is ${found(value)}, expected a power of two up to ${MAX_ALIGNMENT}`,
    {
      hint: DAMAGED,
    },
  );
}

function found(value: GgufValue | undefined): string {
  if (value === undefined) return "missing";
  return typeof value === "bigint" ? String(value) : Array.isArray(value) ? "a list" : quoted(value);
}

/** One tensor info; its offset still counts from the start of the data. */
function readTensorInfo(cursor: GgufCursor, index: number, alignment: number): StoredTensor {
  const { path } = cursor.source;
  const name = cursor.string(`tensor name ${index}`);
  const what = `tensor ${quoted(name)}`;
  const dimensions = cursor.uint32(what);
  if (dimensions > MAX_DIMENSIONS) {
    throw new CheckpointError("checkpoint/shape", `${path}: ${what}: found ${dimensions} dimensions, expected at most ${MAX_DIMENSIONS}`, {
      hint: DAMAGED,
    });
  }
  const shape: number[] = [];
  for (let i = 0; i < dimensions; i++) shape.unshift(cursor.uint64(what));
  const id = cursor.uint32(what);
  const offset = cursor.uint64(what);

  const type = GGML_TYPES.get(id);
  if (type === undefined) {
    throw new CheckpointError(
      "checkpoint/unknown-dtype",
      `${path}: ${what} has type ${id}, expected one of ${[...GGML_TYPES.keys()].join(", ")}`,
      {
        hint: "the header is damaged, or the file is newer than this program",
      },
    );
  }
  const numbers = countNumbers(shape, path, name);
  const columns = shape.at(-1) ?? 1;
  if (columns % type.numbers !== 0) {
    throw new CheckpointError(
      "checkpoint/shape",
      `${path}: ${what}, ${type.name} [${shape.join(",")}]: found ${columns} numbers in a row, expected a multiple of ${type.numbers}`,
      { hint: DAMAGED },
    );
  }
  if (offset % alignment !== 0) {
    throw new CheckpointError(
      "checkpoint/offsets",
      `${path}: ${what}: found ${offset} as its offset, expected a multiple of ${alignment}`,
      { hint: DAMAGED },
    );
  }
  return { name, file: path, type: storedType(type), shape, offset, bytes: countBytes(numbers, type, path, name) };
}

function storedType({ name }: GgmlType): StoredTensor["type"] {
  return isStoredType(name) ? name : { unsupported: name };
}

function checkPlaces(infos: readonly StoredTensor[], { path, size }: ByteSource, dataStart: number): void {
  const dataBytes = Math.max(0, size - dataStart);
  let end = 0;
  let before = "";
  for (const info of infos.toSorted((a, b) => a.offset - b.offset)) {
    if (info.bytes === 0) continue;
    const name = quoted(info.name);
    if (info.offset > 0 && info.offset >= dataBytes) {
      throw new CheckpointError(
        "checkpoint/offsets",
        `${path}: tensor ${name} starts at byte ${dataStart + info.offset}, but the file size is ${size}`,
        { hint: CUT },
      );
    }
    if (info.offset < end) {
      throw new CheckpointError(
        "checkpoint/offsets",
        `${path}: tensor ${name} at ${info.offset} overlaps ${before}, which ends at ${end}`,
        { hint: DAMAGED },
      );
    }
    end = info.offset + info.bytes;
    if (end > dataBytes) {
      throw new CheckpointError(
        "checkpoint/truncated",
        `${path}: tensor ${name}: found ${dataBytes - info.offset} bytes, expected ${info.bytes}`,
        {
          hint: CUT,
        },
      );
    }
    before = name;
  }
}
