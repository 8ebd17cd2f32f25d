import type { ChatModel } from "@orrery/chat";
import { scriptedModel, type ScriptedReply } from "@orrery/chat/testing";
import { createAgent } from "./agent.ts";
import type { RunEvent, RunOptions } from "./result.ts";
import { run } from "./run.ts";
import { tool } from "./tool.ts";

const never = () => new Promise<never>(() => {});
const call: ScriptedReply = { calls: [{ name: "do", input: {} }] };
const agentWith = (model: ChatModel, does: (signal: AbortSignal) => null | Promise<null>, effects: "read" | "write" = "read") =>
  createAgent({
    model,
    tools: [tool({ name: "do", description: "", effects, input: { type: "object" }, run: (_, { signal }) => does(signal) })],
  });

/** Runs until `type` is told, aborts there, and checks what must hold whenever a run is cancelled. */
async function cancelAt(type: RunEvent["type"] | "start", agent: ReturnType<typeof agentWith>, options: RunOptions = {}) {
  const stop = new AbortController();
  if (type === "start") stop.abort();
  const after: string[] = [];
  const onEvent = (event: RunEvent) => {
    if (stop.signal.aborted) after.push(event.type);
    if (event.type === type) stop.abort();
  };
  const result = await run(agent, "go", { ...options, signal: stop.signal, onEvent });
  expect(result.status).toBe("cancelled");
  expect(after.filter((told) => told === "finish")).toHaveLength(1);
  expect(after.at(-1)).toBe("finish");
  const next = createAgent({ model: scriptedModel(["fine"]), tools: [] });
  expect(await run(next, "and now?", { messages: result.messages })).toMatchObject({ status: "answered", answer: "fine" });
  return result;
}

test("before it starts: the model is not asked", async () => {
  const model = scriptedModel([call]);
  const result = await cancelAt(
    "start",
    agentWith(model, () => null),
  );
  expect([model.requests, result.messages]).toEqual([[], [{ role: "user", content: "go" }]]);
});

test("while deciding: the unfinished reply is dropped", async () => {
  const result = await cancelAt(
    "text-delta",
    agentWith(scriptedModel(["one two three"]), () => null),
  );
  expect([result.answer, result.messages]).toEqual(["", [{ role: "user", content: "go" }]]);
});

test("while deciding, with a model that ignores the signal and hangs", async () => {
  const model: ChatModel = {
    id: "deaf",
    contextLength: 1,
    async *stream() {
      yield { type: "text-delta", text: "a" };
      await never();
    },
  };
  await cancelAt(
    "text-delta",
    agentWith(model, () => null),
  );
});

test("while waiting for a person who never says a word", async () => {
  const result = await cancelAt(
    "approval",
    agentWith(scriptedModel([call]), () => null, "write"),
    { approve: never },
  );
  expect(result.steps).toEqual([{ tool: "do", input: {}, error: { code: "tool/cancelled", message: "cancelled before it ran" } }]);
});

test("while waiting: a word that comes too late starts nothing", async () => {
  let ran = false;
  let say: (word: boolean) => void = () => {};
  const approve = () => new Promise<boolean>((resolve) => (say = resolve));
  await cancelAt(
    "approval",
    agentWith(scriptedModel([call]), () => ((ran = true), null), "write"),
    { approve },
  );
  say(true);
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(ran).toBe(false);
});

test("while acting: the tool is told", async () => {
  let told = false;
  const model = scriptedModel([call]);
  const does = tool({
    name: "do",
    description: "",
    input: { type: "object" },
    run: (_, { signal, progress }) =>
      new Promise<null>((_, reject) => {
        signal.addEventListener("abort", () => ((told = true), reject(new Error("stopped"))));
        progress("begun");
      }),
  });
  const result = await cancelAt("tool-progress", createAgent({ model, tools: [does] }));
  expect(told).toBe(true);
  expect(result.messages.at(-1)).toMatchObject({ role: "tool", output: { error: "cancelled while it ran; it may have taken effect" } });
});

test("while acting: a tool that ignores the signal does not hold the run", async () => {
  await cancelAt("tool-start", agentWith(scriptedModel([call]), never));
});

test("an abort after the end changes nothing", async () => {
  const stop = new AbortController();
  const result = await run(
    agentWith(scriptedModel(["ok"]), () => null),
    "go",
    { signal: stop.signal },
  );
  stop.abort();
  expect(result.status).toBe("answered");
});
