import type { ChatModel, ChatRequest } from "@orrery/chat";
import { scriptedModel, type ScriptedReply } from "@orrery/chat/testing";
import { z } from "zod";
import { createAgent } from "../agent.ts";
import { agentChart } from "../chart.ts";
import { act, phase } from "../machines/phase.ts";
import { tool, type Tool } from "../tool.ts";
import { agentContract, type ContractCase, type ContractCounts, type ContractSettings, type MakeAgent } from "./contract.ts";
import { randomModel } from "./random-model.ts";

const TOOLS: readonly Tool[] = [
  tool({
    name: "look_up",
    description: "Looks a city up.",
    input: z.object({ city: z.enum(["Oslo", "Rome"]) }),
    async *run({ city }) {
      yield "looking";
      return { city, weather: "rain" };
    },
  }),
  tool({
    name: "save",
    description: "Saves a note.",
    input: z.object({ text: z.string() }),
    effects: "write",
    run: async ({ text }) => text.length,
  }),
  tool({
    name: "ring",
    description: "Rings.",
    input: z.object({}),
    run: () => {
      throw new Error("nobody answers");
    },
  }),
];

/** What the model says depends on the conversation alone, so that a resumed run goes on as it would have. */
const plan: readonly ScriptedReply[] = [
  {
    calls: [
      { name: "look_up", input: { city: "Oslo" } },
      { name: "ring", input: {} },
    ],
  },
  { calls: [{ name: "save", input: { text: "rain in Oslo" } }] },
  "It rains in Oslo, and I wrote it down.",
];
const planned = ({ messages, moves }: ChatRequest): ScriptedReply => {
  const done = messages.filter(({ role }) => role === "assistant").length;
  return moves?.calls.length === 0 ? "There is no more time." : (plan[done] ?? "done");
};

/** The model, and what its replies would cost. */
const counted = (model: ChatModel): ChatModel => ({
  ...model,
  async *stream(request) {
    for await (const event of model.stream(request))
      yield event.type === "finish" ? { ...event, usage: { ...event.usage, promptTokens: 9, computedTokens: 9, replyTokens: 1 } } : event;
  },
});
const scripted = (): ChatModel => scriptedModel(Array.from({ length: 50 }, () => planned));

const turn =
  (model: () => ChatModel): MakeAgent =>
  (settings) =>
    createAgent({ model: model(), tools: TOOLS, instructions: "Be brief.", ...settings, limits: { parallel: 2, ...settings.limits } });

/** Phases, exits, and a call that the chart makes itself. */
const phases =
  (model: () => ChatModel): MakeAgent =>
  (settings: ContractSettings) =>
    createAgent({
      model: model(),
      chart: agentChart({
        ...settings,
        tools: TOOLS,
        states: {
          opening: act({ tool: "ring", next: "looking" }),
          looking: phase({
            tools: ["look_up", "ring"],
            exits: { write: { target: "writing" } },
            answer: true,
            instructions: "Look it up.",
          }),
          writing: phase({ tools: ["save"], answer: true, instructions: "Write it down.", limits: { steps: 2 } }),
        },
      }),
    });

const agents: readonly (readonly [string, MakeAgent])[] = [
  ["a scripted model", turn(() => counted(scripted()))],
  ...[1, 2, 3, 4].map((seed) => [`random moves ${seed}`, turn(() => counted(randomModel(seed)))] as const),
  ...[5, 6, 7, 8].map((seed) => [`random moves ${seed} in phases`, phases(() => counted(randomModel(seed)))] as const),
];
let seen: ContractCounts = { runs: 0, events: 0, moves: 0, asked: 0 };

describe.each(agents)("%s", (_, make) => {
  test.each(agentContract(make, { task: "What is the weather in Oslo?" }))("$name", async ({ check }) => {
    const { runs, events, moves, asked } = await check();
    expect(runs).toBeGreaterThan(0);
    seen = { runs: seen.runs + runs, events: seen.events + events, moves: seen.moves + moves, asked: seen.asked + asked };
  });
});

test("the cases have seen calls and questions enough", () => {
  expect(seen.runs).toBeGreaterThan(200);
  expect(seen.moves).toBeGreaterThan(300);
  expect(seen.asked).toBeGreaterThan(50);
});

describe("an agent that breaks a promise is found out", () => {
  const named = (make: MakeAgent, name: RegExp): ContractCase => agentContract(make, { task: "go" }).find((one) => name.test(one.name))!;

  test("by illegal replies", async () => {
    const make = turn(() => randomModel(3, { illegal: 1 }));
    await expect(named(make, /illegal/).check()).rejects.toThrow(/3 replies were not legal moves/);
  });

  test("by a run that asks without end", async () => {
    const stubborn = scriptedModel(Array.from({ length: 1_000 }, () => ({ calls: [{ name: "save", input: { text: "x" } }] })));
    const make: MakeAgent = (settings) => createAgent({ model: stubborn, tools: TOOLS, limits: { steps: 500 }, ...settings });
    await expect(named(make, /waits for a person/).check()).rejects.toThrow(/still asks after/);
  });

  test("by a maker that does not pass the budget on", async () => {
    const ringing = scriptedModel(Array.from({ length: 10 }, (_, i) => (i < 3 ? { calls: [{ name: "ring", input: {} }] } : "done")));
    const make: MakeAgent = () => createAgent({ model: ringing, tools: TOOLS });
    await expect(named(make, /budgets/).check()).rejects.toThrow(/3 decisions called tools, and 1 may/);
  });
});
