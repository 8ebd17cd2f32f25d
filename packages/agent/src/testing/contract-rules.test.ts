import type { JsonObject, Message } from "@orrery/chat";
import { scriptedModel } from "@orrery/chat/testing";
import { createAgent } from "../agent.ts";
import type { RunEvent } from "../result.ts";
import { tool } from "../tool.ts";
import { requireLegal, requireOrder, requireWhole } from "./contract-rules.ts";

const call = (id: string, input: JsonObject = {}) => ({ id, name: "do", input });
const said = (...ids: string[]): Message => ({ role: "assistant", calls: ids.map((id) => call(id)) });
const result = (callId: string): Message => ({ role: "tool", callId, name: "do", output: null });

test("a conversation is whole when each call has its result, in order, at once, under an id of its own", () => {
  requireWhole([{ role: "user", content: "go" }, said("1", "2"), result("1"), result("2"), said("3"), result("3")]);
  for (const broken of [
    [said("1")],
    [said("1", "2"), result("2"), result("1")],
    [said("1"), { role: "user", content: "and?" } as const, result("1")],
    [said("1"), result("1"), result("1")],
    [said("1"), result("1"), said("1"), result("1")],
    [result("1")],
  ])
    expect(() => requireWhole(broken)).toThrow();
});

const limited = { type: "object", properties: { a: { enum: [1, 2] } }, additionalProperties: false };
const agent = createAgent({ model: scriptedModel([]), tools: [tool({ name: "do", description: "", input: limited, run: () => 1 })] });
const decision = (input: JsonObject = limited): RunEvent => ({
  type: "decision",
  index: 0,
  moves: { answer: true, calls: [{ name: "do", input }], parallel: 1 },
});
const move = (input: JsonObject): RunEvent => ({ type: "move", call: call("1", input) });
const started = (input: JsonObject, id = "1"): RunEvent => ({ type: "tool-start", call: call(id, input) });

test("a call is legal when the decision before it had it, so narrowed, and as many", () => {
  const narrowed = decision({ ...limited, properties: { a: { enum: [2] } } });
  requireLegal(agent, [decision(), move({ a: 1 }), started({ a: 1 }), narrowed, move({ a: 2 })]);
  for (const broken of [
    [move({})],
    [narrowed, move({ a: 1 })],
    [decision(), move({}), move({})],
    [started({ b: 1 })],
    [{ type: "tool-start", call: { id: "1", name: "other", input: {} } } as const],
  ])
    expect(() => requireLegal(agent, broken)).toThrow();
});

test("events have an order, and a call that runs ends once", () => {
  const end: RunEvent = { type: "tool-end", call: call("1"), output: 1 };
  const text: RunEvent = { type: "text-delta", text: "a" };
  const finish = { type: "finish", result: {} } as RunEvent;
  const status = { status: "answered" } as const;
  requireOrder([started({}), end, decision(), move({}), started({}), end, decision(), text, finish], status);
  for (const broken of [
    [finish, finish],
    [decision(), text],
    [decision(), text, move({}), finish],
    [text, finish],
    [started({}), finish],
    [end, finish],
    [decision(), move({}), started({}), end, end, finish],
    [{ type: "tool-progress", call: call("1"), progress: 1 } as const, finish],
  ])
    expect(() => requireOrder(broken, status)).toThrow();
});
