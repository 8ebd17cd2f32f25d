/**
 * A decode step with the logits of all tokens and of few. In: shapes with made-up weights, or exports. Out: milliseconds and ratios.
 *
 *   npm run sparse-head --prefix bench -- [export…] [--shape gemma3-270m] [--precision int8] [--rounds 31] [--threads 2] [--dir /tmp/orrery-bench]
 *
 * Without arguments: Orrery Mini. The two kinds of step alternate.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openSession } from "../packages/runtime/dist/index.js";
import { spread } from "./measure.mjs";
import { SHAPES } from "./shapes.mjs";
import { syntheticExport } from "./synthetic.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    shape: { type: "string" },
    precision: { type: "string", default: "int8" },
    rounds: { type: "string", default: "31" },
    threads: { type: "string", default: "2" },
    dir: { type: "string", default: "/tmp/orrery-bench" },
  },
});
const [threads, rounds] = [values.threads, values.rounds].map(Number);
const PAST = 200;
const exports = [...positionals];
if (values.shape) {
  mkdirSync(values.dir, { recursive: true });
  const directory = join(values.dir, `${values.shape}-sparse-${values.precision}`);
  exports.push(await syntheticExport(directory, SHAPES[values.shape], values.precision));
}
if (exports.length === 0) exports.push(new URL("../packages/model/data", import.meta.url).pathname);

for (const directory of exports) {
  const session = await openSession(directory, { threads });
  console.log(
    `${directory}: ${session.vocabularySize} tokens, ${session.sparseHead ? "the head takes candidates" : "the head is computed whole"}`,
  );
  const sequence = session.createSequence();
  await sequence.append(Array.from({ length: PAST }, (_, i) => 300 + ((i * 7919) % 20_000)));
  const step = async (token, options) => {
    sequence.rewind(PAST);
    const start = performance.now();
    await sequence.append([token], options);
    return performance.now() - start;
  };
  for (const count of [1, 16, 64, 256]) {
    const candidates = Int32Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * session.vocabularySize) / count));
    const [all, few] = [[], []];
    for (let i = 0; i < rounds; i++) {
      all.push(await step(500 + i));
      few.push(await step(500 + i, { candidates }));
    }
    const ratio = all.map((ms, i) => ms / few[i]);
    console.log(
      `${String(count).padStart(4)} tokens: all ${spread(all, 2)} ms   few ${spread(few, 2)} ms   ratio ${spread(ratio, 2)}   (n=${rounds})`,
    );
  }
  sequence.dispose();
  await session.dispose();
}
