/**
 * Writes one weight. In: its spec, storage and places, the checkpoint. Out: its arrays, at their places. Law: memory is bounded by
 * a chunk of rows and the weight's scales, however large the weight; no number that is not finite gets through.
 */
import type { Checkpoint, Tensor } from "../checkpoint/tensor.ts";
import { ExportError } from "../errors.ts";
import { CARRIED_BLOCK, carryRows } from "./carry.ts";
import { dequantizeRows, quantizeRows, type Blocks } from "./quantize.ts";
import { rowsOf, type BlockStorage, type PlacedWeight, type QuantizedStorage, type SlicedStorage } from "./storage.ts";
import type { BlockWeight, FileRange, WeightPart, WeightSpec } from "./weight.ts";

/** Numbers of a weight in memory at once: 8 MiB as float32, large enough that calls and reads do not count. */
const CHUNK_NUMBERS = 2 ** 21;

/** Takes the arrays of weights, in the order of their places. */
export interface ArraySink {
  /** Writes `chunks` to `range`, which they fill. A chunk may be reused by the caller after the next one is asked for. */
  write(range: FileRange, chunks: AsyncIterable<Uint8Array>): Promise<void>;
}

/**
 * Reads, assembles, converts and writes one weight.
 * @throws ExportError `export/not-finite` naming the tensor, and what the sink throws
 * @throws CheckpointError what reading throws
 */
export async function materialize({ spec, storage, stored }: PlacedWeight, checkpoint: Checkpoint, sink: ArraySink): Promise<void> {
  if (stored.kind === "float32") return sink.write(stored.data, floatChunks(spec, checkpoint));
  if (stored.kind === "blocks") return writeBlocks(spec, storage as BlockStorage, stored, checkpoint, sink);
  const { low, full, fullIs } = storage as SlicedStorage;
  await writeBlocks(spec, low, stored.low, checkpoint, sink);
  // The checkpoint is read once for each slice: so one array at a time is in memory, and each is written in one go.
  await writeBlocks(spec, full, stored.full, checkpoint, sink, fullIs === "residual" ? leftBy(low as QuantizedStorage, spec) : undefined);
}

/** What a low slice leaves over of rows: the same numbers are quantized to the same blocks as when it was written. */
function leftBy({ bits, block }: QuantizedStorage, { shape: [, columns] }: WeightSpec): (floats: Float32Array) => Float32Array {
  return (floats) => {
    const coarse = dequantizeRows(quantizeRows(floats, columns, block, bits), columns, block, bits);
    return coarse.map((value, i) => floats[i]! - value);
  };
}

/** `of` chooses what is quantized of the weight's numbers; all by default. */
async function writeBlocks(
  spec: WeightSpec,
  storage: BlockStorage,
  stored: BlockWeight,
  checkpoint: Checkpoint,
  sink: ArraySink,
  of: (floats: Float32Array) => Float32Array = (floats) => floats,
): Promise<void> {
  const scales = new Float32Array(storage.bytes.scales / 4);
  const zeroPoints = new Uint8Array(storage.bytes.zeroPoints);
  const chunks =
    storage.kind === "carried"
      ? carriedChunks(spec, storage.bits, checkpoint, scales)
      : quantizedChunks(spec, storage, checkpoint, { scales, zeroPoints }, of);
  await sink.write(stored.data, chunks);
  await sink.write(stored.scales, one(bytesOf(scales)));
  if (stored.zeroPoints !== null) await sink.write(stored.zeroPoints, one(zeroPoints));
}

async function* floatChunks(spec: WeightSpec, checkpoint: Checkpoint): AsyncGenerator<Uint8Array> {
  for (const [start, end] of rowChunks(spec)) yield bytesOf(await assemble(spec, checkpoint, start, end));
}

async function* quantizedChunks(
  spec: WeightSpec,
  { bits, block }: QuantizedStorage,
  checkpoint: Checkpoint,
  sides: Pick<Blocks, "scales" | "zeroPoints">,
  of: (floats: Float32Array) => Float32Array,
): AsyncGenerator<Uint8Array> {
  const [rows, columns] = spec.shape;
  for (const [start, end] of rowChunks(spec)) {
    const blocks = quantizeRows(of(await assemble(spec, checkpoint, start, end)), columns, block, bits);
    sides.scales.set(blocks.scales, (start * columns) / block);
    sides.zeroPoints.set(blocks.zeroPoints, (start * sides.zeroPoints.length) / rows);
    yield blocks.data;
  }
}

async function* carriedChunks(spec: WeightSpec, bits: 4 | 8, checkpoint: Checkpoint, scales: Float32Array): AsyncGenerator<Uint8Array> {
  const columns = spec.shape[1];
  const rowBlocks = columns / CARRIED_BLOCK;
  for (const [start, end] of rowChunks(spec)) {
    const data = new Uint8Array(((end - start) * columns * bits) / 8);
    const chunkScales = scales.subarray(start * rowBlocks, end * rowBlocks);
    for (const piece of pieces(spec, checkpoint, start, end)) {
      const stored = await checkpoint.readStored(piece.tensor, piece.from, piece.to);
      const window = { data, scales: chunkScales, rowBlocks, row: piece.row, block: piece.column / CARRIED_BLOCK };
      carryRows(stored.bytes, bits, piece.to - piece.from, piece.tensor.columns / CARRIED_BLOCK, window);
    }
    if (!allFinite(chunkScales)) throw notFinite(spec, spec.parts.map((part) => part.tensor).join(" or "), start, end);
    yield data;
  }
}

/** Rows [start, end) of the weight as float32. */
async function assemble(spec: WeightSpec, checkpoint: Checkpoint, start: number, end: number): Promise<Float32Array> {
  const columns = spec.shape[1];
  let floats: Float32Array | undefined;
  for (const piece of pieces(spec, checkpoint, start, end)) {
    const values = await checkpoint.readFloats(piece.tensor, piece.from, piece.to);
    if (!allFinite(values)) throw notFinite(spec, piece.tensor.name, piece.from, piece.to);
    if (values.length === (end - start) * columns) return values; // the piece is the whole chunk
    floats ??= new Float32Array((end - start) * columns);
    const width = piece.tensor.columns;
    for (let row = 0; row < piece.to - piece.from; row++)
      floats.set(values.subarray(row * width, (row + 1) * width), (piece.row + row) * columns + piece.column);
  }
  return floats!; // parts cover the weight: storage.ts checked it
}

/** What of a tensor falls into a chunk: its rows [from, to), and where they go. */
interface Piece {
  readonly tensor: Tensor;
  readonly from: number;
  readonly to: number;
  /** Counted from the chunk's first row. */
  readonly row: number;
  readonly column: number;
}

function pieces(spec: WeightSpec, checkpoint: Checkpoint, start: number, end: number): Piece[] {
  const piece = (part: WeightPart): Piece => {
    const tensor = checkpoint.tensor(part.tensor);
    const [first, last] = rowsOf(part, tensor);
    const [top, column] = part.at;
    const from = Math.max(first, first + start - top);
    return { tensor, from, to: Math.min(last, first + end - top), row: top + (from - first) - start, column };
  };
  return spec.parts.map(piece).filter(({ from, to }) => from < to);
}

function* rowChunks({ shape: [rows, columns] }: WeightSpec): Generator<readonly [start: number, end: number]> {
  const step = Math.max(1, Math.floor(CHUNK_NUMBERS / columns));
  for (let start = 0; start < rows; start += step) yield [start, Math.min(rows, start + step)];
}

/** x − x is 0 for every finite x and NaN for the others. */
function allFinite(floats: Float32Array): boolean {
  let sum = 0;
  for (let i = 0; i < floats.length; i++) sum += floats[i]! - floats[i]!;
  return sum === 0;
}

function notFinite(spec: WeightSpec, tensor: string, from: number, to: number): ExportError {
  return new ExportError("export/not-finite", `${tensor} holds NaN or infinity in rows ${from} to ${to} (for ${spec.name})`, {
    hint: "the checkpoint is damaged or its training failed; no number of it can be trusted",
  });
}

function bytesOf(floats: Float32Array): Uint8Array {
  return new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength);
}

async function* one(chunk: Uint8Array): AsyncGenerator<Uint8Array> {
  yield chunk;
}
