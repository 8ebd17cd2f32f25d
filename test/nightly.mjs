/**
 * `npm run nightly [-- seed]`: what the constraint engine promises, in full: masks of 1,000 random schemas on each surface beside a slow
 * oracle, 10,000 replies from random logits, and as many of models that want something else. Another seed each time; it is printed, and
 * given again it finds the same. Takes some 20 minutes of one core.
 */
import { spawnSync } from "node:child_process";

const seed = process.argv[2] ?? String(Math.floor(Math.random() * 2 ** 31));
console.log(`seed ${seed}`);
const { status } = spawnSync(
  "npm",
  [
    "run",
    "jest",
    "--",
    "--testTimeout=7200000",
    "packages/runtime/dist/constraint/oracle.test",
    "packages/runtime/dist/constraint/replies.test",
    "packages/runtime/dist/constraint/adversaries.test",
    "packages/runtime/dist/constraint/value.test",
  ],
  { stdio: "inherit", env: { ...process.env, PROPERTY_SEED: seed, PROPERTY_SCHEMAS: "1000", PROPERTY_REPLIES: "10000" } },
);
process.exitCode = status ?? 1;
