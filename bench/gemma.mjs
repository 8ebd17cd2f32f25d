/**
 * Gemma shapes beside node-llama-cpp: decode at several contexts and prefill of 512, the same number of threads, alternating in one process.
 * Weights are made up; files are kept in --dir and made when they are missing.
 *
 *   npm run gemma --prefix bench -- [--shape gemma3-270m] [--precision int4] [--theirs q4_0] [--contexts 64,512,4096,8192]
 *                                   [--layers n] [--vocabulary n] [--rounds 7] [--tokens 16] [--threads 2] [--prepacked off|on] [--dir /tmp/orrery-bench]
 */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { getLlama } from "node-llama-cpp";
import { openSession } from "../packages/runtime/dist/index.js";
import { spread, median, timed } from "./measure.mjs";
import { layersOf, SHAPES } from "./shapes.mjs";
import { syntheticExport, syntheticGguf } from "./synthetic.mjs";

const { values } = parseArgs({
  options: {
    shape: { type: "string", default: "gemma3-270m" },
    precision: { type: "string", default: "int4" },
    theirs: { type: "string", default: "q4_0" },
    contexts: { type: "string", default: "64,512,4096,8192" },
    prefill: { type: "string", default: "512" },
    layers: { type: "string" },
    vocabulary: { type: "string" },
    rounds: { type: "string", default: "7" },
    tokens: { type: "string", default: "16" },
    threads: { type: "string", default: "2" },
    prepacked: { type: "string", default: "off" },
    dir: { type: "string", default: "/tmp/orrery-bench" },
  },
});
const [rounds, tokens, threads] = [values.rounds, values.tokens, values.threads].map(Number);
const whole = SHAPES[values.shape];
const config = layersOf(whole, Number(values.layers ?? whole.layers.length), Number(values.vocabulary ?? whole.vocabularySize));
const name = `${values.shape}-${config.layers.length}-${config.vocabularySize}`;
mkdirSync(values.dir, { recursive: true });
const contexts = values.contexts.split(",").map(Number);
const prefills = values.prefill.split(",").map(Number);

const directory = await syntheticExport(join(values.dir, `${name}-${values.precision}`), config, values.precision);
const gguf = syntheticGguf(join(values.dir, `${name}-${values.theirs}.gguf`), config, { type: values.theirs });

/** Megabytes of this process that are its own, and that are mapped files. Linux only. */
function memory() {
  const text = readFileSync("/proc/self/smaps_rollup", "utf8");
  const mb = (field) => Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(text)[1]) / 1024;
  return { anonymous: mb("Anonymous"), mapped: mb("Rss") - mb("Anonymous") };
}

const before = memory();
const session = await openSession(directory, { threads, prepacked: values.prepacked });
const opened = session.createSequence();
await opened.append([300, 301, 302]);
opened.dispose();
const after = memory();
const grown = (side) => `${(after[side] - before[side]).toFixed(0)} MB ${side}`;
console.log(`${name} ${values.precision}, loaded and run once: ${grown("anonymous")}, ${grown("mapped")}`);
const llama = await getLlama({ gpu: false, maxThreads: threads, logLevel: "error" });
const model = await llama.loadModel({ modelPath: gguf });
const contextSize = Math.max(...contexts, ...prefills) + (rounds + 2) * tokens + 64;
const context = await model.createContext({ contextSize, batchSize: 512, threads });
const theirs = context.getSequence();

const prompt = (length, seed) => Array.from({ length }, (_, i) => 300 + ((i * 7919 + seed * 104729) % (config.vocabularySize - 300)));
const report = (what, a, b) => {
  const ratio = b.map((ms, i) => ms / a[i]);
  console.log(
    `${name} ${values.precision} / ${values.theirs}  ${what.padEnd(16)} ms: orrery ${spread(a, 2)}  llama.cpp ${spread(b, 2)}  speed ratio ${spread(ratio, 2)}`,
  );
};

/** With few layers and a small vocabulary, what a layer takes: the rest of such a model is next to nothing. */
function perLayer(what, ours) {
  if (config.layers.length < whole.layers.length) console.log(`  ${what}: ${(median(ours) / config.layers.length).toFixed(2)} ms a layer`);
}

/** Runs both `rounds` times, who goes first alternating; milliseconds of each. */
async function alternate(ours, their) {
  const times = [[], []];
  for (let round = -1; round < rounds; round++)
    for (const who of round % 2 ? [1, 0] : [0, 1]) {
      const ms = await [ours, their][who](round);
      if (round >= 0) times[who].push(ms);
    }
  return times;
}

for (const length of prefills) {
  const [a, b] = await alternate(
    async (round) => {
      const sequence = session.createSequence();
      const { ms } = await timed(() => sequence.append(prompt(length, round + 2)));
      sequence.dispose();
      return ms;
    },
    async (round) => {
      await theirs.clearHistory();
      return (await timed(() => theirs.evaluateWithoutGeneratingNewTokens(prompt(length, round + 2)))).ms;
    },
  );
  report(`prefill ${length}`, a, b);
  perLayer(`prefill ${length}`, a);
}

const decodeMedians = [];
for (const length of contexts) {
  const ids = prompt(length, 1);
  const sequence = session.createSequence();
  await sequence.append(ids, { logits: "none" });
  await theirs.clearHistory();
  await theirs.evaluateWithoutGeneratingNewTokens(ids.slice(0, -1));
  const generated = theirs.evaluate(ids.slice(-1), { temperature: 0, yieldEogToken: true });
  await generated.next();
  const [a, b] = await alternate(
    async () =>
      (
        await timed(async () => {
          for (let i = 0; i < tokens; i++) await sequence.append([400 + i]);
        })
      ).ms / tokens,
    async () =>
      (
        await timed(async () => {
          for (let i = 0; i < tokens; i++) await generated.next();
        })
      ).ms / tokens,
  );
  await generated.return();
  sequence.dispose();
  report(`decode at ${length}`, a, b);
  perLayer(`decode at ${length}`, a);
  decodeMedians.push([length, median(a)]);
}
if (decodeMedians.length > 1) {
  const [[near, first], [far, last]] = [decodeMedians[0], decodeMedians.at(-1)];
  console.log(`${name}: one token at ${far} takes ${(last / first).toFixed(2)} times as long as at ${near}`);
}
await session.dispose();
process.exit();
