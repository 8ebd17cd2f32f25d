/**
 * Old key and value rows in int8 beside float32 rows: the same checkpoint exported both ways.
 * docs/decisions/2026-11-24-int8-rows.md
 *
 *   npm run cache-int8 --prefix bench -- --float32 <dir> --int8 <dir> [--tokens 2048] [--texts 8] [--contexts 512,2048,4096]
 *                                        [--rounds 24] [--threads 2] [--only kl|speed|memory]
 *
 * KL: evaluation conversations, one after the other up to --tokens tokens, are fed to both; KL(float32 ‖ int8) of the next token after
 * each that has old rows, and after those that the model itself writes. Speed: one token at each context, alternating, medians.
 * Memory: anonymous memory of a process of its own with a sequence of each context, less that of one with 512 rows (Linux).
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createTokenizer, openSession } from "../packages/runtime/dist/index.js";
import { median, spread, timed } from "./measure.mjs";

const { values } = parseArgs({
  options: {
    float32: { type: "string" },
    int8: { type: "string" },
    tokens: { type: "string", default: "2048" },
    texts: { type: "string", default: "8" },
    contexts: { type: "string", default: "512,2048,4096" },
    rounds: { type: "string", default: "24" },
    threads: { type: "string", default: "2" },
    only: { type: "string" },
  },
});
if (!values.float32 || !values.int8) {
  console.error("usage: npm run cache-int8 --prefix bench -- --float32 <dir> --int8 <dir>");
  process.exit(2);
}
/** A block becomes old in a step: rows are rounded at the pace of a reply, not all at the end of a long chunk. */
const CHUNK = 64;
/** Newest rows that are float32 in both (packages/runtime/src/session/old-rows.ts). */
const RECENT = 256 + CHUNK;
/** The same tokens in other runs: what rounding in another order alone does. */
const PIECE = 16;

if (values.only === "memory-of") {
  const session = await openSession(values.int8, { threads: Number(values.threads) });
  const sequence = session.createSequence();
  await sequence.append(madeUp(Number(values.contexts)), { logits: "none" });
  for (let i = 0; i < 8; i++) await sequence.append([300 + i]);
  const anonymous = /RssAnon:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))[1];
  console.log(anonymous);
  await session.dispose();
  process.exit();
}

const options = { threads: Number(values.threads), chunk: CHUNK };
const exact = await openSession(values.float32, options);
const rounded = await openSession(values.int8, options);
const width = exact.vocabularySize;

/** Texts of whole conversations, each at least --tokens long and cut there: ids, and whether the model writes the token after each. */
async function texts() {
  const json = (name) => JSON.parse(readFileSync(join(values.float32, name), "utf8"));
  const tokenizer = createTokenizer(json("tokenizer.json"), json("tokenizer_config.json"));
  const lines = readFileSync(new URL("../packages/evals/data/eval_unseen.jsonl", import.meta.url), "utf8")
    .trim()
    .split("\n");
  const all = [];
  let text = { ids: [], own: [] };
  for (const line of lines) {
    for (const [piece, own] of JSON.parse(line).segments) {
      for (const id of tokenizer.encode(piece)) {
        text.ids.push(id);
        text.own.push(own);
      }
    }
    if (text.ids.length >= Number(values.tokens)) {
      all.push({ ids: text.ids.slice(0, Number(values.tokens)), own: text.own.slice(1, Number(values.tokens) + 1) });
      text = { ids: [], own: [] };
      if (all.length === Number(values.texts)) return all;
    }
  }
  return all;
}

function madeUp(count) {
  return Array.from({ length: count }, (_, i) => 300 + ((i * 7919) % 40000));
}

function logSoftmax(row) {
  let highest = -Infinity;
  for (const x of row) if (x > highest) highest = x;
  let sum = 0;
  for (const x of row) sum += Math.exp(x - highest);
  const log = highest + Math.log(sum);
  return row.map((x) => x - log);
}

function compare(a, b) {
  const [p, q] = [logSoftmax(a), logSoftmax(b)];
  let [kl, bestP, bestQ] = [0, 0, 0];
  for (let i = 0; i < width; i++) {
    kl += Math.exp(p[i]) * (p[i] - q[i]);
    if (p[i] > p[bestP]) bestP = i;
    if (q[i] > q[bestQ]) bestQ = i;
  }
  return { kl: Math.max(0, kl), flip: bestP !== bestQ };
}

function report(name, results) {
  const sorted = results.map(({ kl }) => kl).sort((a, b) => a - b);
  const mean = sorted.reduce((sum, kl) => sum + kl, 0) / sorted.length;
  const p99 = sorted[Math.floor(0.99 * (sorted.length - 1))];
  const flips = results.filter(({ flip }) => flip).length;
  console.log(
    `${name}: ${results.length} tokens, KL mean ${mean.toExponential(2)}, p99 ${p99.toExponential(2)}, max ${sorted.at(-1).toExponential(2)} nats; ` +
      `top token differs ${flips} times (${((100 * flips) / results.length).toFixed(2)} %)`,
  );
}

if (values.only === undefined || values.only === "kl") {
  const [old, own, floor] = [[], [], []];
  const row = (rows, i) => rows.subarray(i * width, (i + 1) * width);
  for (const text of await texts()) {
    const pair = [exact, rounded, exact].map((session) => session.createSequence());
    for (let at = 0; at < text.ids.length; at += CHUNK) {
      const part = text.ids.slice(at, at + CHUNK);
      const [a, b] = [await pair[0].append(part, { logits: "all" }), await pair[1].append(part, { logits: "all" })];
      const again = [];
      for (let i = 0; i < part.length; i += PIECE) again.push(await pair[2].append(part.slice(i, i + PIECE), { logits: "all" }));
      if (at < RECENT) continue;
      for (let i = 0; i < part.length; i++) {
        const result = compare(row(a, i), row(b, i));
        old.push(result);
        floor.push(compare(row(a, i), row(again[Math.floor(i / PIECE)], i % PIECE)));
        if (text.own[at + i]) own.push(result);
      }
    }
    for (const sequence of pair) sequence.dispose();
  }
  report("after every token with old rows", old);
  report("of these, tokens that the model writes", own);
  report(`float32 rows computed ${PIECE} at a time instead of ${CHUNK}`, floor);
}

if (values.only === undefined || values.only === "speed") {
  for (const context of values.contexts.split(",").map(Number)) {
    const ids = madeUp(context);
    const pair = [exact, rounded].map((session) => session.createSequence());
    for (const sequence of pair) await sequence.append(ids, { logits: "none" });
    const times = [[], []];
    const rounds = Number(values.rounds);
    for (let round = -3; round < rounds; round++) {
      for (const turn of [0, 1]) {
        const i = (turn + round + 4) % 2;
        pair[i].rewind(context);
        const { ms } = await timed(() => pair[i].append([300 + round]));
        if (round >= 0) times[i].push(ms);
      }
    }
    const ratios = times[1].map((ms, i) => ms / times[0][i]);
    console.log(
      `${context} rows: float32 ${spread(times[0])} ms a token, int8 ${spread(times[1])} ms, ratio ${median(ratios).toFixed(2)} (medians, min … max)`,
    );
    for (const sequence of pair) sequence.dispose();
  }
}
await Promise.all([exact.dispose(), rounded.dispose()]);

if (values.only === undefined || values.only === "memory") {
  const kilobytes = (directory, context) => {
    const own = [
      "--float32",
      directory,
      "--int8",
      directory,
      "--only",
      "memory-of",
      "--contexts",
      String(context),
      "--threads",
      values.threads,
    ];
    return Number(execFileSync(process.execPath, [fileURLToPath(import.meta.url), ...own], { encoding: "utf8" }));
  };
  const bases = [values.float32, values.int8].map((directory) => kilobytes(directory, 512));
  for (const context of values.contexts
    .split(",")
    .map(Number)
    .filter((context) => context > 512)) {
    const grown = [values.float32, values.int8].map((directory, i) => (kilobytes(directory, context) - bases[i]) / (context - 512));
    console.log(`${context} rows: anonymous memory grew by ${grown.map((kb) => kb.toFixed(1)).join(" (float32) and ")} (int8) kB a token`);
  }
}
