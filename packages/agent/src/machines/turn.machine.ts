/**
 * One user turn: decide, check, act, until the model answers. In: the conversation. Out: the same, longer.
 *
 *     deciding ──call.<tool>…──decided──▶ checking ──▶ acting ──▶ deciding
 *                                         checking ──asks──▶ waiting ──all settled──▶ acting
 *     deciding ──answer──▶ answered       deciding ──refused──▶ deciding (twice in a row at most), then failed
 *     any ──cancel──▶ cancelled           any ──fail──▶ failed
 *
 * The events `call.<tool>` and `answer` are the moves: whoever sends them, the model or a person, plays. Actors by name only.
 */
import type { Json, Moves, ToolCall } from "@orrery/chat";
import { assign, enqueueActions, fromPromise, setup, type DoneActorEvent, type ErrorActorEvent, type NonReducibleUnknown } from "xstate";
import { errorFacts, type ErrorFacts } from "../errors.ts";
import { callEvent, toolOf, type AnswerEvent, type CallEvent, type MoveMeta } from "../moves.ts";
import type { CancelEvent, DecidedEvent, FailEvent, Played, RefusedEvent } from "../player.ts";
import type { Tool } from "../tool.ts";
import { toolCallMachine } from "./tool-call.machine.ts";
import { addCost, changeCall, closeBatch, isPending, newTurn } from "./turn-state.ts";
import type { CallResult, OpenCall, TurnContext, TurnInput } from "./turn-state.ts";

/** A person's word on a call that waits. */
export interface ApprovalEvent {
  readonly type: "approve" | "deny";
  readonly callId: string;
}

export type TurnEvent =
  | CallEvent
  | AnswerEvent
  | DecidedEvent
  | RefusedEvent
  | FailEvent
  | CancelEvent
  | ApprovalEvent
  | DoneActorEvent<CallResult>
  | ErrorActorEvent;

/** What a turn tells the world as it goes. */
export type TurnEmitted =
  | { readonly type: "move"; readonly call: ToolCall }
  | { readonly type: "approval"; readonly call: ToolCall }
  | { readonly type: "tool-start"; readonly call: ToolCall }
  | { readonly type: "tool-end"; readonly call: ToolCall; readonly output: Json }
  | { readonly type: "tool-error"; readonly call: ToolCall; readonly error: ErrorFacts };

/** What is seen of a decision while it is made. */
export type DecideEmitted =
  | { readonly type: "decision"; readonly index: number; readonly moves: Moves }
  | { readonly type: "text-delta"; readonly text: string }
  | { readonly type: "reasoning-delta"; readonly text: string };

/** What differs between the turns of two agents. */
export interface TurnOptions {
  readonly tools: readonly Tool[];
  readonly limits: { readonly steps: number; readonly parallel: number; readonly toolTimeoutMs: number };
  /** Does this call wait for a person? Pure; must not throw. */
  readonly asks: (call: ToolCall) => boolean;
}

/** A model that has been told twice in a row why its move is illegal does not learn it the third time. */
export const MAX_REFUSALS = 2;

/** The turn chart of an agent: one event for each of its tools. `decide` and the tools' `run` come in by `provide`. */
export function turnMachine({ tools, limits, asks }: TurnOptions) {
  const when = new Map(tools.map((tool) => [tool.name, tool.when]));
  return setup({
    types: {
      context: {} as TurnContext,
      input: {} as TurnInput,
      events: {} as TurnEvent,
      emitted: {} as TurnEmitted,
      output: {} as TurnContext,
      meta: {} as MoveMeta,
      children: {} as { decide: "decide" },
    },
    actors: {
      decide: fromPromise<Played, NonReducibleUnknown, DecideEmitted>(() =>
        Promise.reject(new TypeError("the actor 'decide' was not provided")),
      ),
      call: toolCallMachine,
    },
    guards: {
      /** A call is legal while the budget and the reply have room for it and the tool itself agrees. */
      legal: ({ context }, { tool }: { tool: string }) =>
        context.decisions < limits.steps && context.calls.length < limits.parallel && agrees(when.get(tool), tool, context),
      nothingCalled: ({ context }) => context.calls.length === 0,
      somethingCalled: ({ context }) => context.calls.length > 0,
      mayTryAgain: ({ context }) => context.illegal.inARow < MAX_REFUSALS,
      asks: ({ context }) => context.calls.some(isPending),
      waitsFor: ({ context }, { callId }: { callId: string }) => context.calls.some((open) => isPending(open) && open.call.id === callId),
      settled: ({ context }) => !context.calls.some(isPending),
      allDone: ({ context }) => context.calls.every(({ state }) => state === "done"),
    },
    actions: {
      play: enqueueActions(({ context, enqueue }, { events, said, cost }: Played) => {
        enqueue.assign({ ...addCost(context, cost), said });
        for (const event of events) enqueue.raise(event);
      }),
      open: enqueueActions(({ context, enqueue }, call: ToolCall) => {
        enqueue.assign({ calls: [...context.calls, { call, state: "ready", result: null }] });
        enqueue.emit({ type: "move", call });
      }),
      countDecision: assign(({ context }) => ({
        decisions: context.decisions + 1,
        illegal: { inARow: 0, total: context.illegal.total },
      })),
      answer: assign(({ context }, { text }: { text: string }) => ({
        answer: text,
        messages: [...context.messages, { role: "assistant" as const, ...context.said, content: text }],
        said: {},
      })),
      refuse: assign(({ context }, { messages }: Pick<RefusedEvent, "messages">) => ({
        messages: [...context.messages, ...messages],
        illegal: { inARow: context.illegal.inARow + 1, total: context.illegal.total + 1 },
        said: {},
      })),
      classify: assign(({ context }) => ({
        calls: context.calls.map((open): OpenCall => (asks(open.call) ? { ...open, state: "asked" } : open)),
      })),
      ask: enqueueActions(({ context, enqueue }) => {
        for (const { call } of context.calls.filter(isPending)) enqueue.emit({ type: "approval", call });
      }),
      settle: assign(({ context }, { callId, state }: { callId: string; state: "granted" | "denied" }) => ({
        calls: changeCall(context.calls, callId, { state }),
      })),
      start: enqueueActions(({ context, enqueue }) => {
        enqueue.assign({
          calls: context.calls.map((open): OpenCall => (open.state === "denied" ? refused(open) : { ...open, state: "running" })),
        });
        for (const { call, state } of context.calls) {
          if (state === "denied") enqueue.emit({ type: "tool-error", call, error: DENIED });
          else {
            enqueue.emit({ type: "tool-start", call });
            enqueue.spawnChild("call", { id: call.id, input: { call, timeoutMs: limits.toolTimeoutMs } });
          }
        }
      }),
      finish: enqueueActions(({ context, enqueue }, { id, result }: { id: string; result: CallResult }) => {
        enqueue.stopChild(id);
        const open = context.calls.find(({ call }) => call.id === id);
        if (open?.state !== "running") return;
        enqueue.assign({ calls: changeCall(context.calls, id, { state: "done", result }) });
        enqueue.emit({ type: "error" in result ? "tool-error" : "tool-end", call: open.call, ...result } as TurnEmitted);
      }),
      close: assign(({ context }) => closeBatch(context)),
      fail: assign((_, { error }: { error: ErrorFacts }) => ({ error })),
    },
  }).createMachine({
    id: "turn",
    context: ({ input }) => newTurn(input),
    output: ({ context }) => context,
    initial: "deciding",
    on: {
      cancel: { target: ".cancelled" },
      fail: { target: ".failed", actions: { type: "fail", params: ({ event }) => ({ error: event.error }) } },
    },
    states: {
      deciding: {
        meta: { parallel: limits.parallel },
        invoke: {
          id: "decide",
          src: "decide",
          onDone: { actions: { type: "play", params: ({ event }) => event.output } },
          onError: {
            target: "failed",
            actions: { type: "fail", params: ({ event }) => ({ error: errorFacts(event.error, "agent/model-failed") }) },
          },
        },
        on: {
          ...Object.fromEntries(
            tools.map(({ name, input, narrow }) => [
              callEvent(name),
              {
                guard: { type: "legal" as const, params: { tool: name } },
                actions: {
                  type: "open" as const,
                  params: ({ event }: { event: CallEvent }) => ({ id: event.id, name: toolOf(event), input: event.input }),
                },
                meta: { move: { input, narrow } },
              },
            ]),
          ),
          answer: {
            guard: "nothingCalled",
            target: "answered",
            actions: ["countDecision", { type: "answer", params: ({ event }) => ({ text: event.text }) }],
            meta: { move: { answer: true } },
          },
          decided: [
            { guard: "somethingCalled", target: "checking", actions: "countDecision" },
            { target: "failed", actions: { type: "fail", params: { error: DROPPED } } },
          ],
          refused: [
            { guard: "mayTryAgain", target: "deciding", reenter: true, actions: { type: "refuse", params: ({ event }) => event } },
            {
              target: "failed",
              actions: [
                { type: "refuse", params: ({ event }) => event },
                { type: "fail", params: ({ event }) => ({ error: givenUp(event.reason) }) },
              ],
            },
          ],
        },
      },
      checking: {
        entry: "classify",
        always: [{ guard: "asks", target: "waiting" }, { target: "acting" }],
      },
      waiting: {
        entry: "ask",
        on: {
          approve: {
            guard: { type: "waitsFor", params: ({ event }) => event },
            actions: { type: "settle", params: ({ event }) => ({ callId: event.callId, state: "granted" }) },
          },
          deny: {
            guard: { type: "waitsFor", params: ({ event }) => event },
            actions: { type: "settle", params: ({ event }) => ({ callId: event.callId, state: "denied" }) },
          },
        },
        always: { guard: "settled", target: "acting" },
      },
      acting: {
        entry: "start",
        on: {
          "xstate.done.actor.*": {
            actions: { type: "finish", params: ({ event }) => ({ id: event.actorId, result: event.output }) },
          },
          "xstate.error.actor.*": {
            actions: {
              type: "finish",
              params: ({ event }) => ({ id: event.actorId, result: { error: errorFacts(event.error, "tool/failed") } }),
            },
          },
        },
        always: { guard: "allDone", target: "deciding", actions: "close" },
      },
      answered: { type: "final" },
      cancelled: { type: "final", entry: "close" },
      failed: { type: "final", entry: "close" },
    },
  });
}

const DENIED: ErrorFacts = { code: "tool/denied", message: "the user did not allow this call" };
const DROPPED: ErrorFacts = {
  code: "agent/move-dropped",
  message: "a move that was legal when the model was asked was not legal when it came",
  hint: "a tool's `when` must be pure",
};

function refused(open: OpenCall): OpenCall {
  return { ...open, state: "done", result: { error: DENIED } };
}

function givenUp(reason: string): ErrorFacts {
  return {
    code: "agent/too-many-illegal-moves",
    message: `${MAX_REFUSALS + 1} replies in a row were not legal moves; the last: ${reason}`,
    hint: "use a model that is constrained by the moves",
  };
}

/** @throws TypeError when `when` returns no boolean (a promise would pass as true) */
function agrees(when: Tool["when"], tool: string, context: TurnContext): boolean {
  const legal: unknown = when ? when(context) : true;
  if (typeof legal !== "boolean") throw new TypeError(`'when' of ${tool} must return true or false, found ${typeof legal}`);
  return legal;
}
