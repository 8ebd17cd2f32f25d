import type { Json, ToolCall } from "@orrery/chat";
import { assign, createActor, fromPromise, SimulatedClock, toPromise } from "xstate";
import { allStates, statesReached } from "../testing.ts";
import { toolCallMachine } from "./tool-call.machine.ts";

const call = { id: "1", name: "read", input: {} };
const problem = (text: string | null) => toolCallMachine.provide({ actions: { check: assign({ problem: text }) } });

test("every state is reachable", () => {
  const ended = { actorId: "run", output: 1, error: new Error("no") };
  const events = ["xstate.done.actor.run", "xstate.error.actor.run", "xstate.after.limit.tool-call.running"].map((type) => ({
    type,
    ...ended,
  }));
  const reached = [null, "bad"].flatMap((text) => statesReached(problem(text), { call, timeoutMs: 1 }, () => events));
  expect([...new Set(reached)].sort()).toEqual(allStates(toolCallMachine));
});

test("a call without a check does not run", async () => {
  const actor = createActor(toolCallMachine, { input: { call, timeoutMs: 1 } }).start();
  expect(await toPromise(actor)).toMatchObject({ error: { code: "tool/bad-input" } });
});

test("time is up at the limit, not before", () => {
  const clock = new SimulatedClock();
  const machine = problem(null).provide({ actors: { run: fromPromise<Json, { call: ToolCall }>(() => new Promise(() => {})) } });
  const actor = createActor(machine, { input: { call, timeoutMs: 500 }, clock }).start();
  clock.increment(499);
  expect(actor.getSnapshot().value).toBe("running");
  clock.increment(1);
  expect(actor.getSnapshot()).toMatchObject({ value: "timedOut", output: { error: { code: "tool/timeout" } } });
});
