/**
 * Does anything grow? Loads and disposes a model many times, then takes many turns on one that stays loaded, and prints memory on the way;
 * then repeats one sampled reply and counts how many different ones came out.
 *
 *   npm run soak --prefix bench -- [--export dir] [--loads 200] [--turns 2000] [--repeats 100]
 */
import { parseArgs } from "node:util";
import { loadModel } from "../packages/runtime/dist/index.js";

const { values } = parseArgs({
  options: {
    export: { type: "string", default: new URL("../packages/model/data", import.meta.url).pathname },
    loads: { type: "string", default: "200" },
    turns: { type: "string", default: "2000" },
    repeats: { type: "string", default: "100" },
  },
});

const MB = 2 ** 20;
const TOOL = {
  name: "add",
  description: "Adds two numbers.",
  input: { type: "object", properties: { a: { type: "number" }, b: { type: "number" } }, required: ["a", "b"] },
};

function memory() {
  globalThis.gc?.();
  return Math.round(process.memoryUsage().rss / MB);
}

/** Prints the readings, and by how much the second half's median lies above the first half's. */
function report(what, readings) {
  const half = readings.length >> 1;
  const middle = (part) => part.toSorted((a, b) => a - b)[part.length >> 1];
  const [first, second] = [middle(readings.slice(1, half)), middle(readings.slice(half))];
  console.log(`${what}: resident MB ${readings.join(" ")}; second half ${second - first >= 0 ? "+" : ""}${second - first} MB`);
}

async function reply(model, messages, options) {
  let text = "";
  for await (const event of model.stream({ messages, tools: [TOOL], ...options })) {
    if (event.type === "text-delta") text += event.text;
    if (event.type === "tool-call") text += `${event.call.name}${JSON.stringify(event.call.arguments ?? event.call.input)}`;
    if (event.type === "finish" && event.reason === "error") throw event.error;
  }
  return text;
}

const ask = (i) => [{ role: "user", content: `What is ${i} plus ${2 * i + 1}?` }];

const loads = Number(values.loads);
const loading = [];
for (let i = 0; i < loads; i++) {
  const model = await loadModel(values.export);
  if (i % 10 === 0) await reply(model, ask(i), { maxTokens: 8 });
  await model.dispose();
  if (i % Math.ceil(loads / 20) === 0) loading.push(memory());
}
report(`${loads} loads`, loading);

const model = await loadModel(values.export);
const turns = Number(values.turns);
const turning = [];
for (let i = 0; i < turns; i++) {
  await reply(model, ask(i), { maxTokens: 8 });
  if (i % Math.ceil(turns / 20) === 0) turning.push(memory());
}
report(`${turns} turns`, turning);

const repeats = Number(values.repeats);
const seen = new Set();
for (let i = 0; i < repeats; i++) seen.add(await reply(model, ask(7), { maxTokens: 24, sampling: { temperature: 1, seed: 42 } }));
console.log(`${repeats} replies with one seed: ${seen.size} different`);
await model.dispose();
