/**
 * Runs of an agent. In: an agent and a task. Out: a result, and events on the way. Law: a run always ends, and whatever the model, a
 * tool or a callback does is in the result; what throws is only a call that was wrong in itself.
 */
import type { Message } from "@orrery/chat";
import { createActor } from "xstate";
import type { Agent } from "./agent.ts";
import { drive } from "./drive.ts";
import { AgentError } from "./errors.ts";
import { isPending } from "./machines/turn-state.ts";
import type { RunEvent, RunOptions, RunResult } from "./result.ts";
import { readSavedRun, type SavedRun } from "./saved-run.ts";

/**
 * Runs one turn to its end.
 * @throws AgentError `agent/open-calls` when `messages` has a call without a result, `agent/bad-task` when the task is not text
 */
export async function run(agent: Agent, task: string, options: RunOptions = {}): Promise<RunResult> {
  if (typeof task !== "string")
    throw new AgentError("agent/bad-task", `the task must be text, found ${typeof task}`, { hint: "pass a string" });
  const earlier = options.messages ?? [];
  requireClosed(earlier);
  const system: readonly Message[] =
    agent.instructions !== undefined && earlier[0]?.role !== "system" ? [{ role: "system", content: agent.instructions }] : [];
  const messages: readonly Message[] = [...system, ...earlier, { role: "user", content: task }];
  return drive(createActor(agent.machine, { input: { messages, sampling: options.sampling } }), options);
}

/**
 * Goes on with a run that waited. Calls that `decisions` does not name are put to `approve`, or wait again.
 * @throws AgentError `agent/bad-snapshot`, and `agent/unknown-call` for a decision on a call that does not wait
 */
export async function resume(
  agent: Agent,
  snapshot: SavedRun,
  decisions: Readonly<Record<string, boolean>>,
  options: Omit<RunOptions, "messages" | "sampling"> = {},
): Promise<RunResult> {
  const { context, timings } = readSavedRun(snapshot);
  const waiting = context.calls.filter(isPending).map(({ call }) => call.id);
  const unknown = Object.keys(decisions).find((id) => !waiting.includes(id));
  if (unknown !== undefined)
    throw new AgentError("agent/unknown-call", `call '${unknown}' does not wait for approval; waiting: ${waiting.join(", ")}`, {
      hint: "decide on the calls in `pending` of the result that waited, by their ids",
    });
  const actor = createActor(agent.machine, {
    input: { messages: context.messages },
    snapshot: agent.machine.resolveState({ value: "waiting", context }),
  });
  return drive(actor, options, { decisions: new Map(Object.entries(decisions)), timings });
}

/** The events of a run as they come; the last is `finish`. Leaving the loop early cancels the run. */
export async function* stream(agent: Agent, task: string, options: RunOptions = {}): AsyncGenerator<RunEvent, void, undefined> {
  const left = new AbortController();
  const queue: RunEvent[] = [];
  let wake = (): void => {};
  const ended = run(agent, task, {
    ...options,
    signal: options.signal ? AbortSignal.any([options.signal, left.signal]) : left.signal,
    onEvent: (event) => {
      queue.push(event);
      wake();
      options.onEvent?.(event);
    },
  }).then(
    () => undefined,
    (thrown: unknown) => ({ thrown }),
  );
  const failure = ended.then((found) => (wake(), found));
  try {
    for (;;) {
      const more = new Promise<void>((resolve) => (wake = resolve));
      while (queue.length > 0) {
        const event = queue.shift()!;
        yield event;
        if (event.type === "finish") return;
      }
      const found = await Promise.race([more, failure]);
      if (found && queue.length === 0) throw found.thrown;
    }
  } finally {
    left.abort();
  }
}

function requireClosed(messages: readonly Message[]): void {
  const open = new Set<string>();
  for (const message of messages) {
    if (message.role === "assistant") for (const { id } of message.calls ?? []) open.add(id);
    if (message.role === "tool") open.delete(message.callId);
  }
  if (open.size > 0)
    throw new AgentError("agent/open-calls", `the earlier conversation has calls without a result: ${[...open].join(", ")}`, {
      hint: "pass the `messages` of a result: they are complete",
    });
}
