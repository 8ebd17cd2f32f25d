import type { Json, ToolCall } from "@orrery/chat";
import { assign, createActor, fromPromise, SimulatedClock, toPromise } from "xstate";
import { allStates, statesReached } from "../testing.ts";
import { toolCallMachine } from "./tool-call.machine.ts";

const call = { id: "1", name: "read", input: {} };
const once = { call, timeoutMs: 500, attempts: 1, delayMs: 100 };
const problem = (text: string | null) => toolCallMachine.provide({ actions: { check: assign({ problem: text }) } });

test("every state is reachable", () => {
  const ended = { actorId: "run", output: 1, error: new Error("no") };
  const events = [
    "xstate.done.actor.run",
    "xstate.error.actor.run",
    "xstate.after.limit.tool-call.running",
    "xstate.after.pause.tool-call.waiting",
  ].map((type) => ({
    type,
    ...ended,
  }));
  const reached = [null, "bad"].flatMap((text) => statesReached(problem(text), { ...once, attempts: 2 }, () => events));
  expect([...new Set(reached)].sort()).toEqual(allStates(toolCallMachine));
});

test("a call without a check does not run", async () => {
  const actor = createActor(toolCallMachine, { input: once }).start();
  expect(await toPromise(actor)).toMatchObject({ error: { code: "tool/bad-input" } });
});

test("time is up at the limit, not before", () => {
  const clock = new SimulatedClock();
  const machine = problem(null).provide({ actors: { run: fromPromise<Json, { call: ToolCall }>(() => new Promise(() => {})) } });
  const actor = createActor(machine, { input: once, clock }).start();
  clock.increment(499);
  expect(actor.getSnapshot().value).toBe("running");
  clock.increment(1);
  expect(actor.getSnapshot()).toMatchObject({ value: "failed", output: { error: { code: "tool/timeout" } } });
});

test("a call that failed is tried again after a pause that doubles, as often as it may", async () => {
  const clock = new SimulatedClock();
  let tried = 0;
  const run = fromPromise<Json, { call: ToolCall }>(() => (tried++, Promise.reject(new Error(`no ${tried}`))));
  const actor = createActor(problem(null).provide({ actors: { run } }), { input: { ...once, attempts: 3 }, clock }).start();
  const rest = () => new Promise((resolve) => setImmediate(resolve));
  await rest();
  clock.increment(99);
  expect([actor.getSnapshot().value, tried]).toEqual(["waiting", 1]);
  clock.increment(1);
  await rest();
  clock.increment(199);
  expect([actor.getSnapshot().value, tried]).toEqual(["waiting", 2]);
  clock.increment(1);
  await rest();
  expect(actor.getSnapshot()).toMatchObject({ value: "failed", output: { error: { message: "no 3" } } });
});
