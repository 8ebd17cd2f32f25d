import type { ToolCall } from "@orrery/chat";
import { scriptedModel } from "@orrery/chat/testing";
import { createAgent } from "./agent.ts";
import type { Approval } from "./policy.ts";
import type { RunEvent } from "./result.ts";
import { resume, run } from "./run.ts";
import type { SavedRun } from "./saved-run.ts";
import { tool } from "./tool.ts";

const setUp = (approval?: Approval, calls = [{ name: "write", input: { path: "a" } }]) => {
  const done: string[] = [];
  const make = (name: string, effects: "read" | "write") =>
    tool({ name, description: "", effects, input: { type: "object" }, run: (_, { callId }) => void done.push(`${name} ${callId}`) });
  const model = scriptedModel([{ calls }, "ok"]);
  const tools = [make("read", "read"), make("write", "write")];
  const agent = createAgent({ model, tools, limits: { parallel: 3 }, ...(approval === undefined ? {} : { approval }) });
  return { agent, done, model };
};
const throughJson = (saved: SavedRun | undefined): SavedRun => JSON.parse(JSON.stringify(saved));

describe("approve", () => {
  test("yes runs the call, no tells the model", async () => {
    for (const word of [true, false]) {
      const { agent, done, model } = setUp();
      const asked: ToolCall[] = [];
      const events: RunEvent[] = [];
      const approve = async (call: ToolCall) => (asked.push(call), word);
      const result = await run(agent, "go", { approve, onEvent: (event) => events.push(event) });
      expect(result.status).toBe("answered");
      expect(asked).toEqual([{ id: "call-1", name: "write", input: { path: "a" } }]);
      expect(done).toEqual(word ? ["write call-1"] : []);
      expect(model.requests[1]?.messages.at(-1)).toMatchObject({ output: word ? null : { error: "the user did not allow this call" } });
      expect(events.filter(({ type }) => type === "approval")).toHaveLength(1);
    }
  });

  test("anything but true is a no", async () => {
    const { agent, done } = setUp();
    await run(agent, "go", { approve: (() => "yes") as never });
    expect(done).toEqual([]);
  });

  test("that throws fails the run, and nothing has run", async () => {
    const { agent, done } = setUp();
    const result = await run(agent, "go", { approve: () => Promise.reject(new Error("no terminal")) });
    expect(result).toMatchObject({ status: "failed", error: { code: "agent/approve-failed", message: "no terminal" } });
    expect([done, result.messages.at(-1)]).toMatchObject([[], { role: "tool", output: { error: "cancelled before it ran" } }]);
  });

  test("is asked one call at a time", async () => {
    const { agent } = setUp("always", [
      { name: "read", input: { path: "a" } },
      { name: "write", input: { path: "b" } },
    ]);
    let open = 0;
    const most: number[] = [];
    const approve = async () => {
      most.push(++open);
      await new Promise((resolve) => setTimeout(resolve, 2));
      open--;
      return true;
    };
    await run(agent, "go", { approve });
    expect(most).toEqual([1, 1]);
  });
});

describe("policy", () => {
  const both = [
    { name: "read", input: { path: "a" } },
    { name: "write", input: { path: "b" } },
  ];
  test.each<[string, Approval, string[]]>([
    ["writes", "writes", ["write"]],
    ["never", "never", []],
    ["always", "always", ["read", "write"]],
    ["a function", (call, { effects }) => call.name === "read" && effects === "read", ["read"]],
    [
      "a function that throws asks",
      () => {
        throw new Error("bug");
      },
      ["read", "write"],
    ],
    ["a promise, which would always be true, asks", (async () => false) as never, ["read", "write"]],
  ])("%s", async (_, approval, asked) => {
    const result = await run(setUp(approval, both).agent, "go");
    expect((result.pending ?? []).map(({ name }) => name)).toEqual(asked);
    expect(result.status).toBe(asked.length > 0 ? "waiting" : "answered");
  });
});

describe("a run that waits", () => {
  test("is JSON, leaves the conversation whole, and goes on in another process's agent", async () => {
    const first = await run(setUp().agent, "go");
    expect(first).toMatchObject({
      status: "waiting",
      answer: "",
      pending: [{ id: "call-1" }],
      messages: [{ role: "user", content: "go" }],
    });
    const { agent, done, model } = setUp();
    model.stream({ messages: [] }); // the other process's model starts after its first reply
    const second = await resume(agent, throughJson(first.snapshot), { "call-1": true });
    expect([second.status, second.answer, done, second.decisions]).toEqual(["answered", "ok", ["write call-1"], 2]);
    expect(second.timings.totalMs).toBeGreaterThanOrEqual(first.timings.totalMs);
  });

  test("goes on from a no", async () => {
    const { agent, done } = setUp();
    const first = await run(agent, "go");
    const second = await resume(agent, throughJson(first.snapshot), { "call-1": false });
    expect([second.status, done, second.steps[0]?.error?.code]).toEqual(["answered", [], "tool/denied"]);
  });

  test("waits again for the calls that were not decided, or asks", async () => {
    const calls = [
      { name: "write", input: { path: "a" } },
      { name: "write", input: { path: "b" } },
    ];
    const { agent, done } = setUp("writes", calls);
    const first = await run(agent, "go");
    const second = await resume(agent, throughJson(first.snapshot), { "call-1": true });
    expect([second.status, second.pending?.map(({ id }) => id), done]).toEqual(["waiting", ["call-2"], []]);
    const third = await resume(agent, throughJson(second.snapshot), {}, { approve: () => true });
    expect([third.status, done]).toEqual(["answered", ["write call-1", "write call-2"]]);
  });

  test("can be cancelled", async () => {
    const { agent } = setUp();
    const first = await run(agent, "go");
    const second = await resume(
      agent,
      throughJson(first.snapshot),
      {},
      { signal: AbortSignal.abort(), approve: () => new Promise(() => {}) },
    );
    expect(second).toMatchObject({ status: "cancelled", steps: [{ error: { code: "tool/cancelled" } }] });
  });

  test("is not resumed from what is not its snapshot", async () => {
    const { agent } = setUp();
    const { snapshot } = await run(agent, "go");
    const context = snapshot!.context;
    const foreign: unknown[] = [
      null,
      {},
      { ...snapshot, format: "orrery-turn/0" },
      { ...snapshot, context: { ...context, messages: [{ role: "root", content: "" }] } },
      { ...snapshot, context: { ...context, calls: [] } },
      { ...snapshot, context: { ...context, calls: [{ ...context.calls[0], state: "granted" }] } },
      { ...snapshot, context: { ...context, calls: [context.calls[0], context.calls[0]] } },
    ];
    for (const saved of foreign) await expect(resume(agent, saved as SavedRun, {})).rejects.toMatchObject({ code: "agent/bad-snapshot" });
    await expect(resume(agent, snapshot!, { other: true })).rejects.toMatchObject({ code: "agent/unknown-call" });
  });

  test("checks a saved input again: a snapshot that was changed cannot smuggle one in", async () => {
    const done: unknown[] = [];
    const strict = tool({
      name: "write",
      description: "",
      effects: "write",
      input: { type: "object", properties: { n: { type: "integer" } } },
      run: (input) => void done.push(input),
    });
    const agent = createAgent({ model: scriptedModel([{ calls: [{ name: "write", input: { n: 1 } }] }, "ok"]), tools: [strict] });
    const saved = throughJson((await run(agent, "go")).snapshot);
    const changed: SavedRun = JSON.parse(JSON.stringify(saved).replace('"n":1', '"n":"rm"'));
    const result = await resume(agent, changed, { "call-1": true });
    expect([done, result.steps[0]?.error]).toEqual([[], { code: "tool/bad-input", message: "n: must be integer" }]);
  });
});
