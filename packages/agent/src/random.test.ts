import type { Json, JsonSchema, Message, Moves } from "@orrery/chat";
import { createAgent, type Agent } from "./agent.ts";
import { pick, randomFrom, randomInteger, randomText, type Random } from "./random-instance.ts";
import type { RunEvent, RunResult } from "./result.ts";
import { resume, run } from "./run.ts";
import { problemOf } from "./schema.ts";
import { randomModel } from "./testing.ts";
import { tool, type Tool } from "./tool.ts";

const FIELDS: readonly JsonSchema[] = [
  { type: "string", maxLength: 5 },
  { type: "integer", minimum: -2, maximum: 2 },
  { enum: ["a", "b", '<|"|>'] },
  { type: "array", items: { type: ["boolean", "null"] }, maxItems: 2 },
  { anyOf: [{ const: 1 }, { type: "object", properties: { deep: { type: "string" } }, required: ["deep"], additionalProperties: false }] },
];

interface Ran {
  readonly tool: string;
  readonly input: Json;
}

/** A tool with a random schema, random rules and random manners. */
function randomTool(random: Random, i: number, ran: Ran[]): Tool {
  const name = `${pick(random, ["read", "file.open", "do-it", "x_"])}${i}`;
  const fields = Array.from({ length: randomInteger(random, 0, 3) }, (_, n) => [`f${n}`, pick(random, FIELDS)] as const);
  const schema = {
    type: "object",
    properties: Object.fromEntries(fields),
    required: fields.slice(1).map(([field]) => field),
    additionalProperties: false,
  };
  const manners = randomInteger(random, 0, 6);
  return tool({
    name,
    description: randomText(random),
    input: schema,
    effects: random() < 0.3 ? "write" : "read",
    when: ({ steps }) => steps.length % (i + 2) !== 1,
    ...(random() < 0.3 ? { narrow: ({ decisions }) => decisions !== 2 && { required: fields.map(([field]) => field) } } : {}),
    run: async (input, { signal }) => {
      ran.push({ tool: name, input: structuredClone(input) });
      if (manners === 0) throw new Error(randomText(random));
      if (manners === 1) return 1n as never;
      if (manners === 2) return;
      if (manners === 3) await new Promise((resolve) => setTimeout(resolve, 1));
      if (manners === 4) await new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("told"))));
      return { [randomText(random)]: randomText(random) };
    },
  });
}

/** Each call has one result, right behind its assistant message, in source order; nothing else has role `tool`. */
function expectWhole(messages: readonly Message[]): void {
  let open: string[] = [];
  for (const message of messages) {
    if (message.role === "tool") expect(message.callId).toBe(open.shift());
    else expect(open).toEqual([]);
    if (message.role === "assistant") open = (message.calls ?? []).map(({ id }) => id);
  }
  expect(open).toEqual([]);
  const ids = messages.flatMap((message) => (message.role === "assistant" ? (message.calls ?? []).map(({ id }) => id) : []));
  expect(new Set(ids).size).toBe(ids.length);
}

function expectLegal(agent: Agent, ran: readonly Ran[]): void {
  for (const { tool: name, input } of ran) {
    const called = agent.tools.find((one) => one.name === name);
    expect(called && problemOf(called.input, input)).toBeUndefined();
  }
}

/** Each move was among the moves of the decision before it, narrowings included. */
function expectAmongMoves(events: readonly RunEvent[]): void {
  let legal: Moves | undefined;
  for (const event of events) {
    if (event.type === "decision") legal = event.moves;
    if (event.type !== "move") continue;
    const move = legal?.calls.find(({ name }) => name === event.call.name);
    expect(move && problemOf(move.input, event.call.input)).toBeUndefined();
    expect(move).toBeDefined();
  }
}

/** Resumes a waiting run with random words until it ends. */
async function toItsEnd(agent: Agent, random: Random, first: RunResult, ran: readonly Ran[]): Promise<RunResult> {
  let result = first;
  while (result.status === "waiting") {
    const before = ran.length;
    expectWhole(result.messages);
    const words = Object.fromEntries((result.pending ?? []).filter(() => random() < 0.8).map(({ id }) => [id, random() < 0.5]));
    result = await resume(agent, JSON.parse(JSON.stringify(result.snapshot)), words);
    if (result.status === "waiting" && result.decisions === first.decisions) expect(ran.length).toBe(before);
  }
  return result;
}

test("300 random games on random tools end, play only legal moves, and leave a whole conversation", async () => {
  const outcomes = new Map<string, number>();
  let calls = 0;
  for (let seed = 0; seed < 300; seed++) {
    const random = randomFrom(seed);
    const ran: Ran[] = [];
    const tools = Array.from({ length: randomInteger(random, 0, 5) }, (_, i) => randomTool(random, i, ran));
    const limits = { steps: randomInteger(random, 1, 5), parallel: randomInteger(random, 1, 4), toolTimeoutMs: 3 };
    const agent = createAgent({ model: randomModel(seed, { illegal: seed % 3 === 0 ? 0.3 : 0 }), tools, limits });
    const stop = new AbortController();
    const stopAt = random() < 0.2 ? randomInteger(random, 0, 12) : Infinity;
    const events: RunEvent[] = [];
    const onEvent = (event: RunEvent) => {
      if (events.push(event) > stopAt) stop.abort();
    };
    const approve = random() < 0.5 ? async () => random() < 0.5 : undefined;

    const first = await run(agent, randomText(random), { signal: stop.signal, onEvent, ...(approve ? { approve } : {}) });
    expect(events.filter(({ type }) => type === "finish")).toHaveLength(1);
    expect(events.at(-1)?.type).toBe("finish");
    const result = await toItsEnd(agent, random, first, ran);

    expectWhole(result.messages);
    expectLegal(agent, ran);
    expectAmongMoves(events);
    expect(result.decisions).toBeLessThanOrEqual(limits.steps + 1);
    expect(result.messages.filter(({ role }) => role === "tool").length).toBeGreaterThanOrEqual(result.steps.length);
    if (seed % 3 !== 0) expect([result.illegal, result.error]).toEqual([0, undefined]);
    if (result.status === "failed") expect(result.error?.code).toBe("agent/too-many-illegal-moves");
    const second = await run(agent, "again", { messages: result.messages, approve: () => true });
    result.messages.forEach((message, i) => expect(second.messages[i]).toBe(message));
    expectWhole(second.messages);

    outcomes.set(result.status, (outcomes.get(result.status) ?? 0) + 1);
    calls += ran.length;
  }
  expect([...outcomes.keys()].sort()).toEqual(["answered", "cancelled", "failed"]);
  expect(calls).toBeGreaterThan(300);
}, 120_000);
