/**
 * Runs of agents. In: an agent and a task. Out: a result, and events on the way. Law: a run always ends, and whatever the model, a
 * tool or a callback does is in the result; what throws is only a call that was wrong in itself.
 */
import type { Message } from "@orrery/chat";
import type { Agent } from "./agent.ts";
import { AgentError } from "./errors.ts";
import type { RunInput } from "./machines/chart-state.ts";
import { isPending } from "./machines/chart-state.ts";
import type { RunEvent, RunOptions, RunResult } from "./result.ts";
import { Runner, unknownCall, type Run } from "./runner.ts";
import { readSavedRun, type SavedRun } from "./saved-run.ts";

/**
 * Begins a run, for those who want to look at it, play in it or save it on its way.
 * @throws AgentError `agent/open-calls` when `messages` has a call without a result, `agent/bad-task` when the task is not text
 */
export function start<Output>(agent: Agent<Output>, task: string, options: RunOptions = {}): Run<Output> {
  return new Runner(agent, options, { input: inputOf(agent, task, options) });
}

/**
 * Runs one turn to its end.
 * @throws AgentError `agent/open-calls` when `messages` has a call without a result, `agent/bad-task` when the task is not text
 */
export async function run<Output>(agent: Agent<Output>, task: string, options: RunOptions = {}): Promise<RunResult<Output>> {
  return start(agent, task, options).result;
}

/**
 * Goes on with a saved run. Calls that `decisions` does not name are put to `approve`, or wait again.
 * @throws AgentError `agent/bad-snapshot`, and `agent/unknown-call` for a decision on a call that does not wait
 */
export async function resume<Output>(
  agent: Agent<Output>,
  snapshot: SavedRun,
  decisions: Readonly<Record<string, boolean>> = {},
  options: Omit<RunOptions, "messages" | "sampling"> = {},
): Promise<RunResult<Output>> {
  const saved = readSavedRun(snapshot);
  const waiting = new Set(saved.context.calls.filter(isPending).map(({ call }) => call.id));
  const unknown = Object.keys(decisions).find((id) => !waiting.has(id));
  if (unknown !== undefined) throw unknownCall(unknown, saved.context);
  return new Runner(agent, options, { saved, decisions: new Map(Object.entries(decisions)) }).result;
}

/** The events of a run as they come; the last is `finish`. Leaving the loop early cancels the run. */
export async function* stream<Output>(
  agent: Agent<Output>,
  task: string,
  options: RunOptions = {},
): AsyncGenerator<RunEvent, void, undefined> {
  const left = new AbortController();
  const queue: RunEvent[] = [];
  let wake = (): void => {};
  start(agent, task, {
    ...options,
    signal: options.signal ? AbortSignal.any([options.signal, left.signal]) : left.signal,
    onEvent: (event) => {
      queue.push(event);
      wake();
      options.onEvent?.(event);
    },
  });
  try {
    for (;;) {
      const event = queue.shift();
      if (event) {
        yield event;
        if (event.type === "finish") return;
      } else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    left.abort();
  }
}

function inputOf({ instructions }: Agent<unknown>, task: string, { messages: earlier = [], sampling, untrusted }: RunOptions): RunInput {
  if (typeof task !== "string")
    throw new AgentError("agent/bad-task", `the task must be text, found ${typeof task}`, { hint: "pass a string" });
  requireClosed(earlier);
  const system: readonly Message[] =
    instructions !== undefined && earlier[0]?.role !== "system" ? [{ role: "system", content: instructions }] : [];
  return { messages: [...system, ...earlier, { role: "user", content: task }], sampling, untrusted };
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
