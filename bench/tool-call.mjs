/**
 * A tool call end to end, with each speed feature and without it, and beside node-llama-cpp with its own grammar, on the same checkpoint.
 *
 *   npm run tool-call --prefix bench -- [model.gguf] [--export dir] [--threads 2] [--rounds 7]
 *
 * Every variant answers the same questions, alternating; each round begins with the prompt of the question computed (`reply` is from there
 * to the end of the call) after nothing (`whole`). node-llama-cpp reads the same prompt ids and writes the call as JSON under the grammar
 * that it makes of a JSON Schema with the same arguments; it has no grammar for the model's own call syntax. Strings have no bounds, because
 * its grammar takes a second a token for one of up to 24 characters. Without a GGUF that comparison
 * is left out. Prints medians (min … max) and ratios round by round.
 */
import { parseArgs } from "node:util";
import { getLlama, LlamaGrammarEvaluationState } from "node-llama-cpp";
import { createConstraintEngine } from "../packages/runtime/dist/constraint/engine.js";
import { ALL_FEATURES } from "../packages/runtime/dist/constraint/features.js";
import { prepare } from "../packages/runtime/dist/chat.js";
import { generate } from "../packages/runtime/dist/generate.js";
import { openSession } from "../packages/runtime/dist/index.js";
import { GEMMA4_FORMAT } from "../packages/runtime/dist/prompt/format.js";
import { gemma4 } from "../packages/runtime/dist/prompt/gemma4.js";
import { ReplyMemory } from "../packages/runtime/dist/prompt/memory.js";
import { loadTokenizer } from "../packages/runtime/dist/tokenizer/load.js";
import { spread } from "./measure.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    export: { type: "string", default: new URL("../packages/model/data", import.meta.url).pathname },
    threads: { type: "string", default: "2" },
    rounds: { type: "string", default: "7" },
  },
});
const [gguf] = positionals;
const [threads, rounds] = [values.threads, values.rounds].map(Number);
const MOST_TOKENS = 96;

const text = { type: "string" };
const object = (properties) => ({ type: "object", properties, required: Object.keys(properties), additionalProperties: false });
const TOOLS = [
  {
    name: "get_weather",
    description: "Current weather for a city.",
    input: object({ location: text, unit: { type: "string", enum: ["celsius", "fahrenheit"] } }),
  },
  {
    name: "send_message",
    description: "Sends a text message.",
    input: object({ recipient: text, text: text, priority: { type: "string", enum: ["low", "normal", "high"] } }),
  },
];
const QUESTIONS = [
  "What is the weather in Paris, in celsius?",
  "Tell Anna that dinner is at seven. It is not urgent, priority normal.",
  "How warm is it in New York, in fahrenheit?",
];

const session = await openSession(values.export, { threads });
const tokenizer = await loadTokenizer(values.export);
const { contextLength, vocabularySize, sparseHead } = session;
const promptFormat = gemma4("small");
const requests = QUESTIONS.map((content) => ({
  messages: [{ role: "user", content }],
  tools: TOOLS,
  moves: { answer: false, calls: TOOLS, parallel: 1 },
  maxTokens: MOST_TOKENS,
}));

/** A way to answer: milliseconds until the prompt is computed and until the call is there, model steps and tokens of the reply. */
function ours(features) {
  const constraints = createConstraintEngine(tokenizer, GEMMA4_FORMAT, { features });
  const parts = {
    tokenizer,
    promptFormat,
    constraints,
    memory: new ReplyMemory(),
    contextLength,
    vocabularySize,
    sparseHead,
    longestToken: 64,
  };
  return async (request) => {
    const began = performance.now();
    const { prompt, grammar, sampler } = prepare(parts, request);
    const sequence = session.createSequence();
    await sequence.append(prompt.slice(0, -1), { logits: "none" });
    const computed = performance.now();
    let [steps, tokens] = [0, 0];
    const reply = generate({
      sequence: counted(sequence, () => steps++),
      prompt: prompt.slice(-1),
      steering: { grammar: grammar.start() },
      sampler,
      features: { ...features, sparseHead: features.sparseHead && sparseHead },
      limits: { maxTokens: MOST_TOKENS, signal: undefined },
    });
    for await (const _ of reply) tokens++;
    const ended = performance.now();
    sequence.dispose();
    return { whole: ended - began, reply: ended - computed, steps, tokens };
  };
}

function counted(sequence, count) {
  return {
    get length() {
      return sequence.length;
    },
    append(...given) {
      count();
      return sequence.append(...given);
    },
    rewind: (length) => sequence.rewind(length),
  };
}

async function theirs() {
  const llama = await getLlama({ gpu: false, maxThreads: threads, logLevel: "error" });
  const model = await llama.loadModel({ modelPath: gguf });
  const context = await model.createContext({ contextSize: 2048, batchSize: 512, threads });
  const sequence = context.getSequence();
  const calls = TOOLS.map(({ name, input }) => object({ name: { const: name }, arguments: input }));
  const grammar = await llama.createGrammarForJsonSchema({ oneOf: calls });
  const constraints = createConstraintEngine(tokenizer, GEMMA4_FORMAT);
  const parts = { tokenizer, promptFormat, constraints, memory: new ReplyMemory(), contextLength, vocabularySize, longestToken: 64 };
  return async (request) => {
    await sequence.clearHistory();
    const began = performance.now();
    const { prompt } = prepare(parts, request);
    await sequence.evaluateWithoutGeneratingNewTokens(prompt.slice(0, -1));
    const computed = performance.now();
    const grammarEvaluationState = new LlamaGrammarEvaluationState({ model, grammar });
    const ids = [];
    for await (const token of sequence.evaluate(prompt.slice(-1), { temperature: 0, grammarEvaluationState })) {
      ids.push(token);
      if (isJson(model.detokenize(ids)) || ids.length === MOST_TOKENS) break; // its grammar goes on with line breaks
    }
    const ended = performance.now();
    return { whole: ended - began, reply: ended - computed, steps: ids.length, tokens: ids.length };
  };
}

function isJson(text) {
  try {
    return typeof JSON.parse(text) === "object";
  } catch {
    return false;
  }
}

const variants = new Map([["all features", ours(ALL_FEATURES)]]);
for (const feature of Object.keys(ALL_FEATURES)) variants.set(`without ${feature}`, ours({ ...ALL_FEATURES, [feature]: false }));
variants.set("none", ours(Object.fromEntries(Object.keys(ALL_FEATURES).map((feature) => [feature, false]))));
if (gguf) variants.set("node-llama-cpp", await theirs());

/** All questions once, summed. */
async function round(answer) {
  const sum = { whole: 0, reply: 0, steps: 0, tokens: 0 };
  for (const request of requests) for (const [key, value] of Object.entries(await answer(request))) sum[key] += value;
  return sum;
}

const results = new Map([...variants.keys()].map((name) => [name, []]));
for (const answer of variants.values()) await round(answer); // warm-up
for (let i = 0; i < rounds; i++) {
  // who goes first changes from round to round, so that a drift of the machine favours nobody
  const order = [...variants.entries()];
  for (const [name, answer] of [...order.slice(i % order.length), ...order.slice(0, i % order.length)])
    results.get(name).push(await round(answer));
}

const base = results.get("all features");
console.log(
  `${QUESTIONS.length} calls a round, ${rounds} rounds, ${threads} threads; ratios: this variant's time over that with all features`,
);
for (const [name, list] of results) {
  const times = (key) => `${key} ${spread(list.map((one) => one[key]), 0)} ms, ratio ${spread(list.map((one, i) => one[key] / base[i][key]), 2)}`; // prettier-ignore
  console.log(`${name.padEnd(20)} ${list[0].tokens} tokens, ${list[0].steps} steps   ${times("reply")}   ${times("whole")}`);
}
await session.dispose();
process.exit();
