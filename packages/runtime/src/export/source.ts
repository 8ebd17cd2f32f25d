/**
 * Where an export's numbers come from. In: an open checkpoint. Out: what tells two states of its files apart without reading them, and
 * the order in which they are best read.
 */
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import type { Checkpoint } from "../checkpoint/tensor.ts";
import type { PlannedWeight } from "./plan.ts";

/** Name, size, times of the last change and identity of every weight file: any of them differs once a file was written to or replaced. */
export async function fingerprint({ tensors }: Checkpoint): Promise<readonly string[]> {
  const paths = new Set([...tensors.values()].flatMap(({ runs }) => runs.map(({ file }) => file)));
  const facts = [...paths].toSorted().map(async (path) => {
    const { size, mtimeNs, ctimeNs, ino } = await stat(path, { bigint: true });
    return [basename(path), size, mtimeNs, ctimeNs, ino].join(" ");
  });
  return Promise.all(facts);
}

/** Weights in the order in which their numbers lie in the files, so that a source larger than memory is read once from the disk. */
export function inSourceOrder(planned: readonly PlannedWeight[], { tensors }: Checkpoint): readonly PlannedWeight[] {
  const placeOf = ({ spec }: PlannedWeight): { file: string; offset: number } => {
    const tensor = tensors.get(spec.parts[0]!.tensor)!;
    let row = spec.parts[0]!.rows?.[0] ?? 0;
    for (const run of tensor.runs) {
      if (row < run.rows) return run;
      row -= run.rows;
    }
    return { file: "", offset: 0 }; // no file holds it: all its numbers are the same
  };
  const places = new Map(planned.map((weight) => [weight, placeOf(weight)]));
  return planned.toSorted((a, b) => {
    const [one, other] = [places.get(a)!, places.get(b)!];
    return one.file < other.file ? -1 : one.file > other.file ? 1 : one.offset - other.offset;
  });
}
