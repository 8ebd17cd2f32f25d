/**
 * One call of a tool as an actor. In: the call. Out: its output, or why there is none. Law: the tool-call chart decides about checks,
 * limits and attempts; this file only knows the tools.
 */
import type { Json, ToolCall } from "@orrery/chat";
import { assign } from "xstate";
import { Drive, type ActorFunction, type ActorNews, type Clock } from "../driver.ts";
import type { ChartEmitted, CallInput } from "../machines/core.ts";
import { toolCallMachine, type ToolCallContext } from "../machines/tool-call.machine.ts";
import { errorFacts } from "../errors.ts";
import type { CallResult } from "../machines/chart-state.ts";
import { problemOf } from "../schema.ts";
import type { Tool } from "../tool.ts";
import type { TraceOptions } from "../trace/span.ts";

/** An attempt of a call: it begins, or it ends, well or with an error. */
export interface Attempt {
  readonly type: "started" | "ended";
  /** Of the error that it ended with. */
  readonly code?: string;
}

/** Who traces calls. */
export interface CallTrace {
  attempt(callId: string, attempt: Attempt): void;
  /** For a tool that traces what it does. */
  inside(callId: string): TraceOptions;
}

/** What a run has around it. */
export interface Surroundings {
  readonly clock?: Clock | undefined;
  /** Asks a person. Default: nobody is there, so nothing is allowed. */
  readonly approve?: ((call: ToolCall) => boolean | Promise<boolean>) | undefined;
  readonly trace?: CallTrace | undefined;
}

export interface Calling {
  readonly input: CallInput;
  readonly signal: AbortSignal;
  readonly emit: (event: ChartEmitted) => void;
}

/** Runs calls of these tools. */
export function caller(tools: ReadonlyMap<string, Tool>): (calling: Calling, surroundings?: Surroundings) => Promise<CallResult> {
  const machine = toolCallMachine.provide({
    actions: {
      check: assign(({ context: { call } }) => {
        const tool = tools.get(call.name);
        return { problem: (tool ? problemOf(tool.input, call.input) : `there is no tool '${call.name}'`) ?? null };
      }),
    },
  });
  return async ({ input: { call, timeoutMs }, signal, emit }, { clock, approve, trace } = {}) => {
    const tool = tools.get(call.name);
    const run: ActorFunction = async ({ signal: stopped }: { signal: AbortSignal }): Promise<Json> =>
      // A copy: what a tool does to its input does not change the conversation.
      tool!.run(structuredClone(call.input), {
        signal: stopped,
        callId: call.id,
        approve: async (asked) => (await approve?.(asked)) === true,
        progress: (progress) => {
          if (!stopped.aborted) emit({ type: "tool-progress", call, progress });
        },
        ...(trace ? { trace: trace.inside(call.id) } : {}),
      });
    const onActor = trace && ((news: ActorNews) => trace.attempt(call.id, attemptOf(news, signal)));
    const drive = new Drive({ machine, actors: { run }, ...(clock ? { clock } : {}), ...(onActor ? { onActor } : {}) });
    const stop = (): void => drive.stop();
    signal.addEventListener("abort", stop, { once: true });
    try {
      const { context } = await drive.start(callInput(call, tool, timeoutMs)).ended;
      return (context as ToolCallContext).result;
    } finally {
      signal.removeEventListener("abort", stop);
    }
  };
}

/** What is stopped while the call goes on has taken too long. */
function attemptOf({ type, error }: ActorNews, { aborted }: AbortSignal): Attempt {
  if (type === "started") return { type };
  if (type === "done") return { type: "ended" };
  if (type === "failed") return { type: "ended", code: errorFacts(error, "tool/failed").code };
  return { type: "ended", code: aborted ? "tool/cancelled" : "tool/timeout" };
}

function callInput(call: ToolCall, tool: Tool | undefined, timeoutMs: number) {
  const { attempts = 1, delayMs = 200 } = tool?.retry ?? {};
  return { call, timeoutMs: tool?.timeoutMs ?? timeoutMs, attempts, delayMs };
}
