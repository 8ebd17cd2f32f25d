/** Orrery, with and without a trace, and what its agents and runs weigh. */
import { createAgent, run, start, tool } from "../../packages/agent/dist/index.js";
import { NO_STATS, NO_USAGE } from "../../packages/chat/dist/index.js";
import { input, TASK } from "./task.mjs";

/** Calls once, then answers. */
function instant() {
  return {
    id: "instant",
    contextLength: 1_000_000,
    async *stream({ messages }) {
      if (messages.at(-1).role === "user") {
        yield { type: "tool-call", call: { id: "call-1", name: "add", input: { a: 1, b: 2 } } };
        yield { type: "finish", reason: "tool-calls", usage: NO_USAGE, stats: NO_STATS };
      } else {
        yield { type: "text-delta", text: "3" };
        yield { type: "finish", reason: "stop", usage: NO_USAGE, stats: NO_STATS };
      }
    },
  };
}

const add = tool({ name: "add", description: "Adds.", input, run: ({ a, b }) => a + b });
const agent = createAgent({ model: instant(), tools: [add] });
const spans = [];

export const one = async () => (await run(agent, TASK)).answer;
export const traced = async () => {
  spans.length = 0;
  return (await run(agent, TASK, { trace: (span) => spans.push(span) })).answer;
};

/** Heap after a collection, per agent that was made and per run whose model has not answered yet. */
export async function bytes() {
  const heap = () => (globalThis.gc?.(), process.memoryUsage().heapUsed);
  const perOne = async (count, make) => {
    const before = heap();
    const kept = [];
    for (let i = 0; i < count; i++) kept.push(make());
    await new Promise((resolve) => setImmediate(resolve));
    const each = (heap() - before) / count;
    return { each, kept };
  };
  const tools = [add];
  const idle = await perOne(10_000, () => createAgent({ model: instant(), tools }));
  const never = { ...instant(), stream: () => stalled() };
  const waiting = createAgent({ model: never, tools });
  const running = await perOne(1_000, () => start(waiting, TASK));
  for (const one of running.kept) one.cancel();
  return { idle: idle.each, running: running.each };
}

async function* stalled() {
  await new Promise(() => {});
  yield* [];
}
