/**
 * Which data file each weight lies in, decided before any is written. In: weights with their storage. Out: data files of whole weights.
 * Law: the same weights give the same files; a data file needs no other, so each can be written alone, at any time, again.
 */
import { placeWeight, type PlacedWeight, type Storage } from "../weights/storage.ts";
import type { FileRange, WeightSpec, WeightTable } from "../weights/weight.ts";

/** A data file grows no further than this: code hosts refuse files of more than 95 MB. A single larger weight gets a file of its own. */
const FILE_BYTES = 90 * 2 ** 20;

/** ONNX Runtime maps external data by pages: large arrays start on one. Small ones start on a cache line. */
const PAGE = 4096;
const CACHE_LINE = 64;
const LARGE_ARRAY = 2 ** 16;

/** A file of weights, one after the other. */
export interface DataFile {
  /** Beside model.onnx. */
  readonly name: string;
  readonly bytes: number;
  readonly weights: readonly PlacedWeight[];
}

/** A weight and how its numbers are stored. */
export interface PlannedWeight {
  readonly spec: WeightSpec;
  readonly storage: Storage;
}

/** Lays weights out in the order given. */
export function planDataFiles(planned: Iterable<PlannedWeight>): readonly DataFile[] {
  const files: { name: string; bytes: number; weights: PlacedWeight[] }[] = [];
  for (const { spec, storage } of planned) {
    const append = (name: string, start: number): { placed: PlacedWeight; end: number } => {
      let end = start;
      const place = (length: number): FileRange => {
        const offset = aligned(end, length);
        end = offset + length;
        return { file: name, offset, length };
      };
      return { placed: placeWeight(spec, storage, place), end };
    };
    let file = files.at(-1);
    let { placed, end } = append(file?.name ?? "", file?.bytes ?? Infinity);
    if (file === undefined || end > FILE_BYTES) {
      file = { name: `weights-${files.length}.bin`, bytes: 0, weights: [] };
      files.push(file);
      ({ placed, end } = append(file.name, 0));
    }
    file.weights.push(placed);
    file.bytes = end;
  }
  return files;
}

/** Bytes of all files together. */
export function plannedBytes(files: readonly DataFile[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** The weights by the name that the graph has for them. */
export function weightTable(files: readonly DataFile[]): WeightTable {
  return new Map(files.flatMap(({ weights }) => weights.map(({ spec, stored }) => [spec.name, stored] as const)));
}

function aligned(offset: number, length: number): number {
  const step = length >= LARGE_ARRAY ? PAGE : CACHE_LINE;
  return Math.ceil(offset / step) * step;
}
