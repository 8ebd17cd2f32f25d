/** What a tool may say beside its input: outputs, attempts, time, progress; and answers under a schema. */
import { scriptedModel, type ScriptedReply } from "@orrery/chat/testing";
import { z } from "zod";
import { createAgent } from "./agent.ts";
import type { RunEvent } from "./result.ts";
import { run } from "./run.ts";
import { tool, type JsonToolDefinition, type Tool } from "./tool.ts";

const call: ScriptedReply = { calls: [{ name: "do", input: {} }] };
const doing = (more: Partial<JsonToolDefinition>): Tool =>
  tool({ name: "do", description: "", input: { type: "object", properties: {} }, run: () => null, ...more });

async function play(one: Tool) {
  const events: RunEvent[] = [];
  const agent = createAgent({ model: scriptedModel([call, "ok"]), tools: [one] });
  const { steps } = await run(agent, "go", { onEvent: (event) => void events.push(event) });
  return { step: steps[0]!, events };
}

test("an output that is not what was promised is a failed call, one that is passes", async () => {
  const output = { type: "object", properties: { n: { type: "integer" } }, required: ["n"] };
  expect((await play(doing({ output, run: () => ({ n: 1 }) }))).step.output).toEqual({ n: 1 });
  const { error } = (await play(doing({ output, run: () => ({ n: "1" }) }))).step;
  expect(error).toMatchObject({ code: "tool/bad-output", message: expect.stringContaining("n: must be integer") });
});

test("an output as a zod type is inferred, and its parse is what the model sees", async () => {
  const typed = tool({
    name: "do",
    description: "",
    input: z.object({}),
    output: z.object({ name: z.string().transform((text) => text.trim()) }),
    run: () => ({ name: " Ada " }),
  });
  expect((await play(typed)).step.output).toEqual({ name: "Ada" });
});

test("a call is tried as often as its tool says, with one callId", async () => {
  const seen: string[] = [];
  const flaky = doing({
    retry: { attempts: 3, delayMs: 1 },
    run: (_, { callId }) => {
      if (seen.push(callId) < 3) throw new Error("busy");
      return "done";
    },
  });
  expect([(await play(flaky)).step.output, seen]).toEqual(["done", ["call-1", "call-1", "call-1"]]);
});

test("an input that zod refuses is not tried again", async () => {
  let tries = 0;
  const strict = tool({
    name: "do",
    description: "",
    input: z.object({}).refine(() => (tries++, false), "never"),
    retry: { attempts: 5, delayMs: 1 },
    run: () => null,
  });
  expect([(await play(strict)).step.error?.code, tries]).toEqual(["tool/bad-input", 1]);
});

test("a tool's own time limit stands before the agent's", async () => {
  const slow = doing({ timeoutMs: 5, run: () => new Promise(() => {}) });
  expect((await play(slow)).step.error).toMatchObject({ code: "tool/timeout", message: expect.stringContaining("5 ms") });
});

test("what a generator yields is progress; the result is what it returns, or the yields", async () => {
  const streaming = doing({
    run: async function* () {
      await Promise.resolve();
      yield "a";
      yield "b";
      return undefined;
    },
  });
  const { step, events } = await play(streaming);
  const told = events.flatMap((event) => (event.type === "tool-progress" ? [event.progress] : []));
  expect([step.output, told]).toEqual(["ab", ["a", "b"]]);
  const returning = doing({
    run: async function* () {
      await Promise.resolve();
      yield { part: 1 };
      return { whole: 2 };
    },
  });
  expect((await play(returning)).step.output).toEqual({ whole: 2 });
});

test("an answer under a schema is parsed, and typed", async () => {
  const output = z.object({ title: z.string(), pages: z.number().int() });
  const agent = createAgent({ model: scriptedModel(["no JSON", '{"title":"x"}', '{"title":"x","pages":3}']), tools: [], output });
  const result = await run(agent, "Which book?");
  const pages: number | undefined = result.output?.pages;
  expect([result.status, result.illegal, result.output, pages]).toEqual(["answered", 2, { title: "x", pages: 3 }, 3]);
});

test.each<[string, Partial<JsonToolDefinition>]>([
  ["no attempt", { retry: { attempts: 0 } }],
  ["too many attempts", { retry: { attempts: 11 } }],
  ["a pause below 0", { retry: { attempts: 2, delayMs: -1 } }],
  ["no time", { timeoutMs: 0 }],
  ["an output that is no schema", { output: { type: "nothing" } }],
])("%s is an error of the tool", (_, more) => {
  expect(() => doing(more)).toThrow(expect.objectContaining({ code: expect.stringMatching(/^agent\/bad-(tool|schema)$/) }));
});
