import { scriptedModel, type ScriptedReply } from "@orrery/chat/testing";
import { z } from "zod";
import { createAgent } from "../agent.ts";
import type { RunEvent } from "../result.ts";
import { run } from "../run.ts";
import { tool } from "../tool.ts";
import { scriptedTools, type ScriptedCall } from "./scripted-tools.ts";
import { simulatedClock } from "./simulated-clock.ts";

const real = (): never => {
  throw new Error("the real tool ran");
};
const read = tool({ name: "read", description: "Reads.", input: z.object({ path: z.string() }), run: real });
const edit = tool({ name: "edit", description: "Edits.", input: z.object({ path: z.string(), text: z.string() }), run: real });
const reading = (path: string): ScriptedReply => ({ calls: [{ name: "read", input: { path } }] });

async function played(replies: readonly ScriptedReply[], script: readonly ScriptedCall[]) {
  const world = scriptedTools([read, edit], script);
  const result = await run(createAgent({ model: scriptedModel(replies), tools: world.tools }), "go");
  return { world, result };
}

test("calls are answered from the list, each tool's in its order, and recorded", async () => {
  const { world, result } = await played(
    [reading("a"), reading("b"), reading("c"), "done"],
    [
      { tool: "read", input: { path: "a" }, output: "A" },
      { tool: "read", output: ({ path }) => `text of ${path as string}` },
      { tool: "read", fail: "no such file" },
    ],
  );
  world.assertComplete();
  expect(result.steps).toEqual([
    { tool: "read", input: { path: "a" }, output: "A" },
    { tool: "read", input: { path: "b" }, output: "text of b" },
    { tool: "read", input: { path: "c" }, error: { code: "tool/failed", message: "no such file" } },
  ]);
  expect(world.calls).toEqual([
    { tool: "read", callId: "call-1", input: { path: "a" } },
    { tool: "read", callId: "call-2", input: { path: "b" } },
    { tool: "read", callId: "call-3", input: { path: "c" } },
  ]);
});

test("an input that differs says where; the model may go on, `assertComplete` does not", async () => {
  const { world, result } = await played([reading("/etc/passwd"), "done"], [{ tool: "read", input: { path: "/etc/hosts" }, output: "A" }]);
  expect(result.steps[0]).toMatchObject({ error: { code: "agent/unexpected-call" } });
  expect(() => world.assertComplete()).toThrow(
    expect.objectContaining({
      code: "agent/unexpected-call",
      message: expect.stringContaining('path: expected "/etc/hosts", found "/etc/passwd"'),
    }),
  );
});

test("one call too many, and one too few", async () => {
  const { world } = await played([reading("a"), reading("b"), "done"], [{ tool: "read", output: "A" }]);
  expect(() => world.assertComplete()).toThrow(expect.objectContaining({ code: "agent/unexpected-call" }));
  const { world: other } = await played(["done"], [{ tool: "edit" }]);
  expect(() => other.assertComplete()).toThrow(expect.objectContaining({ code: "agent/script-unused" }));
});

test("a call takes its time by the clock, and tells how far it is", async () => {
  const clock = simulatedClock();
  const world = scriptedTools([read], [{ tool: "read", progress: [50, 100], ms: 3_000, output: "A" }], { clock });
  const events: RunEvent[] = [];
  const agent = createAgent({ model: scriptedModel([reading("a"), "done"]), tools: world.tools });
  const result = await clock.until(run(agent, "go", { clock, onEvent: (event) => void events.push(event) }));
  expect(result.timings.toolMs).toBe(3_000);
  expect(events.filter(({ type }) => type === "tool-progress")).toHaveLength(2);
});

test("an input that the tool does not take never gets an answer", async () => {
  const world = scriptedTools([read], [{ tool: "read", output: "A" }]);
  const context = { signal: new AbortController().signal, callId: "1" };
  await expect(world.tools[0]!.run({ path: 1 }, context)).rejects.toMatchObject({ code: "tool/bad-input" });
  expect(() => world.assertComplete()).toThrow(expect.objectContaining({ code: "agent/script-unused" }));
});

test.each<[string, ScriptedCall, RegExp]>([
  ["a tool that is not there", { tool: "write" }, /names the tool 'write'/],
  ["an input that the tool refuses", { tool: "read", input: { path: 1 } }, /an input that 'read' refuses/],
  ["time without a clock", { tool: "read", ms: 1 }, /there is no clock/],
])("a script with %s is refused", (_, entry, message) => {
  expect(() => scriptedTools([read, edit], [entry])).toThrow(
    expect.objectContaining({ code: "agent/bad-script", message: expect.stringMatching(message) }),
  );
});
