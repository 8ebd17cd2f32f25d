/**
 * How a weight will lie in the exported files, decided before any number is read. In: what a family asks for, the checkpoint's tensors,
 * the precision. Out: layout and bytes of each array. Law: the parts of a weight cover it exactly, or nothing is written.
 */
import type { Checkpoint, StoredType, Tensor } from "../checkpoint/tensor.ts";
import { ExportError } from "../errors.ts";
import { chooses, type Precision } from "../manifest.ts";
import { CARRIED, CARRIED_BLOCK } from "./carry.ts";
import { chooseBlock, zeroPointBytes, type Bits, type Block } from "./quantize.ts";
import type { BlockWeight, FileRange, StoredWeight, WeightPart, WeightSpec } from "./weight.ts";

/** `carried`: the stored blocks themselves, zero points implicit. `quantized`: from float32, zero points explicit. */
export type Storage =
  | { readonly kind: "float32"; readonly bytes: number }
  | { readonly kind: "carried"; readonly bits: Bits; readonly block: typeof CARRIED_BLOCK; readonly bytes: BlockBytes }
  | QuantizedStorage
  | SlicedStorage;

export interface QuantizedStorage {
  readonly kind: "quantized";
  readonly bits: Bits;
  readonly block: Block;
  readonly bytes: BlockBytes;
}

/** A residual's low slice is always quantized here: what it leaves over is known only then. */
export type SlicedStorage =
  | { readonly kind: "sliced"; readonly fullIs: "residual"; readonly low: QuantizedStorage; readonly full: QuantizedStorage }
  | { readonly kind: "sliced"; readonly fullIs: "whole"; readonly low: BlockStorage; readonly full: BlockStorage };

export type PlainStorage = Exclude<Storage, { kind: "sliced" }>;
export type BlockStorage = Exclude<PlainStorage, { kind: "float32" }>;

/** Bytes of the arrays of a weight in blocks. */
export interface BlockBytes {
  readonly data: number;
  readonly scales: number;
  readonly zeroPoints: number;
}

/** The storage of a weight made of a checkpoint. @throws ExportError `export/parts`, `export/block` */
export function planStorage(spec: WeightSpec, precision: Precision, checkpoint: Checkpoint): Storage {
  checkParts(spec, checkpoint);
  if (isSliced(spec, precision))
    return precision === "paired"
      ? { kind: "sliced", fullIs: "whole", low: blockStorage(spec, 4, checkpoint), full: blockStorage(spec, 8, checkpoint) }
      : residualStorage(spec);
  const bits = bitsOf(spec, precision);
  return bits === null ? planQuantized(spec, precision) : blockStorage(spec, bits, checkpoint);
}

function blockStorage(spec: WeightSpec, bits: Bits, checkpoint: Checkpoint): BlockStorage {
  const carried = carriedBlocks(spec, bits);
  return carried !== null && canCarry(spec, bits, checkpoint) ? carried : quantizedStorage(spec, bits);
}

/** The storage of a weight that a checkpoint has in carried blocks of so many bits; null where they cannot be carried into `precision`. */
export function carriedStorage(spec: WeightSpec, precision: Precision, bits: Bits): Exclude<Storage, { kind: "quantized" }> | null {
  const carried = carriedBlocks(spec, bits);
  if (carried === null) return null;
  if (!isSliced(spec, precision)) return bitsOf(spec, precision) === bits ? carried : null;
  if (precision !== "paired") return null;
  const [low, full] = bits === 4 ? [carried, quantizedStorage(spec, 8)] : [quantizedStorage(spec, 4), carried];
  return { kind: "sliced", fullIs: "whole", low, full };
}

function carriedBlocks(spec: WeightSpec, bits: Bits): Extract<Storage, { kind: "carried" }> | null {
  if (spec.shape[1] % CARRIED_BLOCK !== 0) return null;
  return { kind: "carried", bits, block: CARRIED_BLOCK, bytes: { ...blockBytes(spec, bits, CARRIED_BLOCK), zeroPoints: 0 } };
}

/** The storage of a weight of this shape and role when nothing is carried over. @throws ExportError `export/block` */
export function planQuantized(spec: WeightSpec, precision: Precision): Exclude<Storage, { kind: "carried" }> {
  if (isSliced(spec, precision))
    return precision === "paired"
      ? { kind: "sliced", fullIs: "whole", low: quantizedStorage(spec, 4), full: quantizedStorage(spec, 8) }
      : residualStorage(spec);
  const bits = bitsOf(spec, precision);
  return bits === null ? { kind: "float32", bytes: spec.shape[0] * spec.shape[1] * 4 } : quantizedStorage(spec, bits);
}

function quantizedStorage(spec: WeightSpec, bits: Bits): QuantizedStorage {
  const block = chooseBlock(spec.name, spec.shape[1]);
  return { kind: "quantized", bits, block, bytes: blockBytes(spec, bits, block) };
}

function residualStorage(spec: WeightSpec): SlicedStorage {
  return { kind: "sliced", fullIs: "residual", low: quantizedStorage(spec, 4), full: quantizedStorage(spec, 4) };
}

/** A weight with places for its arrays, before they are written. */
export interface PlacedWeight {
  readonly spec: WeightSpec;
  readonly storage: Storage;
  readonly stored: StoredWeight;
}

/** Asks `place` for room for each array of a weight, in the order in which they are written. */
export function placeWeight(spec: WeightSpec, storage: Storage, place: (bytes: number) => FileRange): PlacedWeight {
  const { shape } = spec;
  if (storage.kind === "float32") return { spec, storage, stored: { kind: "float32", shape, data: place(storage.bytes) } };
  if (storage.kind !== "sliced") return { spec, storage, stored: placeBlocks(shape, storage, place) };
  const [low, full] = [placeBlocks(shape, storage.low, place), placeBlocks(shape, storage.full, place)];
  return { spec, storage, stored: { kind: "sliced", shape, low, full, fullIs: storage.fullIs } };
}

function placeBlocks(shape: WeightSpec["shape"], { bits, block, bytes }: BlockStorage, place: (bytes: number) => FileRange): BlockWeight {
  const [data, scales] = [place(bytes.data), place(bytes.scales)];
  const zeroPoints = bytes.zeroPoints === 0 ? null : place(bytes.zeroPoints);
  return { kind: "blocks", bits, block, shape, data, scales, zeroPoints };
}

/** A weight, or its slices: what the graph sees as a matrix each. */
export interface Slice {
  readonly storage: PlainStorage;
  readonly stored: Exclude<StoredWeight, { kind: "sliced" }>;
}

/** The matrices that a placed weight consists of. */
export function slicesOf({ storage, stored }: Pick<PlacedWeight, "storage" | "stored">): readonly Slice[] {
  if (storage.kind !== "sliced" || stored.kind !== "sliced") return [{ storage, stored } as Slice]; // the two kinds are of one weight
  return [
    { storage: storage.low, stored: stored.low },
    { storage: storage.full, stored: stored.full },
  ];
}

/** Bytes of all arrays of a weight. */
export function storageBytes(storage: Storage): number {
  if (storage.kind === "float32") return storage.bytes;
  if (storage.kind === "sliced") return storageBytes(storage.low) + storageBytes(storage.full);
  return storage.bytes.data + storage.bytes.scales + storage.bytes.zeroPoints;
}

/** Whether a step chooses how much of the weight it uses. */
function isSliced({ role }: WeightSpec, precision: Precision): boolean {
  return role === "matrix" && chooses(precision);
}

/** Bits of the weight's integers, null for float32. Embeddings always keep 8 bits: a head of 4 bits costs most quality. */
function bitsOf(spec: WeightSpec, precision: Precision): Bits | null {
  if (spec.role === "exact" || precision === "float32") return null;
  return precision === "int4" && spec.role !== "embedding" ? 4 : 8;
}

function blockBytes({ shape: [rows, columns] }: WeightSpec, bits: Bits, block: number): BlockBytes {
  return {
    data: (rows * columns * bits) / 8,
    scales: rows * (columns / block) * 4,
    zeroPoints: rows * zeroPointBytes(columns, block, bits),
  };
}

/** Whether all rows are stored as they are, in the type of these bits, and no block is cut by a part's edge. */
function canCarry(spec: WeightSpec, bits: Bits, checkpoint: Checkpoint): boolean {
  return spec.parts.every((part) => {
    const tensor = checkpoint.tensor(part.tensor);
    const whole = tensor.columns % CARRIED_BLOCK === 0 && part.at[1] % CARRIED_BLOCK === 0;
    return whole && tensor.offset === 0 && typesOf(tensor, rowsOf(part, tensor)).every((type) => CARRIED[type]?.bits === bits);
  });
}

/** Types that rows [start, end) are stored in. */
function typesOf(tensor: Tensor, [start, end]: readonly [number, number]): StoredType[] {
  const types: StoredType[] = [];
  let first = 0;
  for (const run of tensor.runs) {
    if (first < end && first + run.rows > start) types.push(run.type);
    first += run.rows;
  }
  return types;
}

/** Tensor rows [start, end) of a part. */
export function rowsOf(part: WeightPart, tensor: Tensor): readonly [start: number, end: number] {
  return part.rows ?? [0, tensor.rows];
}

/** Parts inside the shape, without overlap, whose areas add up to the shape's, cover it exactly. */
function checkParts(spec: WeightSpec, checkpoint: Checkpoint): void {
  const [rows, columns] = spec.shape;
  const boxes = spec.parts.map((part) => {
    const tensor = checkpoint.tensor(part.tensor);
    const [start, end] = rowsOf(part, tensor);
    const [top, left] = part.at;
    const box = { top, left, bottom: top + end - start, right: left + tensor.columns };
    if (start < 0 || start >= end || end > tensor.rows || top < 0 || left < 0 || box.bottom > rows || box.right > columns)
      throw badParts(
        spec,
        `rows ${start} to ${end} of ${part.tensor} [${tensor.shape.join(", ")}] placed at [${top}, ${left}] do not fit [${rows}, ${columns}]`,
      );
    return box;
  });
  const area = boxes.reduce((sum, box) => sum + (box.bottom - box.top) * (box.right - box.left), 0);
  if (area !== rows * columns) throw badParts(spec, `its parts hold ${area} numbers, expected ${rows} × ${columns} = ${rows * columns}`);
  boxes.forEach((a, i) => {
    const other = boxes.findIndex((b, j) => j > i && a.top < b.bottom && b.top < a.bottom && a.left < b.right && b.left < a.right);
    if (other >= 0) throw badParts(spec, `its parts ${spec.parts[i]!.tensor} and ${spec.parts[other]!.tensor} overlap`);
  });
}

function badParts(spec: WeightSpec, what: string): ExportError {
  return new ExportError("export/parts", `${spec.name}: ${what}`, {
    hint: "a tensor of the checkpoint has another shape than its configuration says, or the family places it wrongly",
  });
}
