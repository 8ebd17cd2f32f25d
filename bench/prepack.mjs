/**
 * Loading with weights packed in memory (plain) beside packed weights mapped from the cache (mapped): the same export, alternating, each
 * load in a process of its own, the first once with nothing in the page cache. Linux only: memory is read from /proc.
 *
 *   npm run prepack --prefix bench -- [export] [--threads 2] [--rounds 5] [--prompt 64] [--decode 32]
 *
 * Prints milliseconds of the load, of the first prompt and of one token, and the process's memory afterwards: anonymous (its own) and of
 * files (the page cache's, shared). Medians (min … max). The cache is made in a temporary directory and removed.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { openSession } from "../packages/runtime/dist/index.js";
import { median, spread, timed } from "./measure.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    threads: { type: "string", default: "2" },
    rounds: { type: "string", default: "5" },
    prompt: { type: "string", default: "64" },
    decode: { type: "string", default: "32" },
    child: { type: "string" },
  },
});
const directory = resolve(positionals[0] ?? new URL("../packages/model/data", import.meta.url).pathname);

if (values.child) await child(values.child);
else parent();

/** One load, one prompt, some tokens; what they took, as JSON on stdout. */
async function child(prepacked) {
  const load = await timed(() => openSession(directory, { threads: Number(values.threads), prepacked }));
  const session = load.result;
  const loaded = memory();
  const sequence = session.createSequence();
  const ids = Array.from({ length: Number(values.prompt) }, (_, i) => (300 + i * 7919) % session.vocabularySize);
  const prompt = await timed(() => sequence.append(ids));
  const steps = [];
  for (let i = 0; i < Number(values.decode); i++) steps.push((await timed(() => sequence.append([(17 * i) % session.vocabularySize]))).ms);
  const peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]) / 1024;
  const { mapped } = session.prepacked;
  console.log(JSON.stringify({ mapped, load: load.ms, prompt: prompt.ms, decode: median(steps), loaded, after: memory(), peak }));
  await session.dispose();
}

/** MB of this process. */
function memory() {
  const text = readFileSync("/proc/self/smaps_rollup", "utf8");
  const field = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)[1]) / 1024;
  return { anonymous: field("Anonymous"), files: field("Rss") - field("Anonymous") };
}

function parent() {
  const cache = mkdtempSync(join(tmpdir(), "orrery-prepack-"));
  const run = (mode) => {
    const options = Object.entries(values).flatMap(([name, value]) => [`--${name}`, value]);
    const args = [import.meta.filename, directory, ...options, "--child", mode];
    const text = execFileSync(process.execPath, args, { env: { ...process.env, ORRERY_CACHE: cache }, encoding: "utf8" });
    const result = JSON.parse(text);
    if (result.mapped !== (mode === "on")) throw new Error(`${mode}: mapped is ${result.mapped}`);
    return result;
  };
  try {
    const mb = (path) =>
      readdirSync(path, { recursive: true, withFileTypes: true }).reduce(
        (sum, e) => sum + (e.isFile() ? statSync(join(e.parentPath, e.name)).size : 0),
        0,
      ) /
      2 ** 20;
    const first = run("on");
    console.log(
      `export ${mb(directory).toFixed(0)} MB, packed weights ${mb(cache).toFixed(0)} MB; the load that makes them: ${first.load.toFixed(0)} ms`,
    );
    for (const [state, rounds] of [
      ["cold", 3],
      ["warm", Number(values.rounds)],
    ]) {
      const results = { off: [], on: [] };
      for (let round = 0; round < rounds; round++)
        for (const mode of round % 2 ? ["on", "off"] : ["off", "on"]) {
          if (state === "cold") forget(directory, cache);
          results[mode].push(run(mode));
        }
      for (const [mode, name] of [
        ["off", "plain "],
        ["on", "mapped"],
      ])
        report(`${state} ${name}`, results[mode]);
      const ratio = (pick) =>
        spread(
          results.on.map((on, i) => pick(on) / pick(results.off[i])),
          2,
        );
      console.log(
        `${state} mapped/plain  load ${ratio((r) => r.load)}  load+prompt ${ratio((r) => r.load + r.prompt)}  token ${ratio((r) => r.decode)}  (n=${rounds})`,
      );
    }
  } finally {
    rmSync(cache, { recursive: true });
  }
}

function report(name, results) {
  const of = (pick, digits = 0) => spread(results.map(pick), digits);
  console.log(
    `${name}  load ms ${of((r) => r.load)}  prompt ms ${of((r) => r.prompt)}  token ms ${of((r) => r.decode, 1)}\n` +
      `             MB loaded: anonymous ${of((r) => r.loaded.anonymous)} files ${of((r) => r.loaded.files)}; after: anonymous ${of((r) => r.after.anonymous)} files ${of((r) => r.after.files)}; peak ${of((r) => r.peak)}`,
  );
}

/** Drops the files from the page cache (GNU dd asks the kernel to). */
function forget(...directories) {
  for (const path of directories.flatMap((d) =>
    readdirSync(d, { recursive: true, withFileTypes: true })
      .filter((e) => e.isFile())
      .map((e) => join(e.parentPath, e.name)),
  ))
    execFileSync("dd", [`if=${path}`, "iflag=nocache", "count=0", "status=none"]);
}
