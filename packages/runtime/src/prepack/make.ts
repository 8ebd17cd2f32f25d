/**
 * Packs the weights of an export into a file that can be mapped. In: the export, the engine's way to save what it packs. Out: the blobs and
 * their index. Law: slice by slice, so that memory and spare disk are those of a slice, whatever the model's size.
 *
 * Only the blobs are kept. ONNX Runtime 1.30 packs every weight again at load, hashes the result and takes the blob of that hash if there
 * is one, whichever weight lists it; so graph and weights stay the export's own, and one small weight, the carrier, lists all blobs.
 */
import { open, readFile, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { SessionError } from "../errors.ts";
import { MODEL_FILE } from "../manifest.ts";
import { readExternal, type ByteRange, type ExternalTensor } from "../onnx/external-data.ts";
import { weightSlices } from "../onnx/slices.ts";
import type { OpenedExport } from "../open-export.ts";
import { BlobWriter } from "./blob-writer.ts";
import { fromRoot } from "./graph.ts";
import { BLOBS_FILE, PAGE, type PackedIndex } from "./packed-weights.ts";

/** Operators whose weights ONNX Runtime packs, of those that our graphs have. */
const OPERATORS = new Set(["MatMulNBits", "FusedMatMul"]);

/** Smaller weights are packed at each load: on a page of their own they would take more room than they have bytes. */
const MIN_BYTES = PAGE;

/** Weights that are packed at once. Loading a slice takes some milliseconds. */
const SLICE_BYTES = 2 ** 28;

/** Has the engine pack the weights of `model`, whose references start from `root`, and write `graph` (a path) and `weights` beside it. */
export type SavePacked = (files: {
  readonly model: Uint8Array;
  readonly root: string;
  readonly graph: string;
  /** A file name. */
  readonly weights: string;
  /** Weights of fewer bytes stay in the graph and are not packed. */
  readonly atLeast: number;
}) => Promise<void>;

/** Writes the blobs to `directory`. @throws SessionError `session/prepack-failed`, and what the file system and the engine throw */
export async function makePacked({ directory: source, manifest }: OpenedExport, directory: string, save: SavePacked): Promise<PackedIndex> {
  const path = join(source, MODEL_FILE);
  const model = await readFile(path);
  const blobs = await BlobWriter.create(join(directory, BLOBS_FILE));
  try {
    const packed = new Map<string, PackedIndex["packed"][number]>();
    const weights = new Set<string>();
    for (const slice of weightSlices(model, { operators: OPERATORS, atLeast: MIN_BYTES, bytes: SLICE_BYTES })) {
      const graph = join(directory, "slice.onnx");
      const data = join(directory, "slice.bin");
      await save({ ...fromRoot(path, slice), graph, weights: basename(data), atLeast: MIN_BYTES });
      for (const { name, packed: entries } of readExternal(await readFile(graph))) {
        if (entries.length > 0) weights.add(name);
        for (const { key, blobs: ranges } of entries)
          if (!packed.has(key)) packed.set(key, { key, blobs: await copy(data, ranges, blobs) });
      }
      await Promise.all([rm(graph), rm(data)]);
    }
    const names = new Set(manifest.files.map(({ name }) => name));
    const carrier = chooseCarrier(readExternal(model), (tensor) => weights.has(tensor.name) && names.has(tensor.location));
    if (carrier === null)
      throw new SessionError("session/prepack-failed", `no weight of ${source} is packed and large enough to be mapped`, {
        hint: 'nothing is lost: load it with prepacked: "off"',
      });
    const [range] = await copy(join(source, carrier.location), [carrier.range], blobs);
    return { ...(await blobs.finish()), carrier: { name: carrier.name, range: range! }, packed: [...packed.values()] };
  } finally {
    await blobs.close();
  }
}

async function copy(path: string, ranges: readonly ByteRange[], blobs: BlobWriter): Promise<ByteRange[]> {
  const file = await open(path);
  try {
    const copied: ByteRange[] = [];
    for (const range of ranges) copied.push(await blobs.copy(file, range));
    return copied;
  } finally {
    await file.close();
  }
}

/** The smallest weight that will do, of the outermost graph: ONNX Runtime reads that one's references before it packs anything. */
function chooseCarrier(weights: readonly ExternalTensor[], fits: (tensor: ExternalTensor) => boolean): ExternalTensor | null {
  const candidates = weights.filter((tensor) => !tensor.nested && fits(tensor));
  return candidates.sort((a, b) => a.range.length - b.range.length)[0] ?? null;
}
