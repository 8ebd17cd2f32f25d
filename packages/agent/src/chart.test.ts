import type { ChatEvent, ChatModel, JsonObject, Moves } from "@orrery/chat";
import { scriptedModel, type ScriptedReply } from "@orrery/chat/testing";
import { createAgent } from "./agent.ts";
import { agentChart, type ChartOptions } from "./chart.ts";
import { act, phase } from "./machines/phase.ts";
import type { RunEvent } from "./result.ts";
import { run } from "./run.ts";
import { problemOf } from "./schema.ts";
import { tool, type Tool } from "./tool.ts";

const files: Record<string, string> = { "a.ts": "export const one = 2;\n", "b.ts": "export const two = 2;\n" };
const path = { type: "string" };
const object = (properties: JsonObject) => ({
  type: "object",
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});
const readFile = tool({
  name: "read_file",
  description: "Reads a file.",
  input: object({ path }),
  run: ({ path }) => files[String(path)] ?? Promise.reject(new Error("no such file")),
});
const editFile = tool({
  name: "edit_file",
  description: "Replaces a text.",
  effects: "write",
  input: object({ path, old: { type: "string" }, new: { type: "string" } }),
  run: () => "edited",
});
const runTests = (results: string[]) =>
  tool({ name: "run_tests", description: "Runs the tests.", input: object({}), run: () => results.shift() ?? "green" });

/** Explore, edit what was read, test; green answers, red goes back to editing. */
const coder = (results: string[], more: Partial<ChartOptions> = {}) =>
  agentChart({
    tools: [readFile, editFile, runTests(results)],
    approval: "never",
    facts: {
      initial: { read: {} },
      learn: {
        read_file: (facts, { input, output }) =>
          typeof output === "string" ? { ...facts, read: { ...(facts["read"] as JsonObject), [String(input["path"])]: output } } : facts,
        start_editing: (facts, { input }) => ({ ...facts, plan: input["plan"] ?? null }),
      },
    },
    guards: { green: ({ steps }) => steps.at(-1)?.output === "green" },
    states: {
      exploring: phase({
        tools: ["read_file"],
        exits: {
          start_editing: {
            target: "editing",
            description: "Begin to edit.",
            input: object({ plan: { type: "string" } }),
            when: ({ steps }) => steps.some(({ output }) => output !== undefined),
          },
        },
      }),
      editing: phase({
        instructions: "Edit now.",
        tools: ["read_file", "edit_file"],
        narrow: {
          edit_file: ({ facts }) => ({
            anyOf: Object.entries(facts["read"] as JsonObject).map(([name, text]) => ({
              properties: { path: { const: name }, old: { uniqueSubstringOf: text } },
            })),
          }),
        },
        exits: { verify: { target: "testing" } },
      }),
      testing: act({ tool: "run_tests", next: [{ target: "answering", guard: "green" }, { target: "editing" }] }),
      answering: phase({ answer: true }),
    },
    ...more,
  });

const call = (name: string, input: JsonObject = {}): ScriptedReply => ({ calls: [{ name, input }] });
const edit = (old: string, name = "a.ts") => call("edit_file", { path: name, old, new: "1" });

async function play(chart: ReturnType<typeof coder>, replies: readonly ScriptedReply[]) {
  const seen: (Moves | string)[] = [];
  const model = scriptedModel(replies);
  const agent = createAgent({ model, chart, instructions: "You code." });
  const onEvent = (event: RunEvent): void => {
    if (event.type === "decision") seen.push(event.moves);
    if (event.type === "state") seen.push(String(event.state));
  };
  return { result: await run(agent, "fix it", { onEvent }), seen, model };
}
const names = (seen: readonly (Moves | string)[]) =>
  seen.map((one) => (typeof one === "string" ? one : [...one.calls.map(({ name }) => name), ...(one.answer ? ["answer"] : [])].join(" ")));

test("phases: each has its own moves, exits lead on, the chart acts itself, and red tests lead back", async () => {
  const { result, seen, model } = await play(coder(["red"]), [
    call("read_file", { path: "a.ts" }),
    call("start_editing", { plan: "one is 1" }),
    edit("2"),
    call("verify"),
    edit("two"),
    call("verify"),
    "done",
  ]);
  expect(result).toMatchObject({ status: "answered", answer: "done", illegal: 1, facts: { plan: "one is 1" } });
  expect(names(seen)).toEqual([
    "read_file",
    "read_file start_editing",
    "editing",
    "read_file edit_file verify",
    "read_file edit_file verify",
    "testing",
    "editing",
    "read_file edit_file verify",
    "read_file edit_file verify",
    "testing",
    "answering",
    "answer",
  ]);
  expect(result.steps.map(({ tool, output }) => [tool, output])).toEqual([
    ["read_file", files["a.ts"]],
    ["start_editing", "Edit now."],
    ["edit_file", "edited"],
    ["verify", "ok"],
    ["run_tests", "red"],
    ["verify", "ok"],
    ["run_tests", "green"],
  ]);
  expect(new Set(model.requests.map(({ tools }) => tools?.map(({ name }) => name).join(" ")))).toEqual(
    new Set(["read_file edit_file run_tests start_editing verify"]),
  );
});

test("a narrowing over what was read is part of the moves: an edit cannot miss", async () => {
  const { seen } = await play(coder([]), [
    call("read_file", { path: "a.ts" }),
    call("read_file", { path: "b.ts" }),
    call("start_editing", { plan: "" }),
    call("verify"),
    "done",
  ]);
  const schema = seen.flatMap((one) => (typeof one === "string" ? [] : one.calls)).find(({ name }) => name === "edit_file")!.input;
  const valid = (name: string, old: string) => problemOf(schema, { path: name, old, new: "" }) === undefined;
  expect([valid("a.ts", "one"), valid("b.ts", "two = 2"), valid("a.ts", "two"), valid("a.ts", "o"), valid("c.ts", "one")]).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});

test("an exit is a move of its own: no call stands beside it", async () => {
  const { result } = await play(coder([], { limits: { parallel: 3 } }), [
    call("read_file", { path: "a.ts" }),
    {
      calls: [
        { name: "read_file", input: { path: "b.ts" } },
        { name: "start_editing", input: { plan: "" } },
      ],
    },
    call("start_editing", { plan: "" }),
    call("verify"),
    "done",
  ]);
  expect([result.status, result.illegal]).toEqual(["answered", 1]);
});

test("the instructions of the first phase stand in the system message, of a later one in the answer to the exit", async () => {
  const chart = agentChart({
    tools: [readFile],
    states: {
      one: phase({ instructions: "First.", exits: { go: { target: "two" } } }),
      two: phase({ instructions: "Second.", answer: true }),
    },
  });
  const agent = () => createAgent({ model: scriptedModel([call("go"), "end", call("go"), "end"]), chart, instructions: "All." });
  const { messages } = await run(agent(), "go");
  expect(messages.map((message) => ("content" in message ? message.content : message.role === "tool" ? message.output : ""))).toEqual(
    ["All.\n\nFirst.", "go", undefined, "Second.", "end"].map((text) => text ?? expect.anything()),
  );
  const again = await run(agent(), "again", { messages });
  expect(again.messages.slice(0, messages.length)).toEqual(messages);
});

test("where no move is left, or too many were illegal, the phase goes where `otherwise` says", async () => {
  const states = (otherwise?: string): ChartOptions["states"] => ({
    stuck: phase({ tools: ["read_file"], when: { read_file: () => false }, ...(otherwise ? { otherwise } : {}) }),
    rest: phase({ answer: true }),
  });
  const end = async (given: ChartOptions["states"], replies: ScriptedReply[]) => {
    const { status, answer, error } = await run(
      createAgent({ model: scriptedModel(replies), chart: agentChart({ tools: [readFile], states: given }) }),
      "x",
    );
    return [status, answer, error?.code];
  };
  expect(await end(states(), [])).toEqual(["failed", "", "agent/no-legal-move"]);
  expect(await end(states("rest"), ["fine"])).toEqual(["answered", "fine", undefined]);
  const wild = { open: phase({ tools: ["read_file"], otherwise: "rest" }), rest: phase({ answer: true }) };
  expect(await end(wild, ["a", "b", "c", "fine"])).toEqual(["answered", "fine", undefined]);
});

test("a guard that no mask can express sends an illegal choice back with its reason", async () => {
  const even = tool({
    name: "even",
    description: "",
    input: object({ n: { type: "integer" } }),
    accepts: ({ n }) => Number(n) % 2 === 0 || `${n} is odd`,
    run: () => "ok",
  });
  const result = await run(
    createAgent({ model: scriptedModel([call("even", { n: 3 }), call("even", { n: 4 }), "ok"]), tools: [even] }),
    "x",
  );
  expect([result.status, result.illegal]).toEqual(["answered", 1]);
  expect(result.messages).toContainEqual({ role: "tool", callId: "call-1", name: "even", output: { error: "3 is odd" } });
});

test("budgets of tokens and time are guards like that of steps: what is left is the answer", async () => {
  const moves = async (limits: ChartOptions["limits"]) => {
    const seen: Moves[] = [];
    const script = scriptedModel([call("read_file", { path: "a" }), "end"]);
    const model: ChatModel = { ...script, stream: (request) => costing(70, script.stream(request)) };
    const slow: Tool = { ...readFile, run: () => new Promise((resolve) => setTimeout(() => resolve("x"), 15)) };
    const agent = createAgent({ model, tools: [slow], limits: limits! });
    await run(agent, "x", { onEvent: (event) => void (event.type === "decision" && seen.push(event.moves)) });
    return seen.map(({ calls }) => calls.length);
  };
  expect(await moves({ tokens: 1000, timeMs: 60_000 })).toEqual([1, 1]);
  expect(await moves({ tokens: 70 })).toEqual([1, 0]);
  expect(await moves({ timeMs: 10 })).toEqual([1, 0]);
});

async function* costing(tokens: number, stream: AsyncIterable<ChatEvent>): AsyncGenerator<ChatEvent> {
  for await (const event of stream) yield event.type === "finish" ? { ...event, usage: { ...event.usage, computedTokens: tokens } } : event;
}

test.each<[string, () => unknown]>([
  ["a phase with a tool that is not there", () => coder([], { states: { one: phase({ tools: ["nothing"] }) } })],
  ["an exit that leads nowhere", () => coder([], { states: { one: phase({ exits: { go: { target: "two" } } }) } })],
  ["an act that leads nowhere", () => coder([], { states: { one: act({ tool: "run_tests", next: "two" }) } })],
  ["a state that leads nowhere", () => coder([], { states: { one: { on: { go: "two" } } } })],
  ["an exit with a tool's name", () => coder([], { states: { one: phase({ exits: { read_file: { target: "one" } } }) } })],
  ["a state of the chart's own", () => coder([], { states: { failed: phase({ answer: true }) } })],
  ["no state", () => coder([], { states: {} })],
  ["what the chart says itself", () => createAgent({ model: scriptedModel([]), chart: coder([]), tools: [readFile as Tool] })],
])("%s is an error", (_, make) => {
  expect(make).toThrow(expect.objectContaining({ code: "agent/bad-chart" }));
});
