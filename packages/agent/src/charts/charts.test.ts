import type { JsonObject, Moves } from "@orrery/chat";
import { scriptedModel, type ScriptedReply } from "@orrery/chat/testing";
import { createAgent } from "../agent.ts";
import type { AgentChart } from "../chart.ts";
import type { RunEvent } from "../result.ts";
import { run } from "../run.ts";
import { randomModel } from "../testing.ts";
import { tool } from "../tool.ts";
import { planChart } from "./plan.ts";
import { agentTool, teamChart } from "./team.ts";

const object = (properties: JsonObject = {}) => ({
  type: "object",
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});
const find = tool({ name: "find", description: "", input: object({ word: { type: "string" } }), run: () => "page 7" });
const buy = tool({ name: "buy", description: "", effects: "external", input: object(), run: () => "bought" });
const call = (name: string, input: JsonObject = {}): ScriptedReply => ({ calls: [{ name, input }] });

async function play(chart: AgentChart, replies: readonly ScriptedReply[]) {
  const legal: string[] = [];
  const names = ({ calls, answer }: Moves) => [...calls.map(({ name }) => name), ...(answer === false ? [] : ["answer"])].join(" ");
  const onEvent = (event: RunEvent): void => {
    if (event.type === "decision") legal.push(names(event.moves));
  };
  return { legal, result: await run(createAgent({ model: scriptedModel(replies), chart }), "go", { onEvent, approve: () => true }) };
}

describe("plan", () => {
  const plan = (...steps: [string, string[]][]) => call("write_plan", { steps: steps.map(([goal, tools]) => ({ goal, tools })) });

  test("each step has the tools that the plan gives it, and is told its goal", async () => {
    const { legal, result } = await play(planChart({ tools: [find, buy] }), [
      plan(["look", ["find"]], ["get it", ["buy"]]),
      call("find", { word: "x" }),
      call("step_done"),
      call("buy"),
      call("step_done"),
      "done",
    ]);
    expect(legal).toEqual(["write_plan", "find step_done", "find step_done", "buy step_done", "buy step_done", "plan_again answer"]);
    expect(result).toMatchObject({ status: "answered", answer: "done", illegal: 0 });
    const told = result.steps.map(({ tool, output }) => [tool, output]);
    expect(told).toEqual([
      ["write_plan", "Step 1 of 2: look"],
      ["find", "page 7"],
      ["step_done", "Step 2 of 2: get it"],
      ["buy", "bought"],
      ["step_done", expect.stringContaining("All steps are done")],
    ]);
  });

  test("a plan may be thrown away as often as is allowed; then the only move is to answer", async () => {
    const { legal, result } = await play(planChart({ tools: [find], replans: 1 }), [
      plan(["a", []]),
      call("step_done"),
      call("plan_again"),
      plan(["b", ["find"]]),
      call("step_done"),
      "so be it",
    ]);
    expect(legal.at(-1)).toBe("answer");
    expect(result.status).toBe("answered");
  });

  test("a step that uses up its decisions can only be ended", async () => {
    const { legal } = await play(planChart({ tools: [find], stepDecisions: 1 }), [
      plan(["a", ["find"]]),
      call("find", { word: "x" }),
      call("step_done"),
      "ok",
    ]);
    expect(legal).toEqual(["write_plan", "find step_done", "step_done", "plan_again answer"]);
  });
});

describe("team", () => {
  const team = () =>
    teamChart({
      approval: "never",
      members: {
        triage: { description: "sorts", instructions: "You sort.", handoffs: ["billing", "search"], answer: false },
        billing: { description: "money", instructions: "You bill.", tools: [buy], handoffs: ["triage"] },
        search: { description: "books", instructions: "You search.", tools: [find] },
      },
    });

  test("who has the conversation may use its tools and hand over where it may, and nothing else", async () => {
    const { legal, result } = await play(team(), [
      call("transfer_to_billing"),
      call("buy"),
      call("transfer_to_triage"),
      call("transfer_to_search"),
      call("find", { word: "x" }),
      "page 7",
    ]);
    expect(legal).toEqual([
      "transfer_to_billing transfer_to_search",
      "buy transfer_to_triage answer",
      "buy transfer_to_triage answer",
      "transfer_to_billing transfer_to_search",
      "find answer",
      "find answer",
    ]);
    expect(result).toMatchObject({ status: "answered", answer: "page 7", illegal: 0 });
    expect(result.steps[0]).toMatchObject({ tool: "transfer_to_billing", output: "You bill." });
  });

  test("an agent as a tool: the supervisor gets its answer, and the person is asked about its calls", async () => {
    const asked: string[] = [];
    const buyer = createAgent({ model: scriptedModel([call("buy"), "it is bought"]), tools: [buy] });
    const boss = createAgent({
      model: scriptedModel([call("buyer", { task: "buy one" }), "fine"]),
      tools: [agentTool(buyer, { name: "buyer", description: "buys" })],
    });
    const result = await run(boss, "we need one", { approve: ({ name }) => (asked.push(name), true) });
    expect([result.status, result.steps[0]?.output, asked]).toEqual(["answered", "it is bought", ["buy"]]);
  });

  test("an agent as a tool that fails, or gets no permission, is a failed call", async () => {
    const buyer = createAgent({ model: scriptedModel([call("buy"), { fail: "error" }]), tools: [buy] });
    const boss = createAgent({
      model: scriptedModel([call("buyer", { task: "buy one" }), "well"]),
      tools: [agentTool(buyer, { name: "buyer", description: "buys" })],
    });
    const result = await run(boss, "we need one");
    expect([result.status, result.steps[0]?.error?.code]).toEqual(["answered", "chat/scripted-failure"]);
  });
});

test.each([
  ["plan", () => planChart({ tools: [find, buy], approval: "never" })],
  [
    "team",
    () =>
      teamChart({
        approval: "never",
        members: { a: { description: "", instructions: "a", handoffs: ["b"] }, b: { description: "", instructions: "b", tools: [find] } },
      }),
  ],
])("%s: random play is legal and ends", async (_, chart) => {
  for (let seed = 0; seed < 40; seed++) {
    const { status, illegal, error } = await run(createAgent({ model: randomModel(seed), chart: chart() }), "go");
    expect([status, illegal, error]).toEqual(["answered", 0, undefined]);
  }
});
