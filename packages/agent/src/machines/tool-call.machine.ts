/**
 * One call of a tool. In: the call. Out: its output, or why there is none; the machine itself never fails.
 *
 *     validating ──valid──▶ running ──▶ done
 *     validating ──────────▶ failed      running ──throws──▶ failed      running ──too long──▶ timedOut
 *
 * A call is cancelled by stopping the actor: the signal of `run` fires, and nothing waits for it.
 */
import type { Json, ToolCall } from "@orrery/chat";
import { assign, fromPromise, setup } from "xstate";
import { errorFacts, type ErrorFacts } from "../errors.ts";
import type { CallResult } from "./turn-state.ts";

export interface ToolCallInput {
  readonly call: ToolCall;
  /** Milliseconds that the tool may take. */
  readonly timeoutMs: number;
}

export interface ToolCallContext extends ToolCallInput {
  /** Why the input is not valid; null when it is. */
  readonly problem: string | null;
  readonly result: CallResult;
}

const notFinished: ErrorFacts = { code: "tool/cancelled", message: "cancelled while it ran; it may have taken effect" };

export const toolCallMachine = setup({
  types: { context: {} as ToolCallContext, input: {} as ToolCallInput, output: {} as CallResult },
  actors: {
    run: fromPromise<Json, { call: ToolCall }>(() => Promise.reject(new TypeError("the actor 'run' was not provided"))),
  },
  guards: { valid: ({ context }) => context.problem === null },
  actions: {
    /** Sets `problem`; provided by whoever knows the tools. */
    check: assign({ problem: "the action 'check' was not provided" }),
    reject: assign(({ context }) => ({ result: { error: { code: "tool/bad-input", message: context.problem ?? "" } } })),
    succeed: assign((_, { output }: { output: Json }) => ({ result: { output } })),
    fail: assign((_, { error }: { error: ErrorFacts }) => ({ result: { error } })),
  },
  delays: { limit: ({ context }) => context.timeoutMs },
}).createMachine({
  id: "tool-call",
  context: ({ input }) => ({ ...input, problem: null, result: { error: notFinished } }),
  output: ({ context }) => context.result,
  initial: "validating",
  states: {
    validating: {
      entry: "check",
      always: [
        { guard: "valid", target: "running" },
        { target: "failed", actions: "reject" },
      ],
    },
    running: {
      invoke: {
        id: "run",
        src: "run",
        input: ({ context }) => ({ call: context.call }),
        onDone: { target: "done", actions: { type: "succeed", params: ({ event }) => ({ output: event.output }) } },
        onError: {
          target: "failed",
          actions: { type: "fail", params: ({ event }) => ({ error: errorFacts(event.error, "tool/failed") }) },
        },
      },
      after: {
        limit: {
          target: "timedOut",
          actions: {
            type: "fail",
            params: ({ context }) => ({
              error: { code: "tool/timeout", message: `${context.call.name} did not finish within ${context.timeoutMs} ms` },
            }),
          },
        },
      },
    },
    done: { type: "final" },
    failed: { type: "final" },
    timedOut: { type: "final" },
  },
});
