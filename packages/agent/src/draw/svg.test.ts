import { scriptedModel, type ScriptedReply } from "@orrery/chat/testing";
import { setup } from "xstate";
import { createAgent } from "../agent.ts";
import { agentChart } from "../chart.ts";
import { act, phase } from "../machines/phase.ts";
import { toolCallMachine } from "../machines/tool-call.machine.ts";
import { run } from "../run.ts";
import { tool } from "../tool.ts";
import type { Span } from "../trace/span.ts";
import { chartGraph, type Box } from "./chart-graph.ts";
import { layout, type PlacedBox } from "./layout.ts";
import { toMermaid } from "./mermaid.ts";
import { runPath } from "./run-path.ts";
import { toSvg } from "./svg.ts";
import { labelWidth } from "./text-size.ts";
import { keyOf } from "./transitions.ts";

const read = tool({ name: "read", description: "", input: { type: "object" }, run: () => "text" });
const edit = tool({ name: "edit_files", description: "", effects: "write", input: { type: "object" }, run: () => "ok" });
const test_ = tool({ name: "test", description: "", input: { type: "object" }, run: () => "green" });
const chart = agentChart({
  tools: [read, edit, test_],
  guards: { green: ({ steps }) => steps.at(-1)?.output === "green" },
  states: {
    exploring: phase({ tools: ["read"], exits: { go: { target: "editing" } } }),
    editing: phase({ tools: ["read", "edit_files"], exits: { verify: { target: "testing" } } }),
    testing: act({ tool: "test", next: [{ target: "answering", guard: "green" }, { target: "editing" }] }),
    answering: phase({ answer: true }),
  },
});

const call = (name: string): ScriptedReply => ({ calls: [{ name, input: {} }] });

async function traced(replies: readonly ScriptedReply[]): Promise<Span[]> {
  const spans: Span[] = [];
  const agent = createAgent({ model: scriptedModel(replies), chart });
  await run(agent, "go", { trace: (span) => void spans.push(span), approve: () => true });
  return spans;
}

/** Is each line of a box as short as its box is wide? */
const labelsWithin = (svg: string) =>
  [
    ...svg.matchAll(
      /<rect class="frame" x="([\d.]+)"[^>]* width="([\d.]+)"|<text class="line[^"]*" x="([\d.]+)"[^>]* xml:space[^>]*>([^<]*)</g,
    ),
  ].reduce(
    ({ right, within }, [, x, width, at, text]) =>
      x === undefined ? { right, within: within && Number(at) + labelWidth(text!) <= right } : { right: Number(x) + Number(width), within },
    { right: 0, within: true },
  ).within;

/** All text of a picture, in order. */
const textsOf = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map((match) => match[1]);
const boxesOf = (box: Box): Box[] => [box, ...box.boxes.flatMap(boxesOf)];

test("an arrow for each way between two boxes; moves that stay stand in their state", () => {
  const graph = chartGraph(chart.machine);
  const arrows = boxesOf(graph).flatMap((box) => box.arrows.map(({ from, to, lines }) => [from, to, ...lines.map(({ text }) => text)]));
  expect(arrows).toContainEqual(["exploring", "editing", "go"]);
  expect(arrows).toContainEqual(["editing.deciding", "editing.checking", "decided [somethingCalled]"]);
  expect(arrows).toContainEqual(["testing", "answering", "done [green]"]);
  expect(arrows).toContainEqual(["\nanywhere", "cancelled", "cancel"]);
  expect(arrows).toContainEqual(["editing\nstart", "editing.deciding"]);
  const deciding = boxesOf(graph).find(({ id }) => id === "editing.deciding");
  expect(deciding).toMatchObject({
    kind: "deciding",
    lines: [{ text: "read", move: true }, { text: "edit_files" }, { text: "↻ refused [mayTryAgain]" }],
  });
  expect(boxesOf(graph).find(({ id }) => id === "testing")).toMatchObject({ boxes: [], lines: [{ text: "calls test" }] });
});

test("with depth 1 phases are boxes that list their moves", () => {
  const graph = chartGraph(chart.machine, { depth: 1 });
  expect(graph.boxes.map(({ id, kind, lines }) => [id, kind, ...lines.map(({ text }) => text)])).toEqual([
    ["\nstart", "start"],
    ["exploring", "deciding", "read"],
    ["editing", "deciding", "read", "edit_files"],
    ["testing", "state", "calls test"],
    ["answering", "deciding"],
    ["answered", "final"],
    ["cancelled", "final"],
    ["failed", "final"],
    ["\nanywhere", "anywhere"],
  ]);
});

test("transitions across levels are drawn where both sides have a box, and name what they lead from and to", () => {
  const machine = setup({}).createMachine({
    id: "m",
    initial: "a",
    states: {
      a: { initial: "x", states: { x: { on: { out: "#m.b.y", up: "#m.a" } }, z: {} }, on: { in: ".z" } },
      b: { initial: "w", states: { w: {}, y: {} } },
    },
  });
  const graph = chartGraph(machine);
  expect(graph.arrows.map(({ from, to, lines }) => [from, to, ...lines.map(({ text }) => text)])).toEqual([
    ["\nstart", "a"],
    ["a", "b", "x: out → y"],
  ]);
  const a = graph.boxes.find(({ id }) => id === "a")!;
  expect(a.arrows.map(({ from, to }) => [from, to])).toContainEqual(["a\nanywhere", "a.z"]);
  expect(a.boxes.find(({ id }) => id === "a.x")!.lines.map(({ text }) => text)).toEqual(["up → a"]);
});

function expectWithin(box: PlacedBox): void {
  for (const inner of box.boxes) {
    expect(Math.abs(inner.x - box.x) + inner.width / 2).toBeLessThanOrEqual(box.width / 2 + 0.001);
    expect(Math.abs(inner.y - box.y) + inner.height / 2).toBeLessThanOrEqual(box.height / 2 + 0.001);
    expectWithin(inner);
  }
}

test.each([
  ["an agent", chart.machine],
  ["tool-call", toolCallMachine],
])("boxes of %s lie within theirs, and the picture has every state's name", (_, machine) => {
  const graph = chartGraph(machine);
  expectWithin(layout(graph));
  const texts = textsOf(toSvg(machine));
  for (const { name } of boxesOf(graph).slice(1)) if (name !== "") expect(texts).toContain(name);
});

test("text of a chart is escaped, and what XML cannot hold vanishes", () => {
  const machine = setup({}).createMachine({ id: "m", initial: "a<b>", states: { "a<b>": { on: { "x&\u0000\ud800y": "c" } }, c: {} } });
  const svg = toSvg(machine);
  expect(svg).toContain("a&lt;b&gt;");
  expect(svg).toContain(">x&amp;y<");
  expect(svg.match(/<script|on\w+=/)).toBeNull();
});

test("a run is marked: what it took is numbered in order, what it did not take fades", async () => {
  const path = runPath(await traced([call("read"), call("go"), call("edit_files"), call("edit_files"), call("verify"), "done"]));
  expect(path.end).toBe("answered");
  expect(path.moves.get(keyOf("editing.deciding", "call.edit_files", ""))).toBe(2);
  const svg = toSvg(chart.machine, { path, depth: 1 });
  const badges = [...svg.matchAll(/<g class="badge">.*?<text[^>]*>([^<]*)<\/text>/g)].map((match) => match[1]);
  expect(badges.sort()).toEqual(["1", "2", "3", "4"]);
  expect(textsOf(svg)).toContain("▸ edit_files ×2");
  expect(labelsWithin(svg)).toBe(true);
  expect(svg).toMatch(/<g class="box final leaf taken end">\n[^\n]*\n[^\n]*\n<text[^>]*>answered/);
  expect(svg).toMatch(/<g class="box final leaf faded">\n[^\n]*\n[^\n]*\n<text[^>]*>failed/);
  expect(toSvg(chart.machine)).not.toMatch(/class="(box|line|arrow)[^"]*(taken|faded)/);
  expect(toMermaid(chart.machine, { path })).toContain("class exploring_deciding,exploring_checking,exploring_acting,");
});

test("every transition of a trace is an arrow or a line of the picture", async () => {
  const { transitions } = runPath(await traced([call("read"), call("nothing"), call("go"), call("edit_files"), call("verify"), "done"]));
  const known = new Set(
    boxesOf(chartGraph(chart.machine)).flatMap(({ lines, arrows }) =>
      [...lines, ...arrows.flatMap((arrow) => arrow.lines)].flatMap(({ keys }) => keys),
    ),
  );
  const inside = transitions.filter((key) => !key.includes('"testing.')); // folded: it says no more than its state
  expect(inside.length).toBeGreaterThan(8);
  expect(inside.filter((key) => !known.has(key))).toEqual([]);
});
