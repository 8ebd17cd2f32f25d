import { slicesOf } from "../weights/storage.ts";
import type { WeightSpec } from "../weights/weight.ts";
import { planDataFiles, plannedBytes, type PlannedWeight } from "./plan.ts";

function weight(name: string, ...sizes: readonly [data: number, scales?: number, zeroPoints?: number]): PlannedWeight {
  const spec: WeightSpec = { name, role: "matrix", shape: [1, 1], parts: [] };
  const [data, scales, zeroPoints = 0] = sizes;
  if (scales === undefined) return { spec, storage: { kind: "float32", bytes: data } };
  return { spec, storage: { kind: "quantized", bits: 8, block: 16, bytes: { data, scales, zeroPoints } } };
}

function placesOf(planned: PlannedWeight[]): (readonly [string, number])[] {
  return planDataFiles(planned).flatMap(({ weights }) =>
    weights.flatMap(slicesOf).flatMap(({ stored }) => {
      const ranges = stored.kind === "float32" ? [stored.data] : [stored.data, stored.scales, stored.zeroPoints];
      return ranges.flatMap((range) => (range === null ? [] : [[range.file, range.offset] as const]));
    }),
  );
}

test("small arrays start on cache lines, large ones on pages", () => {
  const places = placesOf([weight("a", 3), weight("b", 100), weight("c", 2 ** 16), weight("d", 5, 6, 7)]);
  expect(places.map(([, offset]) => offset)).toEqual([0, 64, 4096, 4096 + 2 ** 16, 4160 + 2 ** 16, 4224 + 2 ** 16]);
});

test("a weight that does not fit goes whole into the next file, and one beyond the limit has its own", () => {
  const [medium, huge] = [50 * 2 ** 20, 91 * 2 ** 20];
  const planned = [weight("a", medium), weight("b", medium - 1000, 4096), weight("c", 3), weight("d", huge, 64), weight("e", 3)];
  const files = planDataFiles(planned);
  expect(files.map(({ weights }) => weights.map(({ spec }) => spec.name))).toEqual([["a"], ["b", "c"], ["d"], ["e"]]);
  expect(files.map(({ name }) => name)).toEqual(["weights-0.bin", "weights-1.bin", "weights-2.bin", "weights-3.bin"]);
  expect(files.filter((_, i) => i !== 2).every(({ bytes }) => bytes <= 90 * 2 ** 20)).toBe(true);
  expect(plannedBytes(files)).toBe(files.reduce((sum, { bytes }) => sum + bytes, 0));
});

test("scales stay with their integers, even where those fill a file", () => {
  const files = planDataFiles([weight("a", 10), weight("b", 90 * 2 ** 20 - 4096, 4096, 16)]);
  expect(files.map(({ weights }) => weights.length)).toEqual([1, 1]);
});
