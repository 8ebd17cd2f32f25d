/**
 * Prefill and decode of Orrery beside node-llama-cpp: the same model, the same number of threads, alternating in one process.
 *
 *   npm run speed --prefix bench -- <model.gguf> [--export dir] [--threads 2] [--rounds 7] [--prompt 512] [--decode 64]
 *
 * Prints tokens per second as median (min … max), the ratio pair by pair, and how long the event loop was held up meanwhile.
 */
import { parseArgs } from "node:util";
import { getLlama } from "node-llama-cpp";
import { openSession } from "../packages/runtime/dist/index.js";
import { loopDelay, median, spread, timed } from "./measure.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    export: { type: "string", default: new URL("../packages/model/data", import.meta.url).pathname },
    threads: { type: "string", default: "2" },
    rounds: { type: "string", default: "7" },
    prompt: { type: "string", default: "512" },
    decode: { type: "string", default: "64" },
  },
});
const [gguf] = positionals;
if (!gguf) {
  console.error("usage: npm run speed --prefix bench -- <model.gguf>");
  process.exit(2);
}
const threads = Number(values.threads);
const rounds = Number(values.rounds);
const promptLength = Number(values.prompt);
const decodeLength = Number(values.decode);

const loadOurs = await timed(() => openSession(values.export, { threads }));
const session = loadOurs.result;
const loadTheirs = await timed(async () => {
  const llama = await getLlama({ gpu: false, maxThreads: threads, logLevel: "error" });
  const model = await llama.loadModel({ modelPath: gguf });
  return model.createContext({ contextSize: promptLength + decodeLength + 16, batchSize: promptLength, threads });
});
const llamaSequence = loadTheirs.result.getSequence();
console.log(`load: orrery ${loadOurs.ms.toFixed(0)} ms, node-llama-cpp ${loadTheirs.ms.toFixed(0)} ms`);

/** Ordinary ids, different in each round so that nothing can be reused. */
const prompt = (round) => Array.from({ length: promptLength }, (_, i) => 300 + ((i * 7919 + (round + 1) * 104729) % 40000));

function argmax(row) {
  let best = 0;
  for (let i = 1; i < row.length; i++) if (row[i] > row[best]) best = i;
  return best;
}

async function ours(round) {
  const sequence = session.createSequence();
  const prefill = await timed(() => sequence.append(prompt(round)));
  let logits = prefill.result;
  const decode = await timed(async () => {
    for (let i = 0; i < decodeLength; i++) logits = await sequence.append([argmax(logits)]);
  });
  sequence.dispose();
  return { prefill: (1000 * promptLength) / prefill.ms, decode: (1000 * decodeLength) / decode.ms };
}

async function theirs(round) {
  await llamaSequence.clearHistory();
  const ids = prompt(round);
  const prefill = await timed(() => llamaSequence.evaluateWithoutGeneratingNewTokens(ids.slice(0, -1)));
  const tokens = llamaSequence.evaluate(ids.slice(-1), { temperature: 0, yieldEogToken: true });
  await tokens.next();
  const decode = await timed(async () => {
    for (let i = 0; i < decodeLength; i++) await tokens.next();
  });
  await tokens.return();
  return { prefill: (1000 * (promptLength - 1)) / prefill.ms, decode: (1000 * decodeLength) / decode.ms };
}

await ours(-1); // warm-up
await theirs(-1);
const pairs = [];
for (let round = 0; round < rounds; round++) {
  // who goes first alternates, so that a drift of the machine favours nobody
  const first = round % 2 ? await theirs(round) : await ours(round);
  const second = round % 2 ? await ours(round) : await theirs(round);
  pairs.push(round % 2 ? { ours: second, theirs: first } : { ours: first, theirs: second });
}
for (const phase of ["prefill", "decode"]) {
  const a = pairs.map((p) => p.ours[phase]);
  const b = pairs.map((p) => p.theirs[phase]);
  const ratio = pairs.map((p) => p.ours[phase] / p.theirs[phase]);
  console.log(
    `${phase.padEnd(8)} tokens/s   orrery ${spread(a)}   node-llama-cpp ${spread(b)}   ratio ${spread(ratio, 2)}   (n=${rounds}, ${threads} threads)`,
  );
  if (median(ratio) === Infinity) process.exitCode = 1;
}
const delay = await loopDelay(() => ours(rounds));
console.log(
  `event loop while orrery works: p50 ${delay.p50.toFixed(1)} ms, p99 ${delay.p99.toFixed(1)} ms, max ${delay.max.toFixed(1)} ms`,
);
await session.dispose();
process.exit();
