/**
 * Two kinds of state for an agent's chart, each an ordinary XState state. In: what is legal there, and where it leads. Out: a state.
 *
 *     phase   deciding ──call.<tool>…──decided──▶ checking ──▶ acting ──▶ deciding
 *                                                 checking ──asks──▶ waiting ──all settled──▶ acting
 *             deciding ──refused──▶ deciding (twice in a row at most)
 *             phase ──call.<exit>──▶ the exit's target        phase ──answer──▶ answered
 *             phase ──gaveUp──▶ failed, or where `otherwise` says
 *     act     acting ──▶ done ──next──▶ …          a call that the chart makes itself
 *
 * The events `call.<name>` and `answer` are the moves: whoever sends them, the model or a person, plays.
 */
import type { JsonObject, JsonSchema } from "@orrery/chat";
import { callEvent, nameOfCall, type CallEvent, type MoveMeta } from "../moves.ts";
import type { GaveUpEvent, Played, RefusedEvent } from "../player.ts";
import type { MoveContext } from "../tool.ts";
import type { ApprovalEvent } from "./core.ts";
import type { CallResult } from "./chart-state.ts";

/** A state of a chart as XState takes it. */
export type StateConfig = Readonly<Record<string, unknown>>;

/** A move without a tool: the model says that it is done with this phase, and perhaps with what. */
export interface Exit {
  /** The state, beside the phase, that it leads to. */
  readonly target: string;
  /** For the model. Default: made from the name. */
  readonly description?: string;
  /** What the exit takes along, a JSON Schema of an object; `learn` of the chart may put it into its facts. Default: nothing. */
  readonly input?: JsonSchema;
  /** Is the exit legal now? Pure. Default: always. */
  readonly when?: (context: MoveContext) => boolean;
  readonly narrow?: (context: MoveContext) => JsonSchema | false;
  readonly accepts?: (input: JsonObject, context: MoveContext) => true | string;
}

export interface PhaseOptions {
  /** Names of the tools that are legal here. Default none. */
  readonly tools?: readonly string[];
  readonly exits?: Readonly<Record<string, Exit>>;
  /** Whether the model may answer here, which ends the run: in free text, or as JSON under a schema. Default false. */
  readonly answer?: boolean | { readonly schema: JsonSchema };
  /** Told to the model when it enters. */
  readonly instructions?: string | ((context: MoveContext) => string);
  /** Further limits on tools here, by name. Pure. */
  readonly when?: Readonly<Record<string, (context: MoveContext) => boolean>>;
  readonly narrow?: Readonly<Record<string, (context: MoveContext) => JsonSchema | false>>;
  readonly limits?: {
    /** Decisions here that may call tools; then only exits and the answer are left. Default: the chart's. */
    readonly steps?: number;
    /** Calls in one reply. Default: the chart's. */
    readonly parallel?: number;
  };
  /** The state, beside the phase, to go to when no move is left, or the model is not constrained and keeps making illegal ones. Default `failed`. */
  readonly otherwise?: string;
}

/** A phase before its chart is known, which turns it into a state. */
export class Phase {
  readonly options: PhaseOptions;

  constructor(options: PhaseOptions) {
    this.options = options;
  }
}

/** What a phase must know of its chart. */
export interface PhaseChart {
  readonly input: (tool: string) => JsonSchema;
  readonly accepts: (tool: string) => ((input: JsonObject, context: MoveContext) => true | string) | undefined;
  /** What the tool itself, the policy and the phase say of the input now. */
  readonly narrow: (tool: string, here: PhaseOptions["narrow"]) => ((context: MoveContext) => JsonSchema | false) | undefined;
  readonly parallel: number;
}

/** A phase: the model decides among these tools, exits and the answer until it leaves. */
export function phase(options: PhaseOptions): Phase {
  return new Phase(options);
}

const NO_INPUT: JsonSchema = { type: "object", properties: {}, additionalProperties: false };

export function phaseState({ options }: Phase, chart: PhaseChart): StateConfig {
  const { tools = [], exits = {}, answer = false, instructions, when = {}, narrow, limits = {}, otherwise = "failed" } = options;
  const { parallel = chart.parallel, steps } = limits;
  return {
    entry: { type: "enter", params: { instructions } },
    initial: "deciding",
    on: {
      ...Object.fromEntries(Object.entries(exits).map(([name, exit]) => [callEvent(name), exitOf(name, exit)])),
      ...(answer === false
        ? {}
        : {
            answer: {
              guard: "nothingCalled",
              target: "answered",
              actions: ["countDecision", { type: "answer", params: ({ event }: { event: { text: string } }) => ({ text: event.text }) }],
              meta: { move: { answer } } satisfies MoveMeta,
            },
          }),
      gaveUp: {
        target: otherwise,
        actions: otherwise === "failed" ? { type: "fail", params: ({ event }: { event: GaveUpEvent }) => event } : "forgive",
      },
    },
    states: {
      deciding: {
        meta: { parallel } satisfies MoveMeta,
        entry: "measure",
        invoke: {
          id: "decide",
          src: "decide",
          onDone: { actions: { type: "play", params: ({ event }: { event: { output: Played } }) => event.output } },
          onError: { actions: { type: "broken", params: ({ event }: { event: { error: unknown } }) => ({ thrown: event.error }) } },
        },
        on: {
          ...Object.fromEntries(
            tools.map((name) => [
              callEvent(name),
              {
                guard: { type: "legal", params: { tool: name, when: when[name], parallel, steps } },
                actions: {
                  type: "open",
                  params: ({ event }: { event: CallEvent }) => ({ id: event.id, name: nameOfCall(event), input: event.input }),
                },
                meta: {
                  move: { input: chart.input(name), narrow: chart.narrow(name, narrow), accepts: chart.accepts(name) },
                } satisfies MoveMeta,
              },
            ]),
          ),
          decided: [{ guard: "somethingCalled", target: "checking", actions: "countDecision" }, { actions: "dropped" }],
          refused: [
            {
              guard: "mayTryAgain",
              target: "deciding",
              reenter: true,
              actions: { type: "refuse", params: ({ event }: { event: RefusedEvent }) => event },
            },
            { actions: [{ type: "refuse", params: ({ event }: { event: RefusedEvent }) => event }, "giveUp"] },
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
            guard: { type: "waitsFor", params: ({ event }: { event: ApprovalEvent }) => event },
            actions: {
              type: "settle",
              params: ({ event }: { event: ApprovalEvent }) => ({ callId: event.callId, state: "granted" }),
            },
          },
          deny: {
            guard: { type: "waitsFor", params: ({ event }: { event: ApprovalEvent }) => event },
            actions: {
              type: "settle",
              params: ({ event }: { event: ApprovalEvent }) => ({ callId: event.callId, state: "denied" }),
            },
          },
        },
        always: { guard: "settled", target: "acting" },
      },
      acting: { ...ACTING, always: { guard: "allDone", target: "deciding", actions: "close" } },
    },
  };
}

const ACTING = {
  entry: "start",
  on: {
    "xstate.done.actor.*": {
      actions: {
        type: "finish",
        params: ({ event }: { event: { actorId: string; output: CallResult; ms?: number } }) => ({
          id: event.actorId,
          result: event.output,
          ms: event.ms,
        }),
      },
    },
    "xstate.error.actor.*": {
      actions: {
        type: "crash",
        params: ({ event }: { event: { actorId: string; error: unknown } }) => ({ id: event.actorId, thrown: event.error }),
      },
    },
  },
};

function exitOf(name: string, { target, description, input = NO_INPUT, when, narrow, accepts }: Exit): StateConfig {
  return {
    target,
    reenter: true,
    guard: { type: "mayLeave", params: { when } },
    actions: [
      "countDecision",
      { type: "leave", params: ({ event }: { event: CallEvent }) => ({ id: event.id, name, input: event.input }) },
    ],
    meta: {
      move: { input, narrow, accepts, description: description ?? `Go on to ${target.replaceAll("_", " ")}.`, alone: true },
    } satisfies MoveMeta,
  };
}

export interface ActOptions {
  /** The tool that is called. No model decides here, so no approval is asked. */
  readonly tool: string;
  /** Its input, fixed or found in the run so far. Pure. Default `{}`. */
  readonly input?: JsonObject | ((context: MoveContext) => JsonObject);
  /** Where to go then: the first whose guard (of the chart's `guards`) holds. */
  readonly next: string | readonly { readonly target: string; readonly guard?: string }[];
}

/** A call that the chart makes itself; its result stands in the conversation like any other. */
export function act({ tool, input = {}, next }: ActOptions): StateConfig {
  return {
    initial: "acting",
    states: {
      acting: {
        ...ACTING,
        entry: [{ type: "openOwn", params: { tool, input } }, "start"],
        always: { guard: "allDone", target: "done", actions: "close" },
      },
      done: { type: "final" },
    },
    onDone: next,
  };
}
