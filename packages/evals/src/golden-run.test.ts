import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { exportModel, openSession, readFloatArrays } from "@orrery/runtime";
import { goldenCasesSchema } from "./golden-case.ts";
import { runCase } from "./golden-run.ts";

const folder = fileURLToPath(new URL("../../runtime/fixtures/goldens/granitemoe", import.meta.url));
const out = mkdtempSync(join(tmpdir(), "orrery-goldens-"));
afterAll(() => rmSync(out, { recursive: true, force: true }));

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
