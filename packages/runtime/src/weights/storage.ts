/**
 * How a weight will lie in the exported files, decided before any number is read. In: what a family asks for, the checkpoint's tensors,
 * the precision. Out: layout and bytes of each array. Law: the parts of a weight cover it exactly, or nothing is written.
 */
import type { Checkpoint, StoredType, Tensor } from "../checkpoint/tensor.ts";
import { ExportError } from "../errors.ts";
import type { Precision } from "../manifest.ts";
import { CARRIED, CARRIED_BLOCK } from "./carry.ts";
import { chooseBlock, zeroPointBytes, type Bits, type Block } from "./quantize.ts";
import type { FileRange, StoredWeight, WeightPart, WeightSpec } from "./weight.ts";

/** `carried`: the stored blocks themselves, zero points implicit. `quantized`: from float32, zero points explicit. */
export type Storage =
  | { readonly kind: "float32"; readonly bytes: number }
  | { readonly kind: "carried"; readonly bits: Bits; readonly block: typeof CARRIED_BLOCK; readonly bytes: BlockBytes }
  | { readonly kind: "quantized"; readonly bits: Bits; readonly block: Block; readonly bytes: BlockBytes };

/** Bytes of the arrays of a weight in blocks. */
export interface BlockBytes {
  readonly data: number;
  readonly scales: number;
  readonly zeroPoints: number;
}

/** The storage of a weight made of a checkpoint. @throws ExportError `export/parts`, `export/block` */
export function planStorage(spec: WeightSpec, precision: Precision, checkpoint: Checkpoint): Storage {
  checkParts(spec, checkpoint);
  const carried = carriedStorage(spec, precision);
  return carried !== null && canCarry(spec, carried.bits, checkpoint) ? carried : planQuantized(spec, precision);
}

/** The storage of a weight whose blocks are carried over; null where it cannot be in blocks of 32. */
export function carriedStorage(spec: WeightSpec, precision: Precision): Extract<Storage, { kind: "carried" }> | null {
  const bits = bitsOf(spec, precision);
  if (bits === null || spec.shape[1] % CARRIED_BLOCK !== 0) return null;
  return { kind: "carried", bits, block: CARRIED_BLOCK, bytes: { ...blockBytes(spec, bits, CARRIED_BLOCK), zeroPoints: 0 } };
}

/** The storage of a weight of this shape and role when nothing is carried over. @throws ExportError `export/block` */
export function planQuantized(spec: WeightSpec, precision: Precision): Exclude<Storage, { kind: "carried" }> {
  const bits = bitsOf(spec, precision);
  if (bits === null) return { kind: "float32", bytes: spec.shape[0] * spec.shape[1] * 4 };
  const block = chooseBlock(spec.name, spec.shape[1]);
  return { kind: "quantized", bits, block, bytes: blockBytes(spec, bits, block) };
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
  const { bits, block, bytes } = storage;
  const [data, scales] = [place(bytes.data), place(bytes.scales)];
  const zeroPoints = bytes.zeroPoints === 0 ? null : place(bytes.zeroPoints);
  return { spec, storage, stored: { kind: "blocks", bits, block, shape, data, scales, zeroPoints } };
}

/** Bytes of all arrays of a weight. */
export function storageBytes(storage: Storage): number {
  if (storage.kind === "float32") return storage.bytes;
  return storage.bytes.data + storage.bytes.scales + storage.bytes.zeroPoints;
}

/** Bits of the weight's integers, null for float32. Embeddings keep 8 bits in an int4 model: a head of 4 bits costs most quality. */
function bitsOf(spec: WeightSpec, precision: Precision): Bits | null {
  if (spec.role === "exact" || precision === "float32") return null;
  return precision === "int8" || spec.role === "embedding" ? 8 : 4;
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
