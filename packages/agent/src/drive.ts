/**
 * Drives one actor of the turn chart to a result. In: an actor that has not started. Out: the result. Law: the chart decides what
 * happens; this file carries events in (an abort, a person's word) and out, and is the only one that reads the clock.
 */
import type { ToolCall } from "@orrery/chat";
import type { ActorRefFrom, SnapshotFrom } from "xstate";
import type { TurnChart } from "./agent.ts";
import { errorFacts, type ErrorFacts } from "./errors.ts";
import { closeBatch, isPending } from "./machines/turn-state.ts";
import type { DecideEmitted, TurnEvent } from "./machines/turn.machine.ts";
import { resultOf, type RunEvent, type RunOptions, type RunResult } from "./result.ts";
import type { Timings } from "./saved-run.ts";

type TurnSnapshot = SnapshotFrom<TurnChart>;

/** What a run that waited before brings with it. */
export interface Resumed {
  /** A person's word by call id. */
  readonly decisions: ReadonlyMap<string, boolean>;
  readonly timings: Timings;
}

export function drive(actor: TurnActor, options: Omit<RunOptions, "messages" | "sampling">, resumed?: Resumed): Promise<RunResult> {
  const { signal, approve, onEvent } = options;
  return new Promise((resolve) => {
    const clock = stopwatch(resumed?.timings);
    let over = false;
    let asking = false;
    let decider: unknown;

    const send = (event: TurnEvent): void => {
      if (!over && actor.getSnapshot().status === "active") actor.send(event);
    };
    const cancel = (): void => send({ type: "cancel" });
    const tell = (event: RunEvent): void => {
      if (over) return;
      const error = thrownBy(() => onEvent?.(event));
      if (error) send({ type: "fail", error });
    };
    const end = (result: RunResult): void => {
      if (over) return;
      const error = thrownBy(() => onEvent?.({ type: "finish", result }));
      over = true;
      signal?.removeEventListener("abort", cancel);
      actor.stop();
      resolve(error ? resultOf("failed", { ...actor.getSnapshot().context, error }, result.timings) : result);
    };

    const ask = async (call: ToolCall): Promise<void> => {
      asking = true;
      try {
        const granted = (await approve?.(call)) === true;
        asking = false;
        send({ type: granted ? "approve" : "deny", callId: call.id });
      } catch (thrown) {
        send({ type: "fail", error: errorFacts(thrown, "agent/approve-failed") });
      }
    };
    const whileWaiting = (context: TurnSnapshot["context"]): void => {
      const call = context.calls.find(isPending)?.call;
      if (!call || asking) return;
      const decided = context.calls.find((open) => isPending(open) && resumed?.decisions.has(open.call.id))?.call;
      if (decided) send({ type: resumed?.decisions.get(decided.id) === true ? "approve" : "deny", callId: decided.id });
      else if (approve) void ask(call);
      else end(resultOf("waiting", context, clock.read()));
    };

    actor.on("*", tell);
    actor.subscribe({
      next: (snapshot) => {
        clock.enter(snapshot.value);
        const child = snapshot.children.decide;
        if (child && child !== decider) child.on("*", (event: DecideEmitted) => tell(event));
        decider = child;
        if (snapshot.status === "done")
          end(resultOf(snapshot.value as "answered" | "cancelled" | "failed", snapshot.context, clock.read()));
        else if (snapshot.value === "waiting") whileWaiting(snapshot.context);
      },
      error: (thrown: unknown) => {
        const { context } = actor.getSnapshot();
        const error = errorFacts(thrown, "agent/chart-failed");
        end(resultOf("failed", { ...context, ...closeBatch(context), error }, clock.read()));
      },
    });
    actor.start();
    if (signal?.aborted) cancel();
    else signal?.addEventListener("abort", cancel, { once: true });
  });
}

type TurnActor = ActorRefFrom<TurnChart>;

function thrownBy(callback: () => void): ErrorFacts | undefined {
  try {
    callback();
    return undefined;
  } catch (thrown) {
    return errorFacts(thrown, "agent/observer-failed");
  }
}

/** Adds the time since the last state to the state that was left. */
function stopwatch(before: Timings = { totalMs: 0, modelMs: 0, toolMs: 0 }) {
  const start = performance.now();
  let since = start;
  let state: unknown;
  let { modelMs, toolMs } = before;
  const enter = (next: unknown): void => {
    const now = performance.now();
    if (state === "deciding") modelMs += now - since;
    if (state === "acting") toolMs += now - since;
    since = now;
    state = next;
  };
  const read = (): Timings => {
    enter(state);
    return { totalMs: before.totalMs + since - start, modelMs, toolMs };
  };
  return { enter, read };
}
