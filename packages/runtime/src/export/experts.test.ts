/** Experts by how they are used: mass that suffices, bits by calibration. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openSession } from "../session/open.ts";
import { describeExport } from "./describe.ts";
import { hot } from "./expert-use.ts";
import { exportModel, type ExportOptions } from "./export.ts";
import type { OpenedExport } from "../open-export.ts";

const GOLDEN = fileURLToPath(new URL("../../fixtures/goldens/granitemoe-shared", import.meta.url));
const IDS = Array.from({ length: 40 }, (_, i) => (i * 37) % 320);

let parent: string;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), "orrery-experts-"));
});
afterAll(() => rm(parent, { recursive: true, force: true }));

interface Made {
  readonly model: OpenedExport;
  readonly logits: Float32Array;
  /** The last row of logits when every token is a step. */
  readonly last: Float32Array;
}

/** What was made once is not made again. */
const made = new Map<string, Promise<Made>>();

function exported(options: Partial<ExportOptions>): Promise<Made> {
  const key = JSON.stringify(options);
  const known = made.get(key) ?? make(options, join(parent, `model-${made.size}`));
  made.set(key, known);
  return known;
}

async function make(options: Partial<ExportOptions>, out: string): Promise<Made> {
  const model = await exportModel(GOLDEN, { out, weights: "float32", experts: "conditional", ...options });
  const session = await openSession(model, { threads: 1 });
  try {
    const logits = await session.createSequence().append(IDS, { logits: "all" });
    const steps = session.createSequence();
    for (const id of IDS.slice(0, -1)) await steps.append([id], { logits: "none" });
    return { model, logits, last: await steps.append(IDS.slice(-1)) };
  } finally {
    await session.dispose();
  }
}

const difference = (a: Float32Array, b: Float32Array): number => a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0);

test("a mass that the first expert reaches leaves it alone, in both modes and however the tokens are divided", async () => {
  const all = await exported({});
  const conditional = await exported({ expertMass: 1e-6 });
  const merged = await exported({ expertMass: 1e-6, experts: "merged" });
  expect(difference(conditional.logits, merged.logits)).toBeLessThan(1e-4);
  expect(difference(conditional.last, conditional.logits.slice(-conditional.last.length))).toBeLessThan(1e-4);
  expect(difference(conditional.logits, all.logits)).toBeGreaterThan(0.01);
  expect(conditional.model.manifest.experts.mass).toBe(1e-6);
});

test("between none and all: both modes agree, and experts below the mass still count", async () => {
  const conditional = await exported({ expertMass: 0.7 });
  const merged = await exported({ expertMass: 0.7, experts: "merged" });
  expect(difference(conditional.logits, merged.logits)).toBeLessThan(1e-4);
  const [all, one] = [await exported({}), await exported({ expertMass: 1e-6 })];
  expect(difference(conditional.logits, all.logits)).toBeGreaterThan(0);
  expect(difference(conditional.logits, one.logits)).toBeGreaterThan(0);
});

test("hot experts are the fewest that the share of tokens goes to", () => {
  expect(hot([0.1, 0.6, 0.05, 0.25], 0.75)).toEqual([4, 8, 4, 8]);
  expect(hot([0.1, 0.6, 0.05, 0.25], 0.5)).toEqual([4, 8, 4, 4]);
  expect(hot([0.25, 0.25, 0.25, 0.25], 1)).toEqual([8, 8, 8, 8]);
});

test("calibration gives experts 8 or 4 bits, on the disk as in the manifest", async () => {
  const calibration = { sequences: [IDS, IDS.toReversed()], cover: 0.5 };
  const some = await exported({ weights: "int8", experts: undefined!, calibration });
  const { mode, bits } = some.model.manifest.experts;
  expect(mode).toBe("conditional");
  expect(bits!.map((layer) => layer.length)).toEqual(some.model.manifest.config.layers.map(() => 8));
  expect(new Set(bits!.flat())).toEqual(new Set([4, 8]));
  const weights = ({ manifest }: OpenedExport) =>
    manifest.files.filter(({ name }) => name.endsWith(".bin")).reduce((n, { bytes }) => n + bytes, 0);
  const every = await exported({ weights: "int8" });
  expect(weights(some.model)).toBeLessThan(weights(every.model));
  const described = await describeExport(some.model.directory);
  expect(described.memory.weights).toBeLessThan((await describeExport(every.model.directory)).memory.weights);
  const full = await exported({ weights: "int8", calibration: { ...calibration, cover: 1 } });
  expect(full.model.manifest.experts.bits!.flat()).toContain(8);
});

test.each([
  [{ experts: "merged", calibration: { sequences: [IDS], cover: 0.5 } }, "export/calibration"],
  [{ calibration: { sequences: [], cover: 0.5 } }, "export/calibration"],
  [{ calibration: { sequences: [[1e9]], cover: 0.5 } }, "export/calibration"],
  [{ calibration: { sequences: [IDS], cover: 0 } }, "export/calibration"],
  [{ expertMass: 0 }, "export/expert-mass"],
  [{ expertMass: Number.NaN }, "export/expert-mass"],
] as const)("%j is refused", async (options, code) => {
  await expect(exportModel(GOLDEN, { out: join(parent, "refused"), weights: "int8", ...(options as object) })).rejects.toMatchObject({
    code,
  });
});
