/** Models whose steps choose between 4 and 8 bits, against the fixed precisions and the reference. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readFloatArrays } from "../checkpoint/float-arrays.ts";
import type { Precision } from "../manifest.ts";
import { openSession } from "../session/open.ts";
import { exportModel, type ExportOptions } from "./export.ts";

const GOLDEN = fileURLToPath(new URL("../../fixtures/goldens/granitemoe-shared", import.meta.url));
const CASE = "three-windows";

let parent: string;
let ids: number[];
let reference: Float32Array;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), "orrery-sliced-"));
  const { cases } = JSON.parse(await readFile(join(GOLDEN, "cases.json"), "utf8")) as { cases: { name: string; input_ids: number[] }[] };
  ids = cases.find(({ name }) => name === CASE)!.input_ids;
  reference = (await readFloatArrays(join(GOLDEN, "logits.safetensors"))).get(CASE)!;
});
afterAll(() => rm(parent, { recursive: true, force: true }));

/** Logits [tokens, vocabulary] of the case in steps of `sizes` tokens, each full or low. */
async function logitsOf(
  weights: Precision,
  steps: readonly (readonly [size: number, full: boolean])[],
  options: Partial<ExportOptions> = {},
): Promise<Float32Array> {
  const out = join(parent, "model");
  await exportModel(GOLDEN, { out, weights, experts: "merged", overwrite: true, ...options });
  const session = await openSession(out, { threads: 1 });
  try {
    const sequence = session.createSequence();
    const parts: number[] = [];
    for (const [size, full] of steps)
      parts.push(...(await sequence.append(ids.slice(sequence.length, sequence.length + size), { logits: "all", full })));
    return Float32Array.from(parts);
  } finally {
    await session.dispose();
  }
}

const whole = (full: boolean) => [[Infinity, full]] as const;

/** Median over the tokens of ‖a − reference‖ / ‖reference‖: rounding sends some tokens of this model to another expert. */
function medianError(a: Float32Array): number {
  const width = reference.length / ids.length;
  const norm = (row: Float32Array): number => Math.sqrt(row.reduce((sum, x) => sum + x * x, 0));
  const errors = ids.map((_, token) => {
    const row = reference.subarray(token * width, (token + 1) * width);
    return norm(row.map((x, i) => x - a[token * width + i]!)) / norm(row);
  });
  return errors.toSorted((x, y) => x - y)[ids.length >> 1]!;
}

describe.each(["merged", "conditional"] as const)("%s experts", (experts) => {
  test.each(["sliced", "paired"] as const)("a low step of %s weights is exactly a step of int4", async (weights) => {
    const low = await logitsOf(weights, whole(false), { experts, accuracyLevel: 0 });
    expect(low).toEqual(await logitsOf("int4", whole(true), { experts, accuracyLevel: 0 }));
  });

  test("a full step of paired weights is exactly a step of int8", async () => {
    expect(await logitsOf("paired", whole(true), { experts })).toEqual(await logitsOf("int8", whole(true), { experts }));
  });
});

test.each([0, 4] as const)("a full step of sliced weights is as good as int8's at accuracy level %i", async (accuracyLevel) => {
  const full = medianError(await logitsOf("sliced", whole(true), { accuracyLevel }));
  const int8 = medianError(await logitsOf("int8", whole(true), { accuracyLevel }));
  const low = medianError(await logitsOf("sliced", whole(false), { accuracyLevel }));
  expect(full).toBeLessThan(Math.max(2 * int8, 0.02));
  expect(low).toBeGreaterThan(4 * full);
});

test("steps of both kinds read each other's rows, and `full` is what a step is unless it is told otherwise", async () => {
  const mixed = await logitsOf("paired", [
    [5, true],
    [1, false],
    [Infinity, true],
  ]);
  const plain = await logitsOf("int8", whole(true));
  const width = reference.length / ids.length;
  expect(mixed.subarray(0, 5 * width)).toEqual(await logitsOf("int8", [[5, true]]));
  expect(mixed.subarray(5 * width, 6 * width)).not.toEqual(plain.subarray(5 * width, 6 * width));
  expect(mixed.subarray(6 * width)).not.toEqual(plain.subarray(6 * width)); // the low row is among what they read
  expect(medianError(mixed)).toBeLessThan(0.5);
});

test("the way to compute experts is measured for a model that chooses too", async () => {
  const out = join(parent, "measured");
  const { manifest } = await exportModel(GOLDEN, { out, weights: "sliced" });
  expect(manifest.weights.precision).toBe("sliced");
  expect(manifest.experts.measured!.mergedMs).toBeGreaterThan(0);
});
