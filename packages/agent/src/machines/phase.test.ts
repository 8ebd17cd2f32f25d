import { NO_STATS, NO_USAGE, type JsonObject, type ToolCall } from "@orrery/chat";
import { initialTransition, transition, type DoneActorEvent, type EventFromLogic, type SnapshotFrom } from "xstate";
import { agentChart, type Limits } from "../chart.ts";
import { moves } from "../moves.ts";
import type { Played, ReplyEvent } from "../player.ts";
import { allStates, statesReached } from "../testing.ts";
import { tool, type Tool } from "../tool.ts";
import type { CallResult } from "./chart-state.ts";
import type { ChartMachine } from "./core.ts";
import { phase } from "./phase.ts";

const input = { type: "object", properties: { path: { type: "string" } }, required: ["path"] };
const named = (name: string, more: Partial<Tool> = {}): Tool => ({
  ...tool({ name, description: `${name}s a file`, input, run: () => null }),
  ...more,
});
/** The chart of a turn: one phase with all tools and the answer. */
const chart = (options: Limits & { tools?: readonly Tool[]; asks?: (call: ToolCall) => boolean } = {}): Chart => {
  const { tools = [named("read"), named("write")], asks = ({ name }) => name === "write", ...limits } = options;
  const states = { turn: phase({ tools: tools.map(({ name }) => name), answer: true }) };
  return agentChart({ tools, states, limits: { steps: 2, ...limits }, approval: asks }).machine;
};
type Chart = ChartMachine;
/** The state within the phase, or the final one. */
const at = ({ value }: Snapshot): unknown => (typeof value === "object" && value !== null ? (value as { turn: unknown }).turn : value);
type Snapshot = SnapshotFrom<Chart>;
const task = { messages: [{ role: "user" as const, content: "go" }] };

const reply = (...events: ReplyEvent[]): DoneActorEvent<Played> => ({
  type: "xstate.done.actor.decide",
  actorId: "decide",
  output: { events, said: {}, cost: { usage: { ...NO_USAGE, replyTokens: 3 }, stats: NO_STATS } },
});
const call = (name: string, id = `${name}-1`, value: JsonObject = { path: "a" }): ReplyEvent => ({
  type: `call.${name}`,
  id,
  input: value,
});
const result = (id: string, output: CallResult = { output: "text" }): DoneActorEvent<CallResult> => ({
  type: `xstate.done.actor.${id}`,
  actorId: id,
  output,
});
/** The chart's event type knows one kind of done event; a reply is another, typed by its actor. */
const step = (machine: Chart, from: Snapshot, event: EventFromLogic<Chart> | DoneActorEvent<Played>) =>
  transition(machine, from, event as EventFromLogic<Chart>);
const after = (machine: Chart, ...events: (EventFromLogic<Chart> | DoneActorEvent<Played>)[]): Snapshot =>
  events.reduce<Snapshot>((snapshot, event) => step(machine, snapshot, event)[0], initialTransition(machine, task)[0]);
const started = (effects: ReturnType<typeof step>[1]) =>
  effects.filter(({ type }) => type === "xstate.spawnChild").map(({ params }) => params);

describe("deciding", () => {
  test("the first snapshot asks the model and lets it call or answer", () => {
    const machine = chart();
    const [snapshot, effects] = initialTransition(machine, task);
    expect(at(snapshot)).toBe("deciding");
    expect(started(effects)).toMatchObject([{ id: "decide", src: "decide" }]);
    expect(moves(machine, snapshot)).toEqual({
      answer: true,
      calls: [
        { name: "read", input },
        { name: "write", input },
      ],
      parallel: 1,
    });
  });

  test("when the budget is spent, the only legal move is to answer", () => {
    const machine = chart({ steps: 2 });
    const once = [reply(call("read", "1"), { type: "decided" }), result("1")];
    const twice = [reply(call("read", "2"), { type: "decided" }), result("2")];
    expect(moves(machine, after(machine, ...once)).calls).toHaveLength(2);
    const spent = after(machine, ...once, ...twice);
    expect(at(spent)).toBe("deciding");
    expect(moves(machine, spent)).toEqual({ answer: true, calls: [], parallel: 1 });
    expect(spent.can({ type: "call.read", id: "3", input: {} })).toBe(false);
  });

  test("an answer ends the turn, and its text and cost are kept", () => {
    const machine = chart();
    const ended = after(machine, reply({ type: "answer", text: "done" }));
    const { status, context } = ended;
    expect([at(ended), status]).toEqual(["answered", "done"]);
    expect(context).toMatchObject({ answer: "done", decisions: 1, usage: { replyTokens: 3 } });
    expect(context.messages).toEqual([...task.messages, { role: "assistant", content: "done" }]);
  });

  test("a person may play the move instead of the model", () => {
    const machine = chart();
    const [acting, effects] = step(machine, after(machine, { type: "call.read", id: "mine", input: { path: "b" } }), { type: "decided" });
    expect(at(acting)).toBe("acting");
    expect(effects.map(({ type }) => type)).toContain("xstate.stopChild"); // the model is no longer asked
    expect(started(effects)).toMatchObject([{ id: "mine", src: "call" }]);
  });

  test("a reply whose calls are not legal when they come fails the turn and does not hang it", () => {
    let legal = true;
    const machine = chart({ tools: [named("read", { when: () => legal })] });
    const [snapshot] = initialTransition(machine, task);
    legal = false;
    const [next] = step(machine, snapshot, reply(call("read"), { type: "decided" }));
    expect([at(next), next.context.error?.code]).toEqual(["failed", "agent/move-dropped"]);
  });

  test("two illegal replies in a row are told to the model, a third ends the turn", () => {
    const machine = chart();
    const refusal: ReplyEvent = { type: "refused", reason: "no", messages: [{ role: "user", content: "no" }] };
    const two = after(machine, reply(refusal), reply(refusal));
    expect([at(two), two.context.illegal, two.context.messages.length]).toEqual(["deciding", { inARow: 2, total: 2 }, 3]);
    const [three] = step(machine, two, reply(refusal));
    expect([at(three), three.context.error?.code]).toEqual(["failed", "agent/too-many-illegal-moves"]);
    const recovered = after(
      machine,
      reply(refusal),
      reply(refusal),
      reply(call("read"), { type: "decided" }),
      result("read-1"),
      reply(refusal),
    );
    expect([at(recovered), recovered.context.illegal]).toEqual(["deciding", { inARow: 1, total: 3 }]);
  });
});

describe("approval", () => {
  test("a write tool waits, and nothing is started", () => {
    const machine = chart();
    const [waiting, effects] = step(machine, after(machine), reply(call("write"), { type: "decided" }));
    expect(at(waiting)).toBe("waiting");
    expect(started(effects)).toEqual([]);
    expect(effects.map(({ type }): string => type).filter((type) => type === "xstate.emit")).toHaveLength(2); // the move, and that it waits
  });

  test("of two calls, none starts before both are settled; the denied one answers the model with an error", () => {
    const machine = chart({ parallel: 2, asks: () => true });
    const waiting = after(machine, reply(call("read", "1"), call("write", "2"), { type: "decided" }));
    const [one, nothing] = step(machine, waiting, { type: "deny", callId: "2" });
    expect([at(one), started(nothing)]).toEqual(["waiting", []]);
    const [acting, effects] = step(machine, one, { type: "approve", callId: "1" });
    expect([at(acting), started(effects).length]).toEqual(["acting", 1]);
    const [deciding] = step(machine, acting, result("1"));
    expect(at(deciding)).toBe("deciding");
    expect(deciding.context.messages.slice(-2)).toEqual([
      { role: "tool", callId: "1", name: "read", output: "text" },
      { role: "tool", callId: "2", name: "write", output: { error: "the user did not allow this call" } },
    ]);
  });

  test("a word on a call that does not wait changes nothing", () => {
    const machine = chart();
    const waiting = after(machine, reply(call("write"), { type: "decided" }));
    expect(waiting.can({ type: "approve", callId: "other" })).toBe(false);
    expect(step(machine, waiting, { type: "approve", callId: "other" })[0].context).toEqual(waiting.context);
  });
});

describe("acting", () => {
  test("results enter the conversation in the order of the calls, not of their ends", () => {
    const machine = chart({ parallel: 3, asks: () => false });
    const ids = ["a", "b", "c"];
    const acting = after(machine, reply(...ids.map((id) => call("read", id)), { type: "decided" }));
    const end = ["c", "a", "b"].reduce((snapshot, id) => step(machine, snapshot, result(id, { output: id }))[0], acting);
    expect(end.context.messages.slice(1).map((message) => ("callId" in message ? message.callId : message.role))).toEqual([
      "assistant",
      "a",
      "b",
      "c",
    ]);
    expect(end.context.steps.map(({ output }) => output)).toEqual(ids);
  });

  test("a finished child is stopped, so that snapshots do not grow", () => {
    const machine = chart({ asks: () => false });
    const acting = after(machine, reply(call("read"), { type: "decided" }));
    const [next, effects] = step(machine, acting, result("read-1"));
    expect(effects.map(({ type }) => type)).toContain("xstate.stopChild");
    expect(Object.keys(next.children)).toEqual(["decide"]);
  });

  test("a cancelled batch answers every call", () => {
    const machine = chart({ parallel: 2, asks: () => false });
    const acting = after(machine, reply(call("read", "1"), call("read", "2"), { type: "decided" }), result("2"));
    const [cancelled] = step(machine, acting, { type: "cancel" });
    expect(at(cancelled)).toBe("cancelled");
    expect(cancelled.context.messages.slice(2)).toEqual([
      { role: "tool", callId: "1", name: "read", output: { error: "cancelled while it ran; it may have taken effect" } },
      { role: "tool", callId: "2", name: "read", output: "text" },
    ]);
  });
});

test("every state is reachable, and the context is JSON in each", () => {
  const machine = chart({ steps: 1, asks: ({ name }) => name === "write" });
  const refusal: ReplyEvent = { type: "refused", reason: "no", messages: [] };
  const replies = [
    [call("read"), { type: "decided" }],
    [call("write"), { type: "decided" }],
    [{ type: "answer", text: "x" }],
    [refusal],
  ] as ReplyEvent[][];
  const others = [
    { type: "approve", callId: "write-1" },
    { type: "deny", callId: "write-1" },
    result("read-1"),
    result("write-1"),
    { type: "cancel" },
  ];
  const events = [...replies.map((events) => reply(...events)), ...others] as EventFromLogic<Chart>[];
  const reached = statesReached(machine, task, ({ context }) => {
    expect(JSON.parse(JSON.stringify(context))).toEqual(context);
    return events;
  });
  expect(reached).toEqual(allStates(machine));
});
