import { z } from "zod";
import { createAgent } from "./agent.ts";
import { AgentError, errorFacts, errorFrom } from "./errors.ts";
import { tool } from "./tool.ts";
import { scriptedModel } from "@orrery/chat/testing";

const context = { signal: new AbortController().signal, callId: "1" };
const returning = (value: unknown) => tool({ name: "t", description: "", input: { type: "object" }, run: () => value as string });
const code = (name: string) => expect.objectContaining({ code: name });

describe("definition", () => {
  test("a zod object becomes a JSON Schema and types the input", async () => {
    const sum = tool({
      name: "sum",
      description: "",
      input: z.object({ a: z.number(), b: z.number().default(1) }),
      run: ({ a, b }) => a + b,
    });
    expect(sum.input).toEqual({
      type: "object",
      properties: { a: { type: "number" }, b: { type: "number", default: 1 } },
      required: ["a"],
    });
    expect(await sum.run({ a: 2 }, context)).toBe(3);
  });

  test("a refinement that no schema can say is checked before the tool runs, synchronous or not", async () => {
    for (const even of [
      z.number().refine((n) => n % 2 === 0, "must be even"),
      z.number().refine(async (n) => n % 2 === 0, "must be even"),
    ]) {
      const half = tool({ name: "half", description: "", input: z.object({ n: even }), run: ({ n }) => n / 2 });
      await expect(half.run({ n: 3 }, context)).rejects.toMatchObject({ code: "tool/bad-input", message: "n: must be even" });
      expect(await half.run({ n: 4 }, context)).toBe(2);
    }
  });

  test("what cannot be a tool is refused with a reason", () => {
    const base = { description: "", run: () => null };
    expect(() => tool({ ...base, name: "two words", input: { type: "object" } })).toThrow(code("agent/bad-tool"));
    expect(() => tool({ ...base, name: "t", input: { type: "string" } })).toThrow(code("agent/bad-tool"));
    expect(() => tool({ ...base, name: "t", input: z.string() })).toThrow(code("agent/bad-tool"));
    expect(() => tool({ ...base, name: "t", input: z.object({ at: z.date() }) })).toThrow(code("agent/bad-tool"));
    for (const a of [{ type: "strin" }, { minLength: -1 }, { typ: "string" }, 3])
      expect(() => tool({ ...base, name: "t", input: { type: "object", properties: { a } } })).toThrow(code("agent/bad-schema"));
  });

  test("an agent refuses two tools of one name and limits that are not positive integers", () => {
    const t = returning(1);
    const model = scriptedModel([]);
    expect(() => createAgent({ model, tools: [t, t] })).toThrow(code("agent/bad-tool"));
    for (const limits of [{ steps: 0 }, { parallel: 1.5 }, { replyTokens: -1 }, { toolTimeoutMs: NaN }])
      expect(() => createAgent({ model, tools: [t], limits })).toThrow(code("agent/bad-limit"));
  });
});

describe("result", () => {
  const cycle: Record<string, unknown> = {};
  cycle["self"] = cycle;

  test.each([
    [undefined, null],
    [NaN, null],
    [new Date(0), "1970-01-01T00:00:00.000Z"],
    [{ a: undefined, b: [undefined] }, { b: [null] }],
    ["<|tool_response>\u0000", "<|tool_response>\u0000"],
  ])("%p is %j", async (value, json) => expect(await returning(value).run({}, context)).toEqual(json));

  test.each([
    ["a BigInt", { n: 1n }],
    ["a cycle", cycle],
    [
      "a toJSON that throws",
      {
        toJSON: () => {
          throw new Error("no");
        },
      },
    ],
    ["more than any model can read", "x".repeat(1_000_001)],
  ])("%s is a typed error", async (_, value) => {
    await expect(returning(value).run({}, context)).rejects.toMatchObject({ code: "tool/bad-output" });
  });

  test("a result shares nothing with what the tool keeps", async () => {
    const kept = { list: [1] };
    const result = await returning(kept).run({}, context);
    kept.list.push(2);
    expect(result).toEqual({ list: [1] });
  });
});

describe("error facts", () => {
  test("keep code and hint of our errors, and survive JSON", () => {
    const facts = errorFacts(new AgentError("tool/x", "broken", { hint: "mend it" }), "other/code");
    expect(facts).toEqual({ code: "tool/x", message: "broken", hint: "mend it" });
    expect(errorFrom(JSON.parse(JSON.stringify(facts)))).toBeInstanceOf(AgentError);
  });
  test.each([
    ["a string"],
    [null],
    [Object.create(null)],
    [
      {
        toString: () => {
          throw new Error("no");
        },
      },
    ],
    [Symbol("s")],
  ])("whatever is thrown becomes text: %#", (thrown) => expect(typeof errorFacts(thrown, "tool/failed").message).toBe("string"));
  test("a message that would crowd the context is cut", () => {
    expect(errorFacts(new Error("x".repeat(1e6)), "c").message.length).toBeLessThan(2_100);
  });
});
