import { toMermaid } from "./mermaid.ts";
import { toolCallMachine } from "../machines/tool-call.machine.ts";
import { agentChart } from "../chart.ts";
import { phase } from "../machines/phase.ts";
import { allStates } from "../testing.ts";
import { tool } from "../tool.ts";
import { setup } from "xstate";

const read = tool({ name: "read.file", description: "", input: { type: "object" }, run: () => null });
const turn = agentChart({ tools: [read], states: { turn: phase({ tools: ["read.file"], answer: true }) } }).machine;

test.each([
  ["turn", turn],
  ["tool-call", toolCallMachine],
])("the picture of %s lists every state", (_, machine) => {
  const picture = toMermaid(machine);
  for (const state of allStates(machine)) expect(picture).toMatch(new RegExp(`(^|> |  )${state}( -->|\\s*:|$)`, "m"));
});

test("arrows carry event and guard; those of the machine leave from every state in which it can rest", () => {
  const picture = toMermaid(turn);
  expect(picture).toContain("turn_deciding --> turn_checking : decided [somethingCalled]");
  expect(picture).toContain("turn --> cancelled : cancel");
  expect(picture).toContain("turn --> answered : answer [nothingCalled]");
  expect(picture).not.toContain("answered --> cancelled");
});

test("a compound state is drawn with its inside", () => {
  const machine = setup({}).createMachine({
    id: "m",
    initial: "a",
    states: { a: { initial: "b", states: { b: { on: { go: "c" } }, c: { type: "final" } } } },
  });
  expect(toMermaid(machine)).toBe(
    ["stateDiagram-v2", "  [*] --> a", "  state a {", "    [*] --> a_b", "    a_b --> a_c : go", "    a_c --> [*]", "  }", ""].join("\n"),
  );
});
