import { agentChart, type ChartOptions } from "../chart.ts";
import { act, phase } from "../machines/phase.ts";
import { tool, type MoveContext } from "../tool.ts";
import { check } from "./check.ts";
import { Reads } from "./reads.ts";

const input = { type: "object", properties: { n: { enum: [1, 2] } }, required: ["n"], additionalProperties: false };
const read = tool({ name: "read", description: "", input, run: () => null });
const step = { tool: "read", input: { n: 1 }, output: "ok" };
const context = { steps: [step, step], messages: [], facts: {}, decisions: 2, untrusted: [] };
const kept = new Set(["facts", "decisions"]);

test.each<[string, (context: MoveContext) => unknown, unknown, string[]]>([
  ["nothing", () => 1, 1, []],
  ["what is kept anyway", ({ facts, decisions }) => [facts, decisions], [{}, 2], []],
  ["whether there is such a step", ({ steps }) => steps.some(({ output }) => output === "ok"), true, ["steps:set"]],
  ["what the step was given", ({ steps }) => steps.every(({ input: { n } }) => n === 1), true, ["steps:input", "steps:set"]],
  ["the last step", ({ steps }) => steps.at(-1)?.error, undefined, ["steps:error", "steps:last"]],
  ["the number", ({ steps }) => steps.length, 2, ["steps:list"]],
  ["those of a kind", ({ steps }) => steps.filter(({ output }) => output === "ok").length, 2, ["steps:list"]],
  ["one after the other", ({ steps }) => [...steps].length, 2, ["steps:list"]],
  ["the first", ({ steps }) => steps[0]?.tool, "read", ["steps:list"]],
  ["a whole step", ({ steps }) => ({ ...steps.at(-1) }), step, ["steps:error", "steps:input", "steps:last"]],
  ["the conversation", ({ messages }) => messages.length, 0, ["messages"]],
  ["all", (all) => ({ ...all }).decisions, 2, ["messages", "untrusted"]],
])("a function that looks at %s", (_, look, value, names) => {
  const reads = new Reads();
  expect(look(reads.view(context, kept))).toEqual(value);
  const seen = ["steps:set", "steps:last", "steps:list", "steps:input", "steps:error"].filter((name) => reads.has(name));
  expect([...seen, ...reads.names].sort()).toEqual(names);
});

/** A state that is entered only after three reads, of which the last was of 2: whatever looks at the steps, it is found. */
const behind = (holds: (context: MoveContext) => boolean): Record<string, [ChartOptions["states"], Partial<ChartOptions>]> => ({
  "the guard of an exit": [{ one: phase({ tools: ["read"], exits: { go: { target: "two", when: holds } }, answer: true }) }, {}],
  "a named guard": [
    {
      one: phase({ tools: ["read"], exits: { go: { target: "fork" } }, answer: true }),
      fork: { always: [{ guard: "holds", target: "two" }, { target: "one" }] },
    },
    { guards: { holds } },
  ],
  "an inline guard": [
    {
      one: phase({ tools: ["read"], exits: { go: { target: "fork" } }, answer: true }),
      fork: { always: [{ guard: ({ context: given }: { context: MoveContext }) => holds(given), target: "two" }, { target: "one" }] },
    },
    {},
  ],
  "a narrowing": [
    { one: phase({ tools: ["read"], exits: { go: { target: "two", narrow: (given) => holds(given) && {} } }, answer: true }) },
    {},
  ],
  "the input of an act": [
    {
      one: phase({ tools: ["read"], exits: { go: { target: "work" } }, answer: true }),
      work: act({
        tool: "read",
        input: (given) => ({ n: holds(given) ? 2 : 1 }),
        next: [{ target: "two", guard: "deep" }, { target: "one" }],
      }),
    },
    {
      guards: { deep: ({ facts }) => facts["deep"] === true },
      facts: { initial: {}, learn: { read: (facts, { input: { n } }) => (n === 2 ? { deep: true } : facts) } },
    },
  ],
});

describe.each<[string, (context: MoveContext) => boolean]>([
  ["the number of steps", ({ steps }) => steps.length === 3],
  ["the first step", ({ steps }) => steps[0]?.input["n"] === 2 && steps.length > 2],
  ["the conversation", ({ messages }) => messages.filter(({ role }) => role === "tool").length === 3],
])("a state behind %s is found", (_, holds) => {
  test.each(Object.entries(behind(holds)))("by %s", (kind, [states, more]) => {
    const two = phase({ answer: true });
    const chart = agentChart({ tools: [read], states: { ...states, two }, limits: { steps: 4 }, ...more });
    const { findings, coarse, complete } = check(chart, { failures: false, illegal: false, probes: 200 });
    const lost = findings.filter(({ message }) => message.startsWith("the state two is never entered"));
    expect([kind, complete, coarse, lost]).toEqual([kind, true, 0, []]);
  });
});
