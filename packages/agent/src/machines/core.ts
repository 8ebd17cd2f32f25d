/**
 * The guards and actions that every chart of an agent shares, by name. In: what differs between two charts. Out: XState's setup, ready
 * for `createMachine`. Law: pure but for what the named actors do; they come in by `provide`.
 */
import type { Json, JsonObject, Message, ToolCall } from "@orrery/chat";
import { assign, enqueueActions, fromPromise, setup, type DoneActorEvent, type ErrorActorEvent, type NonReducibleUnknown } from "xstate";
import { errorFacts, type ErrorFacts } from "../errors.ts";
import type { AnswerEvent, CallEvent, MoveMeta } from "../moves.ts";
import type { CancelEvent, DecidedEvent, DecideEmitted, FailEvent, GaveUpEvent, Played, RefusedEvent } from "../player.ts";
import type { MoveContext } from "../tool.ts";
import { addCost, changeCall, closeBatch, freshId, isPending, learnt, newRun } from "./chart-state.ts";
import type { CallResult, Closing, OpenCall, RunContext, RunInput } from "./chart-state.ts";

/** A person's word on a call that waits. */
export interface ApprovalEvent {
  readonly type: "approve" | "deny";
  readonly callId: string;
}

export type ChartEvent =
  | CallEvent
  | AnswerEvent
  | DecidedEvent
  | RefusedEvent
  | GaveUpEvent
  | FailEvent
  | CancelEvent
  | ApprovalEvent
  | DoneActorEvent<CallResult>
  | ErrorActorEvent;

/** What a chart tells the world as it goes. */
export type ChartEmitted =
  | { readonly type: "move"; readonly call: ToolCall }
  | { readonly type: "approval"; readonly call: ToolCall }
  | { readonly type: "tool-start"; readonly call: ToolCall }
  | { readonly type: "tool-progress"; readonly call: ToolCall; readonly progress: Json }
  | { readonly type: "tool-end"; readonly call: ToolCall; readonly output: Json }
  | { readonly type: "tool-error"; readonly call: ToolCall; readonly error: ErrorFacts };

export interface Budget {
  /** Decisions that may call tools or leave a phase. */
  readonly steps: number;
  /** Tokens computed, prompts and replies together. */
  readonly tokens: number;
  /** Milliseconds in model and tools. */
  readonly timeMs: number;
}

/** What differs between the charts of two agents. */
export interface CoreOptions extends Closing {
  readonly facts: JsonObject;
  readonly budget: Budget;
  readonly toolTimeoutMs: number;
  /** What becomes of a call: it runs, it waits for a person, it is refused. Pure; must not throw. */
  readonly verdict: (call: ToolCall, context: RunContext) => "allow" | "ask" | "deny";
  /** Is the tool legal at all now, whatever its input? */
  readonly legal: (tool: string, context: RunContext) => boolean;
}

/** A model that has been told twice in a row why its move is illegal does not learn it the third time. */
export const MAX_REFUSALS = 2;

type When = ((context: MoveContext) => boolean) | undefined;

export function core({ budget, toolTimeoutMs, verdict, legal, ...closing }: CoreOptions) {
  const affords = ({ decisions, spent }: RunContext): boolean =>
    decisions < budget.steps && spent.tokens < budget.tokens && spent.ms < budget.timeMs;
  return setup({
    types: {
      context: {} as RunContext,
      input: {} as RunInput,
      events: {} as ChartEvent,
      emitted: {} as ChartEmitted,
      output: {} as RunContext,
      meta: {} as MoveMeta,
    },
    actors: {
      decide: fromPromise<Played, NonReducibleUnknown, DecideEmitted>(() => Promise.reject(new TypeError("'decide' was not provided"))),
      call: fromPromise<CallResult, CallInput, ChartEmitted>(() => Promise.reject(new TypeError("the actor 'call' was not provided"))),
    },
    guards: {
      /** A call is legal while the budget and the reply have room for it and tool, policy and phase agree. */
      legal: ({ context }, params: { tool: string; when?: When; parallel: number; steps?: number | undefined }) =>
        affords(context) &&
        context.phaseDecisions < (params.steps ?? Infinity) &&
        context.calls.length < params.parallel &&
        legal(params.tool, context) &&
        agrees(params.when, params.tool, context),
      /** An exit is legal while nothing else is under way. */
      mayLeave: ({ context }, { when }: { when?: When }) =>
        context.calls.length === 0 && affords(context) && agrees(when, "an exit", context),
      nothingCalled: ({ context }) => context.calls.length === 0,
      somethingCalled: ({ context }) => context.calls.length > 0,
      mayTryAgain: ({ context }) => context.illegal.inARow < MAX_REFUSALS,
      asks: ({ context }) => context.calls.some(isPending),
      waitsFor: ({ context }, { callId }: { callId: string }) => context.calls.some((open) => isPending(open) && open.call.id === callId),
      settled: ({ context }) => !context.calls.some(isPending),
      allDone: ({ context }) => context.calls.every(({ state }) => state === "done"),
    },
    actions: {
      /** Into a phase: its instructions answer the exit that led here; where none did they are said. */
      enter: assign(({ context }, { instructions: given }: { instructions?: string | ((context: MoveContext) => string) | undefined }) => {
        const leaving = context.calls.length > 0;
        const instructions = typeof given === "function" ? given({ ...context, ...closeBatch(context, closing) }) : given;
        const told =
          leaving && instructions !== undefined
            ? { ...context, calls: context.calls.map((open): OpenCall => ({ ...open, result: { output: instructions } })) }
            : context;
        const closed = closeBatch(told, closing);
        return {
          ...closed,
          phaseDecisions: 0,
          ...(leaving || instructions === undefined
            ? {}
            : { messages: withInstructions(closed.messages, instructions, context.decisions === 0 && closed.steps.length === 0) }),
        };
      }),
      /** What a decision costs does not make it illegal. */
      measure: assign(({ context: { usage, stats, toolMs } }) => ({
        spent: { tokens: usage.computedTokens + usage.replyTokens, ms: stats.totalMs + toolMs },
      })),
      play: enqueueActions(({ context, enqueue }, { events, said, cost }: Played) => {
        enqueue.assign({ ...addCost(context, cost), said });
        for (const event of events) enqueue.raise(event);
      }),
      broken: enqueueActions(({ enqueue }, { thrown }: { thrown: unknown }) => {
        enqueue.raise({ type: "fail", error: errorFacts(thrown, "agent/model-failed") });
      }),
      open: enqueueActions(({ context, enqueue }, call: ToolCall) => {
        enqueue.assign({ calls: [...context.calls, { call, state: "ready", result: null }] });
        enqueue.emit({ type: "move", call });
      }),
      openOwn: assign(({ context }, { tool, input }: { tool: string; input: JsonObject | ((context: MoveContext) => JsonObject) }) => {
        const closed = closeBatch(context, closing);
        const call: ToolCall = {
          id: freshId(tool, closed.messages),
          name: tool,
          input: typeof input === "function" ? input({ ...context, ...closed }) : input,
        };
        return { ...closed, calls: [{ call, state: "ready" as const, result: null }] };
      }),
      leave: enqueueActions(({ context, enqueue }, call: ToolCall) => {
        const facts = learnt(context.facts, { tool: call.name, input: call.input, output: "ok" }, closing.learn);
        enqueue.assign({ calls: [{ call, state: "left", result: { output: "ok" } }], facts });
        enqueue.emit({ type: "move", call });
      }),
      countDecision: assign(({ context }) => ({
        decisions: context.decisions + 1,
        phaseDecisions: context.phaseDecisions + 1,
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
      giveUp: enqueueActions(({ event, enqueue }) => {
        const reason = "reason" in event ? String(event.reason) : "";
        enqueue.raise({ type: "gaveUp", error: givenUp(reason) });
      }),
      forgive: assign(({ context }) => ({ illegal: { inARow: 0, total: context.illegal.total }, calls: [], said: {} })),
      dropped: enqueueActions(({ enqueue }) => {
        enqueue.raise({ type: "fail", error: DROPPED });
      }),
      classify: assign(({ context }) => ({
        calls: context.calls.map((open): OpenCall => {
          const said = verdict(open.call, context);
          if (said === "deny") return { ...open, state: "done", result: { error: FORBIDDEN } };
          return said === "ask" ? { ...open, state: "asked" } : open;
        }),
      })),
      ask: enqueueActions(({ context, enqueue }) => {
        for (const { call } of context.calls.filter(isPending)) enqueue.emit({ type: "approval", call });
      }),
      settle: assign(({ context }, { callId, state }: { callId: string; state: "granted" | "denied" }) => ({
        calls: changeCall(context.calls, callId, { state }),
      })),
      start: enqueueActions(({ context, enqueue }) => {
        enqueue.assign({ calls: context.calls.map(started) });
        for (const { call, state, result } of context.calls) {
          if (state === "denied") enqueue.emit({ type: "tool-error", call, error: DENIED });
          else if (result && "error" in result) enqueue.emit({ type: "tool-error", call, error: result.error });
          else {
            enqueue.emit({ type: "tool-start", call });
            enqueue.spawnChild("call", { id: call.id, input: { call, timeoutMs: toolTimeoutMs } });
          }
        }
      }),
      finish: enqueueActions(({ context, enqueue }, { id, result, ms }: { id: string; result: CallResult; ms?: number | undefined }) => {
        enqueue.stopChild(id);
        const open = context.calls.find(({ call }) => call.id === id);
        if (open?.state !== "running") return;
        enqueue.assign({ calls: changeCall(context.calls, id, { state: "done", result }), toolMs: context.toolMs + (ms ?? 0) });
        enqueue.emit({ type: "error" in result ? "tool-error" : "tool-end", call: open.call, ...result } as ChartEmitted);
      }),
      crash: enqueueActions(({ context, enqueue }, { id, thrown }: { id: string; thrown: unknown }) => {
        enqueue.stopChild(id);
        const error = errorFacts(thrown, "tool/failed");
        const open = context.calls.find(({ call }) => call.id === id);
        if (open?.state !== "running") return;
        enqueue.assign({ calls: changeCall(context.calls, id, { state: "done", result: { error } }) });
        enqueue.emit({ type: "tool-error", call: open.call, error });
      }),
      close: assign(({ context }) => closeBatch(context, closing)),
      fail: assign((_, { error }: { error: ErrorFacts }) => ({ error })),
    },
  });
}

/** Every chart of an agent has the type of the smallest one: states come as data, which TypeScript cannot know. */
export type ChartMachine = ReturnType<typeof smallest>;

function smallest(options: CoreOptions) {
  return core(options).createMachine({ context: firstContext(options), output: ({ context }) => context });
}

/** The context with which a chart begins. */
export function firstContext({ facts, trust }: Pick<CoreOptions, "facts" | "trust">): (args: { input: RunInput }) => RunContext {
  return ({ input }) => newRun(input, facts, trust);
}

export interface CallInput {
  readonly call: ToolCall;
  /** Milliseconds that an attempt may take where the tool does not say. */
  readonly timeoutMs: number;
}

const DENIED: ErrorFacts = { code: "tool/denied", message: "the user did not allow this call" };
const FORBIDDEN: ErrorFacts = { code: "tool/forbidden", message: "the policy does not allow this call" };
const DROPPED: ErrorFacts = {
  code: "agent/move-dropped",
  message: "a move that was legal when the model was asked was not legal when it came",
  hint: "a tool's `when` must be pure",
};

function started(open: OpenCall): OpenCall {
  if (open.state === "denied") return { ...open, state: "done", result: { error: DENIED } };
  return open.state === "done" ? open : { ...open, state: "running" };
}

function givenUp(reason: string): ErrorFacts {
  return {
    code: "agent/too-many-illegal-moves",
    message: `${MAX_REFUSALS + 1} replies in a row were not legal moves; the last: ${reason}`,
    hint: "use a model that is constrained by the moves",
  };
}

/** Where a run begins they belong into the system message, which is then the same in each turn; later they are said. */
function withInstructions(messages: readonly Message[], instructions: string, begins: boolean): readonly Message[] {
  const [first, ...rest] = messages;
  if (!begins) return [...messages, { role: "user", content: instructions }];
  if (first?.role === "system" && first.content.includes(instructions)) return messages;
  return first?.role === "system"
    ? [{ ...first, content: `${first.content}\n\n${instructions}` }, ...rest]
    : [{ role: "system", content: instructions }, ...messages];
}

/** @throws TypeError when `when` returns no boolean (a promise would pass as true) */
export function agrees(when: When, name: string, context: RunContext): boolean {
  const legal: unknown = when ? when(context) : true;
  if (typeof legal !== "boolean") throw new TypeError(`'when' of ${name} must return true or false, found ${typeof legal}`);
  return legal;
}
