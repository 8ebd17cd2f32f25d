/**
 * Rows of a tensor, wherever they lie. In: a tensor and a range of rows. Out: pieces of whole blocks, in order. Law: buffers are bounded
 * whatever the tensor's size, and rows that lie near each other (permuted ones) are fetched by one read.
 */
import { BLOCKS } from "./dequantize.ts";
import type { RowRun, StoredType, Tensor } from "./tensor.ts";

/** Bytes fetched at once. Larger is not faster from a page cache, smaller costs calls. */
const BATCH_BYTES = 1 << 22;

/** Consecutive numbers in one type. `first` counts from the range's first number; `bytes` is valid until the next piece. */
export type Visit = (type: StoredType, bytes: Uint8Array, first: number, numbers: number) => void;

export interface PositionalFile {
  readInto(bytes: Uint8Array, position: number): Promise<void>;
}

interface Piece {
  readonly type: StoredType;
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
  readonly first: number;
  readonly numbers: number;
}

/** Visits rows [start, end). The caller has checked the range. */
export async function visitRows(
  tensor: Tensor,
  [start, end]: readonly [number, number],
  files: ReadonlyMap<string, PositionalFile>,
  visit: Visit,
): Promise<void> {
  let batch: Piece[] = [];
  let bytes = 0;
  for (const piece of pieces(tensor, start, end)) {
    if (batch.length > 0 && (bytes + piece.bytes > BATCH_BYTES || piece.file !== batch[0]!.file)) {
      await fetchBatch(batch, bytes, files, visit);
      batch = [];
      bytes = 0;
    }
    batch.push(piece);
    bytes += piece.bytes;
  }
  if (batch.length > 0) await fetchBatch(batch, bytes, files, visit);
}

/** The runs cut to the range, none longer than a batch. A run is whole blocks back to back, so it may be cut at any block. */
function* pieces(tensor: Tensor, start: number, end: number): Generator<Piece> {
  let row = 0;
  let first = 0;
  for (const run of tensor.runs) {
    const from = Math.max(start - row, 0);
    const to = Math.min(end - row, run.rows);
    row += run.rows;
    if (from >= to) continue;
    yield* cut(run, from * tensor.columns, to * tensor.columns, first);
    first += (to - from) * tensor.columns;
    if (row >= end) return;
  }
}

function* cut({ type, file, offset }: RowRun, from: number, to: number, first: number): Generator<Piece> {
  const block = BLOCKS[type];
  const most = Math.floor(BATCH_BYTES / block.bytes) * block.numbers;
  for (let at = from; at < to; at += most) {
    const numbers = Math.min(most, to - at);
    const bytes = (numbers / block.numbers) * block.bytes;
    yield { type, file, offset: offset + (at / block.numbers) * block.bytes, bytes, first: first + at - from, numbers };
  }
}

async function fetchBatch(batch: readonly Piece[], bytes: number, files: ReadonlyMap<string, PositionalFile>, visit: Visit): Promise<void> {
  const file = files.get(batch[0]!.file)!;
  let low = Infinity;
  let high = 0;
  for (const piece of batch) {
    low = Math.min(low, piece.offset);
    high = Math.max(high, piece.offset + piece.bytes);
  }
  // One read of the whole span, unless more than half of it would be for nothing.
  const span = high - low <= 2 * bytes ? new Uint8Array(high - low) : null;
  if (span) await file.readInto(span, low);
  for (const piece of batch) {
    let data = span?.subarray(piece.offset - low, piece.offset - low + piece.bytes);
    if (data === undefined) {
      data = new Uint8Array(piece.bytes);
      await file.readInto(data, piece.offset);
    }
    visit(piece.type, data, piece.first, piece.numbers);
  }
}
