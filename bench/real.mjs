/**
 * A real checkpoint beside node-llama-cpp on the same file: greedy continuations of 20 prompts, and the perplexity of a page of text.
 *
 *   npm run real --prefix bench -- <model.gguf> [--exports dir,dir] [--continue 32] [--threads 2] [--page file]
 *
 * Each export is compared by itself. Where two continuations part, the line says at which token and how far apart its two candidates
 * were in ours: a gap smaller than the rounding of activations is a tie.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { getLlama } from "node-llama-cpp";
import { createTokenizer, openCheckpoint, openSession } from "../packages/runtime/dist/index.js";

const PROMPTS = [
  "The capital of France is",
  "Water boils at a temperature of",
  "def fibonacci(n):\n    ",
  "The first president of the United States was",
  "In the year 1969, humans",
  "Photosynthesis is the process by which",
  "Dear Sir or Madam,\n\nI am writing to",
  "import numpy as np\n\n",
  "The three primary colors are",
  "Once upon a time, there was a little girl who",
  "To make a good cup of tea, first",
  "The mitochondria is",
  "SELECT name, age FROM",
  "Die Hauptstadt von Deutschland ist",
  "La tour Eiffel se trouve à",
  "1, 1, 2, 3, 5, 8, 13,",
  "The speed of light in a vacuum is approximately",
  "Roses are red,",
  "The quick brown fox",
  "She opened the door and saw",
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    exports: { type: "string", default: "" },
    continue: { type: "string", default: "32" },
    threads: { type: "string", default: "2" },
    page: { type: "string", default: new URL("../docs/concepts.md", import.meta.url).pathname },
    tokens: { type: "string", default: "320" },
  },
});
const [gguf] = positionals;
const exports = values.exports.split(",").filter(Boolean);
if (!gguf || exports.length === 0) {
  console.error("usage: npm run real --prefix bench -- <model.gguf> --exports <dir>[,<dir>]");
  process.exit(2);
}
const threads = Number(values.threads);
const length = Number(values.continue);

const checkpoint = await openCheckpoint(gguf);
const tokenizer = createTokenizer(checkpoint.tokenizer.json, checkpoint.tokenizer.config);
const { bos } = checkpoint.config.tokens;
await checkpoint.close();
const ids = (text) => [bos, ...tokenizer.encode(text)];
const page = ids(readFileSync(values.page, "utf8").slice(0, 8000)).slice(0, Number(values.tokens));

const llama = await getLlama({ gpu: false, maxThreads: threads, logLevel: "error" });
const model = await llama.loadModel({ modelPath: gguf });
const context = await model.createContext({ contextSize: page.length + 256, batchSize: 512, threads });
const theirs = context.getSequence();

let sameIds = 0;
for (const text of PROMPTS) sameIds += Number(JSON.stringify(model.tokenize(text)) === JSON.stringify(tokenizer.encode(text)));
console.log(`tokenizer: ${sameIds} of ${PROMPTS.length} prompts have the ids that llama.cpp gives`);

async function theirContinuation(prompt) {
  await theirs.clearHistory();
  const out = [];
  for await (const id of theirs.evaluate(prompt, { temperature: 0, yieldEogToken: true })) {
    out.push(id);
    if (out.length === length) break;
  }
  return out;
}

async function theirPerplexity() {
  await theirs.clearHistory();
  let sum = 0;
  const step = 16;
  for (let at = 0; at + 1 < page.length; at += step) {
    const input = page.slice(at, Math.min(at + step, page.length - 1)).map((id) => [id, { generateNext: { probabilities: true } }]);
    const results = await theirs.controlledEvaluate(input);
    results.forEach(({ next }, i) => (sum -= Math.log(next.probabilities.get(page[at + i + 1]) ?? Number.MIN_VALUE)));
  }
  return Math.exp(sum / (page.length - 1));
}

function logProbability(row, id) {
  let highest = -Infinity;
  for (const x of row) if (x > highest) highest = x;
  let sum = 0;
  for (const x of row) sum += Math.exp(x - highest);
  return row[id] - highest - Math.log(sum);
}

function argmax(row) {
  let best = 0;
  for (let i = 1; i < row.length; i++) if (row[i] > row[best]) best = i;
  return best;
}

const expected = [];
for (const text of PROMPTS) expected.push(await theirContinuation(ids(text)));
const reference = await theirPerplexity();
console.log(`node-llama-cpp: perplexity ${reference.toFixed(3)} over ${page.length - 1} tokens`);

for (const directory of exports) {
  const session = await openSession(directory, { threads });
  const width = session.vocabularySize;
  let same = 0;
  for (const [i, text] of PROMPTS.entries()) {
    const sequence = session.createSequence();
    let row = await sequence.append(ids(text));
    let parted = null;
    for (const [at, id] of expected[i].entries()) {
      const best = argmax(row);
      if (best !== id) {
        parted = { at, gap: row[best] - row[id], ours: tokenizer.decode([best]), theirs: tokenizer.decode([id]) };
        break;
      }
      row = await sequence.append([id]);
    }
    sequence.dispose();
    if (parted === null) same++;
    else
      console.log(
        `  ${JSON.stringify(text)} parts at token ${parted.at}: ${JSON.stringify(parted.ours)} here, ${JSON.stringify(parted.theirs)} there, ${parted.gap.toFixed(3)} lower in ours`,
      );
  }
  const sequence = session.createSequence();
  let sum = 0;
  for (let at = 0; at + 1 < page.length; at += 64) {
    const part = page.slice(at, Math.min(at + 64, page.length - 1));
    const rows = await sequence.append(part, { logits: "all" });
    for (let i = 0; i < part.length; i++) sum -= logProbability(rows.subarray(i * width, (i + 1) * width), page[at + i + 1]);
  }
  const perplexity = Math.exp(sum / (page.length - 1));
  console.log(
    `${directory}: ${same} of ${PROMPTS.length} continuations of ${length} tokens equal; perplexity ${perplexity.toFixed(3)}, ${((perplexity / reference - 1) * 100).toFixed(2)} % from node-llama-cpp's`,
  );
  await session.dispose();
}
process.exit();
