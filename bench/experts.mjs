/**
 * Only chosen experts run. Two proofs:
 *  1. the engine's own profile of a `conditional` export: expert matrices multiplied per token, against all there are;
 *  2. time of one layer for one token, `conditional` against `merged` (all experts computed), as experts grow.
 *
 *   npm run experts --prefix bench -- <model.gguf>
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportModel, openSession } from "../packages/runtime/dist/index.js";
import { familyOf } from "../packages/runtime/dist/graph-entry.js";
import { measureExperts } from "../packages/runtime/dist/export/cost.js";

const [gguf] = process.argv.slice(2);
if (!gguf) {
  console.error("usage: npm run experts --prefix bench -- <model.gguf>");
  process.exit(2);
}
const TOKENS = 16;
const directory = mkdtempSync(join(tmpdir(), "orrery-bench-"));
try {
  const out = join(directory, "model");
  const { manifest } = await exportModel(gguf, { out, weights: "int8", experts: "conditional" });
  const session = await openSession(out, { profile: join(directory, "profile") });
  const sequence = session.createSequence();
  for (let i = 0; i < TOKENS; i++) await sequence.append([300 + 97 * i]);
  await session.dispose();

  const profile = readdirSync(directory).find((name) => name.startsWith("profile"));
  const events = JSON.parse(readFileSync(join(directory, profile), "utf8")).filter(
    (e) => e.cat === "Node" && e.name.endsWith("_kernel_time"),
  );
  const { layers, experts } = manifest.config;
  // An expert's first matrix is the only one with 2 · width outputs.
  const ran = events.filter(
    (e) => e.args.op_name === "MatMulNBits" && Object.values(e.args.output_type_shape[0])[0].at(-1) === 2 * experts.width,
  ).length;
  const perToken = ran / TOKENS / layers.length;
  console.log(
    `profile of ${TOKENS} tokens: ${perToken.toFixed(2)} experts ran per token and layer, of ${experts.count}; the router chooses ${experts.perToken}`,
  );
  if (perToken !== experts.perToken) process.exitCode = 1;

  for (const width of [experts.width, 256, 512, 1024]) {
    const config = { ...manifest.config, experts: { ...experts, width } };
    const { conditionalMs, mergedMs } = await measureExperts(familyOf(manifest.family), config, "int8", 4);
    console.log(
      `experts of width ${String(width).padStart(4)}: one layer, one token: conditional ${conditionalMs.toFixed(3)} ms, all computed ${mergedMs.toFixed(3)} ms, ratio ${(mergedMs / conditionalMs).toFixed(2)}`,
    );
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
