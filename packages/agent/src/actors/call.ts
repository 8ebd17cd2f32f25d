/**
 * One call of a tool as an actor. In: the call. Out: its output, or why there is none. Law: the tool-call chart decides about checks,
 * limits and attempts; this file only knows the tools.
 */
import type { Json, ToolCall } from "@orrery/chat";
import { assign } from "xstate";
import { Drive, type ActorFunction, type Clock } from "../driver.ts";
import type { ChartEmitted, CallInput } from "../machines/core.ts";
import { toolCallMachine, type ToolCallContext } from "../machines/tool-call.machine.ts";
import type { CallResult } from "../machines/chart-state.ts";
import { problemOf } from "../schema.ts";
import type { Tool } from "../tool.ts";

export interface CallOptions extends Surroundings {
  readonly tools: ReadonlyMap<string, Tool>;
}

/** What a run has around it. */
export interface Surroundings {
  readonly clock?: Clock | undefined;
  /** Asks a person. Default: nobody is there, so nothing is allowed. */
  readonly approve?: ((call: ToolCall) => boolean | Promise<boolean>) | undefined;
}

export interface Calling {
  readonly input: CallInput;
  readonly signal: AbortSignal;
  readonly emit: (event: ChartEmitted) => void;
}

/** Runs calls of these tools. */
export function caller({ tools, clock, approve }: CallOptions): (calling: Calling) => Promise<CallResult> {
  const machine = toolCallMachine.provide({
    actions: {
      check: assign(({ context: { call } }) => {
        const tool = tools.get(call.name);
        return { problem: (tool ? problemOf(tool.input, call.input) : `there is no tool '${call.name}'`) ?? null };
      }),
    },
  });
  return async ({ input: { call, timeoutMs }, signal, emit }) => {
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
      });
    const drive = new Drive({ machine, actors: { run }, ...(clock ? { clock } : {}) });
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

function callInput(call: ToolCall, tool: Tool | undefined, timeoutMs: number) {
  const { attempts = 1, delayMs = 200 } = tool?.retry ?? {};
  return { call, timeoutMs: tool?.timeoutMs ?? timeoutMs, attempts, delayMs };
}
