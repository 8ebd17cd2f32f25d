import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { exportModel, openSession, readFloatArrays, type ExportOptions } from "@orrery/runtime";
import { goldenCasesSchema } from "./golden-case.ts";
import { runCase } from "./golden-run.ts";

const goldens = fileURLToPath(new URL("../../runtime/fixtures/goldens/", import.meta.url));
const folder = join(goldens, "granitemoe");
const out = mkdtempSync(join(tmpdir(), "orrery-goldens-"));
afterAll(() => rmSync(out, { recursive: true, force: true }));

const SCALAR = "gemma3-scalar";
const E2B = "gemma4-e2b/model.q8_0.gguf";
const MIXTURE = "gemma4-26b-a4b/model.q4_0.gguf";

/** A golden's largest error of every way of feeding, and its tolerance. */
async function errorsOf(
  checkpoint: string,
  logits: string,
  options: Omit<ExportOptions, "out">,
): Promise<{ errors: number[]; tolerance: number }> {
  await exportModel(join(goldens, checkpoint), { ...options, out, overwrite: true });
  const directory = join(goldens, checkpoint.split("/")[0]!);
  const { cases, tolerance } = goldenCasesSchema.parse(JSON.parse(readFileSync(join(directory, "cases.json"), "utf8")));
  const references = await readFloatArrays(join(directory, logits));
  const session = await openSession(out, { threads: 1 });
  const errors: number[] = [];
  try {
    for (const golden of cases)
      for (const { maxError } of (await runCase(session, golden, references.get(golden.name)!, checkpoint === SCALAR)).ways)
        errors.push(maxError);
  } finally {
    await session.dispose();
  }
  expect(errors.length).toBeGreaterThanOrEqual(5 * cases.length);
  return { errors, tolerance };
}

test.each([
  [SCALAR, "logits.safetensors", { weights: "float32" }],
  [E2B, "logits.q8_0.safetensors", { weights: "float32" }],
  [E2B, "logits.q8_0.safetensors", { weights: "int8", accuracyLevel: 0 }],
  [MIXTURE, "logits.q4_0.safetensors", { weights: "float32", experts: "conditional" }],
  [MIXTURE, "logits.q4_0.safetensors", { weights: "int4", experts: "conditional", accuracyLevel: 0 }],
  [MIXTURE, "logits.q4_0.safetensors", { weights: "int4", experts: "merged", accuracyLevel: 0 }],
] as const)(
  "%s gives %s, exported as %j",
  async (checkpoint, logits, options) => {
    const { errors, tolerance } = await errorsOf(checkpoint, logits, options);
    expect(Math.max(...errors)).toBeLessThanOrEqual(tolerance);
  },
  60_000,
);

test.each([
  [SCALAR, "logits.safetensors", { weights: "int8" }],
  [SCALAR, "logits.safetensors", { weights: "int4" }],
  [E2B, "logits.q8_0.safetensors", { weights: "int8" }],
  [E2B, "logits.q8_0.safetensors", { weights: "int4" }],
  [MIXTURE, "logits.q4_0.safetensors", { weights: "int4", experts: "conditional" }],
] as const)(
  "%s runs with int8 activations and is near %s, exported as %j",
  async (checkpoint, logits, options) => {
    await exportModel(join(goldens, checkpoint), { ...options, out, overwrite: true });
    const directory = join(goldens, checkpoint.split("/")[0]!);
    const { cases } = goldenCasesSchema.parse(JSON.parse(readFileSync(join(directory, "cases.json"), "utf8")));
    const reference = (await readFloatArrays(join(directory, logits))).get("steps")!;
    const session = await openSession(out, { threads: 1 });
    try {
      const sequence = session.createSequence();
      const found = await sequence.append(cases.find(({ name }) => name === "steps")!.input_ids, { logits: "all" });
      expect(correlation(found, reference)).toBeGreaterThan(0.8); // int4 of random weights: 0.89
    } finally {
      await session.dispose();
    }
  },
  60_000,
);

/** Pearson's r. */
function correlation(a: Float32Array, b: Float32Array): number {
  const mean = (x: Float32Array): number => x.reduce((sum, value) => sum + value, 0) / x.length;
  const [ma, mb] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += (a[i]! - ma) * (b[i]! - mb);
    aa += (a[i]! - ma) ** 2;
    bb += (b[i]! - mb) ** 2;
  }
  return ab / Math.sqrt(aa * bb);
}

test("every case is fed in every division, agrees with the reference, and a wrong reference is noticed", async () => {
  await exportModel(folder, { out, weights: "float32", experts: "conditional", overwrite: true });
  const { cases, tolerance } = goldenCasesSchema.parse(JSON.parse(readFileSync(join(folder, "cases.json"), "utf8")));
  const references = await readFloatArrays(join(folder, "logits.safetensors"));
  const session = await openSession(out, { threads: 1 });
  try {
    const ways = new Set<string>();
    for (const golden of cases) {
      const result = await runCase(session, golden, references.get(golden.name)!, true);
      for (const { way, maxError } of result.ways) {
        ways.add(way);
        expect(maxError).toBeLessThanOrEqual(tolerance);
      }
    }
    expect([...ways]).toEqual(
      expect.arrayContaining([
        "whole",
        "token by token",
        "chunks of 3",
        "chunks of 7",
        "after rewind",
        "fork",
        "restored from a snapshot",
        "beside another",
        "steps",
        "chunks",
        "rollback",
        "greedy",
      ]),
    );

    const [golden] = cases;
    const wrong = Float32Array.from(references.get(golden!.name)!);
    wrong[3]! += 0.01;
    const { ways: broken } = await runCase(session, golden!, wrong, true);
    expect(Math.min(...broken.map((way) => way.maxError))).toBeGreaterThan(5e-3);
  } finally {
    await session.dispose();
  }
}, 60_000);
