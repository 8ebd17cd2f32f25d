import { OrreryError } from "@orrery/chat";
import { scriptedModel } from "@orrery/chat/testing";
import { createAgent } from "./agent.ts";
import { randomFrom, randomInstance } from "./random-instance.ts";
import type { RunResult } from "./result.ts";
import { resume, run } from "./run.ts";
import { tool, type Tool } from "./tool.ts";

const write = tool({ name: "write", description: "", effects: "write", input: { type: "object", properties: {} }, run: () => null });
const agent = (tools: readonly Tool[] = [write]) =>
  createAgent({ model: scriptedModel([{ calls: [{ name: "write", input: {} }] }]), tools });
const narrowing = (narrow: () => unknown): Promise<RunResult> =>
  run(agent([{ ...write, narrow: narrow as NonNullable<Tool["narrow"]> }]), "go");

async function errorOf(work: () => unknown): Promise<unknown> {
  try {
    const result = await work();
    return (result as RunResult).error;
  } catch (thrown) {
    return thrown;
  }
}

test.each<[string, () => unknown]>([
  ["agent/bad-tool", () => agent([write, write])],
  ["agent/bad-limit", () => createAgent({ model: scriptedModel([]), tools: [], limits: { steps: 0 } })],
  ["agent/bad-task", () => run(agent(), 3 as never)],
  ["agent/unknown-call", async () => resume(agent(), (await run(agent(), "go")).snapshot!, { "call-9": true })],
  [
    "agent/bad-narrowing",
    () =>
      narrowing(() => {
        throw new Error("bug");
      }),
  ],
  ["agent/bad-narrowing", () => narrowing(() => true)],
  ["agent/unsupported-schema", async () => randomInstance({ type: "string", format: "date" }, randomFrom(1))],
  ["agent/unsupported-schema", async () => randomInstance({ $ref: "#/$defs/none" }, randomFrom(1))],
])("%s comes with a hint: %#", async (code, work) => {
  const error = await errorOf(work);
  expect(error).toBeInstanceOf(OrreryError);
  expect(error).toMatchObject({ code, hint: expect.stringMatching(/\w/) });
});
