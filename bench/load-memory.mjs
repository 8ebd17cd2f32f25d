/**
 * What `orrery inspect` says of memory against what a process takes. In: a checkpoint. Out: per precision and way of computing experts the estimate, the resident
 * memory that loading the export and generating a few tokens adds (a process each), and their ratio. Nothing is asserted.
 *
 *   npm run load-memory --prefix bench -- <checkpoint> [precision …]
 */
import { fork } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describeCheckpoint, describeExport, exportModel, loadModel, openCheckpoint, openSession } from "../packages/runtime/dist/index.js";

/** Bytes: all that is resident, and the part of it that no file backs (Linux; elsewhere the whole). */
function resident() {
  try {
    const status = readFileSync("/proc/self/status", "utf8");
    const read = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)[1]) * 1024;
    return { all: read("VmRSS"), anonymous: read("RssAnon") };
  } catch {
    return { all: process.memoryUsage.rss(), anonymous: process.memoryUsage.rss() };
  }
}

async function child([directory, hasTokenizer]) {
  const before = resident();
  if (hasTokenizer === "true") {
    const model = await loadModel(directory);
    for await (const _ of model.generate("Hello there", { maxTokens: 4 }));
    process.send(grown(before));
    await model.dispose();
  } else {
    const session = await openSession(directory);
    await session.createSequence().append([1, 2, 3]);
    process.send(grown(before));
    await session.dispose();
  }
}

function grown(before) {
  const now = resident();
  return { all: now.all - before.all, anonymous: now.anonymous - before.anonymous };
}

async function parent([path, ...precisions]) {
  if (path === undefined) {
    console.error("usage: npm run load-memory --prefix bench -- <checkpoint> [precision …]");
    process.exit(2);
  }
  const checkpoint = await openCheckpoint(path);
  const { exports, tokenizer, config } = describeCheckpoint(checkpoint);
  await checkpoint.close();
  const directory = mkdtempSync(join(tmpdir(), "orrery-load-memory-"));
  const mb = (bytes) => (bytes / 1e6).toFixed(1).padStart(7);
  try {
    const modes = config.experts === null ? [undefined] : ["conditional", "merged"];
    const forms = (precisions.length > 0 ? precisions : ["float32", "int8", "int4"]).flatMap((weights) =>
      modes.map((experts) => ({ weights, ...(experts && { experts }) })),
    );
    for (const form of forms) {
      const { weights } = form;
      const out = join(directory, "model");
      await exportModel(path, { out, ...form, overwrite: true });
      const { memory, bytesOnDisk } = await describeExport(out);
      const worker = fork(fileURLToPath(import.meta.url), ["--child", out, String(tokenizer)]);
      const { all, anonymous } = await new Promise((resolve, reject) => {
        worker.once("message", resolve);
        worker.once("exit", (code) => reject(new Error(`the process ended with ${code}`)));
      });
      console.log(
        `${weights.padEnd(8)}${(form.experts ?? "").padEnd(12)} measured ${mb(all)} MB (${mb(anonymous)} of its own), estimated ${mb(memory.loaded)} from the export and ` +
          `${mb(exports[weights].memory.loaded)} from the checkpoint: ratio ${(memory.loaded / all).toFixed(3)}; ` +
          `on disk ${mb(bytesOnDisk)} MB, ratio ${(exports[weights].bytesOnDisk / bytesOnDisk).toFixed(3)}`,
      );
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const [first, ...rest] = process.argv.slice(2);
if (first === "--child") await child(rest);
else await parent(process.argv.slice(2));
