/**
 * Rules that hold for every run, whatever its agent. In: what a run told and left. Out: nothing, or an AssertionError. Law: each is
 * stated on events and messages alone.
 */
import assert from "node:assert/strict";
import type { Message, Moves } from "@orrery/chat";
import type { Agent } from "../agent.ts";
import type { RunEvent, RunResult } from "../result.ts";
import { problemOf } from "../schema.ts";

/** Each call has one result, right behind its assistant message, in source order; nothing else is a result; ids are unique. */
export function requireWhole(messages: readonly Message[]): void {
  const ids = new Set<string>();
  let open: string[] = [];
  for (const message of messages) {
    if (message.role === "tool") {
      assert.equal(message.callId, open.shift(), "a result stands behind its call, in the order of the calls");
      continue;
    }
    assert.deepEqual(open, [], "calls without a result");
    if (message.role !== "assistant") continue;
    open = (message.calls ?? []).map(({ id }) => id);
    for (const id of open) {
      assert.ok(!ids.has(id), `two calls have the id ${id}`);
      ids.add(id);
    }
  }
  assert.deepEqual(open, [], "calls without a result");
}

/** Every call was among the moves of the decision before it, narrowings included; what ran fits its tool's own schema. */
export function requireLegal(agent: Agent<unknown>, events: readonly RunEvent[]): void {
  let legal: Moves | undefined;
  let made = 0;
  for (const event of events) {
    if (event.type === "decision") [legal, made] = [event.moves, 0];
    if (event.type === "move") {
      const { name, input } = event.call;
      const move = legal?.calls.find((one) => one.name === name);
      assert.ok(move, `'${name}' was not a legal move`);
      assert.equal(problemOf(move.input, input), undefined, `the input of '${name}' was not a legal one`);
      assert.ok(++made <= (legal?.parallel ?? 1), `${made} calls in one reply`);
    }
    if (event.type === "tool-start") {
      const { name, input } = event.call;
      const tool = agent.tools.find((one) => one.name === name);
      assert.ok(tool, `'${name}' ran, and is not a tool of the agent`);
      assert.equal(problemOf(tool.input, input), undefined, `'${name}' ran with an input that it does not take`);
    }
  }
}

const LETTERS: Readonly<Record<RunEvent["type"], string>> = {
  decision: "d",
  "reasoning-delta": "r",
  "text-delta": "t",
  move: "m",
  approval: "a",
  "tool-start": "x",
  "tool-progress": "x",
  "tool-end": "x",
  "tool-error": "x",
  state: "",
  finish: "f",
};

/** As `RunEvent` documents it; a chart may also call tools itself, between decisions. */
const ORDER = /^x*(?:dr*(?:t*|m+a*)x*)*f$/;

/** Events in their documented order; each call that began ends once, unless the run was stopped before. */
export function requireOrder(events: readonly RunEvent[], { status }: Pick<RunResult, "status">): void {
  const letters = events.map(({ type }) => LETTERS[type]).join("");
  assert.match(letters, ORDER, "events are out of order");
  const open = new Set<string>();
  for (const event of events) {
    if (event.type === "tool-start") open.add(event.call.id);
    if (event.type === "tool-progress") assert.ok(open.has(event.call.id), `progress of ${event.call.id}, which does not run`);
    if (event.type === "tool-end") assert.ok(open.delete(event.call.id), `${event.call.id} ended, and did not run`);
    if (event.type === "tool-error") open.delete(event.call.id);
  }
  if (status === "answered" || status === "ended") assert.deepEqual([...open], [], "calls that began and did not end");
}
