/**
 * One call of a tool. In: the call. Out: its output, or why there is none; the machine itself never fails.
 *
 *     validating ──valid──▶ running ──▶ done
 *     validating ──────────▶ failed      running ──throws, too long──▶ deciding ──▶ failed
 *                                                                      deciding ──mayTryAgain──▶ waiting ──▶ running
 *
 * A call is cancelled by stopping the actor: the signal of `run` fires, and nothing waits for it.
 */
import type { Json, ToolCall } from "@orrery/chat";
import { assign, fromPromise, setup } from "xstate";
import { errorFacts, type ErrorFacts } from "../errors.ts";
import type { CallResult } from "./chart-state.ts";

export interface ToolCallInput {
  readonly call: ToolCall;
  /** Milliseconds that an attempt may take. */
  readonly timeoutMs: number;
  readonly attempts: number;
  /** Milliseconds before the second attempt; doubled before each further one. */
  readonly delayMs: number;
}

export interface ToolCallContext extends ToolCallInput {
  /** Attempts so far. */
  readonly tried: number;
  /** Why the input is not valid; null when it is. */
  readonly problem: string | null;
  readonly result: CallResult;
}

const notFinished: ErrorFacts = { code: "tool/cancelled", message: "cancelled while it ran; it may have taken effect" };

/** Trying the same input again does not help. */
const FINAL = new Set(["tool/bad-input", "tool/bad-output", "tool/cancelled"]);

export const toolCallMachine = setup({
  types: { context: {} as ToolCallContext, input: {} as ToolCallInput, output: {} as CallResult },
  actors: {
    run: fromPromise<Json, { call: ToolCall }>(() => Promise.reject(new TypeError("the actor 'run' was not provided"))),
  },
  guards: {
    valid: ({ context }) => context.problem === null,
    mayTryAgain: ({ context: { tried, attempts, result } }) => tried < attempts && "error" in result && !FINAL.has(result.error.code),
  },
  actions: {
    /** Sets `problem`; provided by whoever knows the tools. */
    check: assign({ problem: "the action 'check' was not provided" }),
    reject: assign(({ context }) => ({ result: { error: { code: "tool/bad-input", message: context.problem ?? "" } } })),
    count: assign(({ context }) => ({ tried: context.tried + 1 })),
    succeed: assign((_, { output }: { output: Json }) => ({ result: { output } })),
    fail: assign((_, { error }: { error: ErrorFacts }) => ({ result: { error } })),
  },
  delays: { limit: ({ context }) => context.timeoutMs, pause: ({ context }) => context.delayMs * 2 ** (context.tried - 1) },
}).createMachine({
  id: "tool-call",
  context: ({ input }) => ({ ...input, tried: 0, problem: null, result: { error: notFinished } }),
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
      entry: "count",
      invoke: {
        id: "run",
        src: "run",
        input: ({ context }) => ({ call: context.call }),
        onDone: { target: "done", actions: { type: "succeed", params: ({ event }) => ({ output: event.output }) } },
        onError: {
          target: "deciding",
          actions: { type: "fail", params: ({ event }) => ({ error: errorFacts(event.error, "tool/failed") }) },
        },
      },
      after: {
        limit: {
          target: "deciding",
          actions: {
            type: "fail",
            params: ({ context }) => ({
              error: { code: "tool/timeout", message: `${context.call.name} did not finish within ${context.timeoutMs} ms` },
            }),
          },
        },
      },
    },
    deciding: { always: [{ guard: "mayTryAgain", target: "waiting" }, { target: "failed" }] },
    waiting: { after: { pause: "running" } },
    done: { type: "final" },
    failed: { type: "final" },
  },
});
