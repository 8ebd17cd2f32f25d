import { NO_STATS, NO_USAGE, OrreryError, type ChatModel, type Usage } from "@orrery/chat";
import { scriptedModel, type ScriptedReply } from "@orrery/chat/testing";
import { SimulatedClock } from "xstate";
import { createAgent } from "../agent.ts";
import { agentChart } from "../chart.ts";
import type { Clock } from "../driver.ts";
import { phase } from "../machines/phase.ts";
import { resume, run, start } from "../run.ts";
import { randomModel } from "../testing.ts";
import { tool } from "../tool.ts";
import type { Span, TraceOptions } from "./span.ts";

const SECRET = "swordfish";
const object = { type: "object" };
const look = tool({ name: "look", description: "Looks.", trust: "untrusted", input: object, run: () => `the word is ${SECRET}` });
const write = tool({ name: "write", description: "Writes.", effects: "write", input: object, run: () => "written" });
const call = (name: string, input = {}): ScriptedReply => ({ calls: [{ name, input }] });

/** A recorder of spans, and what a test asks of them. */
function recorder(options: Partial<TraceOptions> = {}) {
  const spans: Span[] = [];
  return {
    spans,
    trace: { onSpan: (span: Span) => void spans.push(span), ...options },
    named: (name: string) => spans.filter((span) => span.name === name),
    one: (name: string) => spans.find((span) => span.name === name)!,
    names: () => spans.map(({ name }) => name),
  };
}

/** Spans form one tree whose ids are of W3C form, and children lie within their parents. */
function expectTree(spans: readonly Span[]): void {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  expect(byId.size).toBe(spans.length);
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
  for (const { traceId, spanId, parentSpanId, startTimeUnixNano: from, endTimeUnixNano: to } of spans) {
    expect([traceId, spanId]).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/), expect.stringMatching(/^[0-9a-f]{16}$/)]);
    expect(BigInt(to)).toBeGreaterThanOrEqual(BigInt(from));
    if (parentSpanId === undefined) continue;
    const parent = byId.get(parentSpanId);
    expect(parent).toBeDefined();
    if (parent!.name === "invoke_agent" && spans.some(({ name, spanId: id }) => name === "invoke_agent" && id === spanId)) continue; // a later stretch
    expect(BigInt(from)).toBeGreaterThanOrEqual(BigInt(parent!.startTimeUnixNano));
    expect(BigInt(to)).toBeLessThanOrEqual(BigInt(parent!.endTimeUnixNano));
  }
  expect(spans.filter(({ parentSpanId }) => parentSpanId === undefined)).toHaveLength(1);
}

const costing = (model: ChatModel, usage: Partial<Usage>): ChatModel => ({
  ...model,
  async *stream(request) {
    for await (const event of model.stream(request))
      yield event.type === "finish"
        ? { ...event, usage: { ...event.usage, ...usage }, stats: { ...event.stats, maskedMass: 0.25, sampledTokens: 4, firstTokenMs: 20 } }
        : event;
  },
});

test("a run is a tree of spans with OpenTelemetry's names; the run's own comes last", async () => {
  const { spans, trace, one, names } = recorder({ agent: "looker", conversation: "c-1" });
  const model = costing(scriptedModel([call("look", { at: 1 }), "seen"]), {
    promptTokens: 50,
    cachedTokens: 20,
    replyTokens: 7,
    forcedTokens: 3,
  });
  await run(createAgent({ model, tools: [look, write] }), "go", { trace, sampling: { temperature: 0.5, seed: 4 } });
  expect(names()).toEqual(["chat scripted", "execute_tool look", "chat scripted", "invoke_agent looker"]);
  expectTree(spans);
  expect(spans[0]!.attributes).toEqual({
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "orrery",
    "gen_ai.agent.name": "looker",
    "gen_ai.conversation.id": "c-1",
    "gen_ai.request.model": "scripted",
    "gen_ai.request.temperature": 0.5,
    "gen_ai.request.seed": 4,
    "gen_ai.response.finish_reasons": ["tool_call"],
    "gen_ai.response.time_to_first_chunk": 0.02,
    "gen_ai.usage.input_tokens": 50,
    "gen_ai.usage.output_tokens": 7,
    "gen_ai.usage.cache_read.input_tokens": 20,
    "orrery.usage.forced_tokens": 3,
    "orrery.usage.sampled_tokens": 4,
    "orrery.masked_mass": 0.25,
    "orrery.masked_mass_max": 0,
    "orrery.state": "turn.deciding",
    "orrery.decision": 0,
    "orrery.moves": ["look", "write", "answer"],
    "orrery.chosen": ["look"],
  });
  expect(spans[2]!.attributes).toMatchObject({ "orrery.chosen": ["answer"], "orrery.untrusted": ["look"], "orrery.decision": 1 });
  expect(one("execute_tool look").attributes).toEqual({
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.name": "look",
    "gen_ai.tool.call.id": "call-1",
    "gen_ai.tool.type": "function",
    "gen_ai.tool.description": "Looks.",
    "orrery.effects": "read",
    "orrery.trust": "untrusted",
    "orrery.state": "turn.acting",
  });
  const root = one("invoke_agent looker");
  expect(root.attributes).toMatchObject({
    "gen_ai.usage.input_tokens": 100,
    "orrery.status": "answered",
    "orrery.state.start": "turn.deciding",
  });
  expect(
    root.events?.map(({ attributes: { "orrery.event": event, "orrery.source": from, "orrery.target": to } }) => [from, event, to]),
  ).toEqual([
    ["turn.deciding", "decided", "turn.checking"],
    ["turn.checking", undefined, "turn.acting"],
    ["turn.acting", undefined, "turn.deciding"],
    ["turn", "answer", "answered"],
  ]);
});

test("a run that waits and is resumed is one trace, whose later stretches stand below the first", async () => {
  const { spans, trace, named } = recorder();
  const model = costing(scriptedModel([call("write"), "done"]), { promptTokens: 10 });
  const agent = createAgent({ model, tools: [write] });
  const waiting = await run(agent, "go", { trace });
  const saved = JSON.parse(JSON.stringify(waiting.snapshot));
  const result = await resume(agent, saved, { "call-1": true }, { trace });
  expect(result.status).toBe("answered");
  expectTree(spans);
  const [first, second] = named("invoke_agent");
  expect(second!.parentSpanId).toBe(first!.spanId);
  expect([first, second].map((span) => span!.attributes["orrery.status"])).toEqual(["waiting", "answered"]);
  expect([first, second].map((span) => span!.attributes["gen_ai.usage.input_tokens"])).toEqual([10, 10]);
  expect(result.usage.promptTokens).toBe(20);
  expect(named("orrery.approval write").map(({ parentSpanId, attributes }) => [parentSpanId, attributes["orrery.approval"]])).toEqual([
    [first!.spanId, "pending"],
    [second!.spanId, "granted"],
  ]);
});

test("the wait for a person is a span, and a call that was not allowed is an event", async () => {
  const { spans, trace, one } = recorder();
  const agent = createAgent({ model: scriptedModel([call("write"), "no then"]), tools: [write] });
  const clock = new Time();
  const result = run(agent, "go", { trace, clock, approve: async () => (clock.advance(5000), false) });
  await result;
  expectTree(spans);
  const wait = one("orrery.approval write");
  expect(wait.attributes["orrery.approval"]).toBe("denied");
  expect(BigInt(wait.endTimeUnixNano) - BigInt(wait.startTimeUnixNano)).toBe(5_000_000_000n);
  expect(one("invoke_agent").events).toContainEqual(
    expect.objectContaining({
      name: "orrery.call_refused",
      attributes: { "gen_ai.tool.name": "write", "gen_ai.tool.call.id": "call-1", "error.type": "tool/denied" },
    }),
  );
  expect(spans.some(({ name }) => name.startsWith("execute_tool"))).toBe(false);
});

/** xstate's clock by hand. */
class Time extends SimulatedClock implements Clock {
  advance(ms: number): void {
    this.increment(ms);
  }
}

test("attempts of a call are spans below it, where there are several", async () => {
  const { spans, trace, one, named } = recorder();
  const clock = new Time();
  let tried = 0;
  const flaky = tool({
    name: "flaky",
    description: "",
    input: object,
    timeoutMs: 100,
    retry: { attempts: 3, delayMs: 10 },
    run: async () => {
      if (++tried === 1) throw new Error(SECRET);
      if (tried === 2) return new Promise<string>(() => setImmediate(() => clock.advance(100)));
      return "ok";
    },
  });
  const result = run(createAgent({ model: scriptedModel([call("flaky"), "fine"]), tools: [flaky] }), "go", { trace, clock });
  const pump = setInterval(() => clock.advance(20), 5);
  await result;
  clearInterval(pump);
  expectTree(spans);
  const whole = one("execute_tool flaky");
  expect(whole.attributes["orrery.attempts"]).toBe(3);
  expect(whole.status).toBeUndefined();
  const attempts = named("orrery.attempt");
  expect(attempts.every(({ parentSpanId }) => parentSpanId === whole.spanId)).toBe(true);
  expect(attempts.map(({ attributes }) => attributes["error.type"])).toEqual(["tool/failed", "tool/timeout", undefined]);
});

const broken: ChatModel = {
  id: "broken",
  contextLength: 10,
  async *stream() {
    yield { type: "text-delta", text: "a" };
    throw new OrreryError("model/gone", SECRET);
  },
};

const thinking: ChatModel = {
  id: "thinking",
  contextLength: 10,
  async *stream() {
    yield { type: "reasoning-delta", text: SECRET };
    yield { type: "text-delta", text: "a" };
    yield { type: "finish", reason: "stop", usage: NO_USAGE, stats: NO_STATS };
  },
};

const fails = tool({ name: "fails", description: "", input: object, run: () => Promise.reject(new Error(SECRET)) });

/** Runs in which a secret is passed, returned, answered, thrown, invented as a name, or thought. */
test.each<[string, ChatModel]>([
  ["a conversation", scriptedModel([call("look", { at: SECRET }), SECRET])],
  ["an error of a tool", scriptedModel([call("fails"), "ok"])],
  ["invented tools", scriptedModel([call(SECRET), call(SECRET), call(SECRET)])],
  ["an error of the model", broken],
  ["a thought", thinking],
])("without `content`, no text of %s is in the trace", async (_, model) => {
  const { spans, trace } = recorder();
  const { error, messages } = await run(createAgent({ model, tools: [look, fails] }), "go", { trace });
  expect(JSON.stringify([error, messages])).toContain(SECRET);
  expect(JSON.stringify(spans)).not.toContain(SECRET);
  expectTree(spans);
});

test("whatever a model plays, spans form a tree and transitions a path", async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const { spans, trace, one } = recorder();
    const chart = agentChart({
      tools: [look, write],
      limits: { parallel: 2, steps: 6 },
      states: {
        one: phase({ tools: ["look"], exits: { go: { target: "two" } } }),
        two: phase({ tools: ["look", "write"], answer: true, exits: { back: { target: "one" } } }),
      },
    });
    const agent = createAgent({ model: randomModel(seed, { illegal: seed % 2 ? 0 : 0.3 }), chart });
    let result = await run(agent, "go", { trace });
    for (let pauses = 0; result.snapshot; pauses++)
      result = await resume(agent, result.snapshot, { [result.pending![0]!.id]: seed % 3 === 0 }, { trace });
    expectTree(spans);
    const stretches = spans.filter(({ name }) => name === "invoke_agent");
    for (const { attributes, events = [] } of stretches) {
      let state = String(attributes["orrery.state.start"]);
      for (const { name, attributes: taken } of events) {
        if (name !== "orrery.transition") continue;
        expect(`${state}.`.startsWith(`${String(taken["orrery.source"])}.`)).toBe(true);
        state = String(taken["orrery.state"]);
      }
      expect(state).toBe(attributes["orrery.state"]);
    }
    expect(one("invoke_agent").attributes["orrery.state.start"]).toBe("one.deciding");
    expect(sum(stretches, "orrery.illegal")).toBe(result.illegal);
    expect(sum(stretches, "orrery.decisions")).toBe(result.decisions);
  }
});

const sum = (spans: readonly Span[], name: string) => spans.reduce((total, { attributes }) => total + Number(attributes[name]), 0);

test("content is in OpenTelemetry's form", async () => {
  const { trace, one, named } = recorder({ content: true });
  const agent = createAgent({ model: scriptedModel([call("look", { at: 1 }), "seen"]), tools: [look], instructions: "Look." });
  await run(agent, "go", { trace });
  expect(one("execute_tool look").attributes).toMatchObject({
    "gen_ai.tool.call.arguments": { at: 1 },
    "gen_ai.tool.call.result": `the word is ${SECRET}`,
  });
  expect(named("chat scripted")[1]!.attributes).toMatchObject({
    "gen_ai.system_instructions": [{ type: "text", content: "Look." }],
    "gen_ai.input.messages": [
      { role: "user", parts: [{ type: "text", content: "go" }] },
      { role: "assistant", parts: [{ type: "tool_call", id: "call-1", name: "look", arguments: { at: 1 } }] },
      { role: "tool", parts: [{ type: "tool_call_response", id: "call-1", response: `the word is ${SECRET}` }] },
    ],
    "gen_ai.output.messages": [{ role: "assistant", parts: [{ type: "text", content: "seen" }], finish_reason: "stop" }],
  });
  expect(one("invoke_agent").attributes["gen_ai.input.messages"]).toEqual([{ role: "user", parts: [{ type: "text", content: "go" }] }]);
});

test("an illegal reply is a failed span that names what was chosen and what was legal", async () => {
  const { spans, trace, named } = recorder();
  const chart = agentChart({
    tools: [look, write],
    approval: "never",
    states: { one: phase({ tools: ["look"], exits: { go: { target: "two" } } }), two: phase({ tools: ["write"], answer: true }) },
  });
  await run(createAgent({ model: scriptedModel([call("write"), call("go"), "end"]), chart }), "go", { trace });
  expectTree(spans);
  const [refused, left] = named("chat scripted");
  expect(refused!.attributes).toMatchObject({
    "error.type": "agent/illegal-move",
    "orrery.moves": ["look", "go"],
    "orrery.chosen": ["write"],
  });
  expect(refused!.status).toEqual({ code: "error" });
  expect(left!.attributes).toMatchObject({ "orrery.chosen": ["go"], "orrery.state": "one.deciding" });
});

test("what runs when a run is cancelled ends with it, as stopped", async () => {
  const { spans, trace, one } = recorder();
  const stop = new AbortController();
  const slow = tool({
    name: "slow",
    description: "",
    input: object,
    run: () => new Promise<string>(() => setImmediate(() => stop.abort())),
  });
  const result = await run(createAgent({ model: scriptedModel([call("slow")]), tools: [slow] }), "go", { trace, signal: stop.signal });
  expect(result.status).toBe("cancelled");
  expectTree(spans);
  expect(spans.at(-1)!.name).toBe("invoke_agent");
  expect(one("execute_tool slow").attributes["orrery.stopped"]).toBe(true);
});

test("a person's move is told beside the decision that the model did not finish", async () => {
  const { trace, named } = recorder();
  const agent = createAgent({ model: scriptedModel([]), tools: [look] });
  const game = start(agent, "go", { trace });
  game.play({ answer: "mine" });
  expect((await game.result).answer).toBe("mine");
  expect(named("chat scripted")[0]!.attributes).toMatchObject({
    "orrery.player": "person",
    "orrery.chosen": ["answer"],
    "orrery.stopped": true,
  });
});

test.each([
  ["the first span", 1],
  ["the last span", 4],
])("an observer that throws at %s ends the run like `onEvent`", async (_, at) => {
  let heard = 0;
  const trace = (): void => {
    if (++heard === at) throw new Error("the disk is full");
  };
  const result = await run(createAgent({ model: scriptedModel([call("look"), "seen"]), tools: [look] }), "go", { trace });
  expect(result).toMatchObject({ status: "failed", error: { code: "agent/observer-failed", message: "the disk is full" } });
});

test("an agent that a tool runs is traced below the tool's call", async () => {
  const { spans, trace, one, named } = recorder();
  const inner = createAgent({ model: { ...scriptedModel(["deep"]), id: "inner" }, tools: [] });
  const ask = tool({
    name: "ask",
    description: "",
    input: object,
    run: async (_, { signal, trace: below }) => (await run(inner, "dig", { signal, ...(below ? { trace: below } : {}) })).answer,
  });
  await run(createAgent({ model: scriptedModel([call("ask"), "ok"]), tools: [ask] }), "go", { trace });
  expectTree(spans);
  const nested = named("invoke_agent").find(({ parentSpanId }) => parentSpanId === one("execute_tool ask").spanId);
  expect(one("chat inner").parentSpanId).toBe(nested?.spanId);
});

test("a run can stand below a span of somebody else's trace; ids that are none are refused", async () => {
  const parent = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7" };
  const { spans, trace } = recorder({ parent });
  const agent = createAgent({ model: scriptedModel(["a"]), tools: [] });
  await run(agent, "go", { trace });
  expect(spans.at(-1)).toMatchObject({ traceId: parent.traceId, parentSpanId: parent.spanId });
  for (const wrong of [
    { ...parent, traceId: "0".repeat(32) },
    { ...parent, spanId: "xyz" },
  ])
    await expect(run(agent, "go", { trace: { ...trace, parent: wrong } })).rejects.toMatchObject({ code: "agent/bad-trace" });
});
