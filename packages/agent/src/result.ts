/**
 * What a run is given, what it tells and what it gives back.
 */
import type { Json, JsonObject, Message, OrreryError, ReplyStats, Sampling, ToolCall, Usage } from "@orrery/chat";
import type { StateValue } from "xstate";
import type { Clock } from "./driver.ts";
import { errorFrom } from "./errors.ts";
import { isPending, type RunContext, type Step } from "./machines/chart-state.ts";
import type { ChartEmitted } from "./machines/core.ts";
import type { DecideEmitted } from "./player.ts";
import type { SavedRun, Timings } from "./saved-run.ts";
import type { SpanObserver, TraceOptions } from "./trace/span.ts";

export interface RunOptions {
  /** Earlier conversation, e.g. `messages` of the last result. Default none. */
  readonly messages?: readonly Message[];
  /** Tools whose untrusted results were read before `messages` begin, e.g. `untrusted` of a result whose messages were summed up. Default none. */
  readonly untrusted?: readonly string[];
  /** Cancels the run: model and tools are told, and nothing is waited for. */
  readonly signal?: AbortSignal;
  /** Asks a person about a call, one at a time; only `true` allows it. Without it, a call that needs approval makes the run wait. */
  readonly approve?: (call: ToolCall) => boolean | Promise<boolean>;
  readonly onEvent?: (event: RunEvent) => void;
  readonly sampling?: Sampling;
  /** Time limits and pauses of tools follow it. Default: the machine's. */
  readonly clock?: Clock;
  /** Gets the run as OpenTelemetry spans, each when it ends; a function is `{ onSpan }`. docs/tracing.md. Default: nothing is traced. */
  readonly trace?: SpanObserver | TraceOptions;
}

/**
 * In order; `state` wherever the chart goes on to another one:
 *
 *     ( decision reasoning-delta* ( text-delta* | move+ approval* (tool-start | tool-progress | tool-end | tool-error)* ) )+  finish
 */
export type RunEvent =
  | DecideEmitted
  | ChartEmitted
  | { readonly type: "state"; readonly state: StateValue }
  | { readonly type: "finish"; readonly result: RunResult<unknown> };

export interface RunResult<Output = string> {
  /** `ended`: in a final state of the chart's author. */
  readonly status: "answered" | "ended" | "cancelled" | "failed" | "waiting";
  /** Where the chart stands. */
  readonly state: StateValue;
  /** The final text; empty unless `answered`. */
  readonly answer: string;
  /** The answer as the agent's `output` has it, where there is one; else the text. Only when `answered`. */
  readonly output?: Output;
  /** The finished calls, in the order in which the model made them. */
  readonly steps: readonly Step[];
  /** What the chart kept. */
  readonly facts: JsonObject;
  /** The whole conversation with this turn: complete whatever the status, ready to be `messages` of the next run. */
  readonly messages: readonly Message[];
  /** Tools whose results in the conversation are text that others wrote. */
  readonly untrusted: readonly string[];
  /** Tokens of the last prompt with its reply: how full the context is. */
  readonly contextTokens: number;
  /** Summed over the replies. */
  readonly usage: Usage;
  readonly stats: ReplyStats;
  readonly timings: Timings;
  /** Legal replies of the model: batches of calls, and the answer. */
  readonly decisions: number;
  /** Replies that were not a legal move: 0 for a model that is constrained by its moves. */
  readonly illegal: number;
  /** Set when `failed`. */
  readonly error?: OrreryError;
  /** Calls that wait for a person; set when `waiting`. */
  readonly pending?: readonly ToolCall[];
  /** Plain JSON for {@link resume}; set when `waiting`. */
  readonly snapshot?: SavedRun;
}

/** Where a run ended, as far as its chart says. */
export interface Ending {
  readonly status: RunResult["status"];
  readonly state: StateValue;
  readonly context: RunContext;
  readonly timings: Timings;
}

/** The result that a run's last context amounts to. */
export function resultOf({ status, state, context, timings }: Ending): RunResult<unknown> {
  const { answer, steps, messages, usage, stats, decisions, illegal, error, calls, facts, untrusted, contextTokens } = context;
  return {
    status,
    state,
    answer,
    steps,
    facts,
    messages,
    untrusted,
    contextTokens,
    usage,
    stats,
    timings,
    decisions,
    illegal: illegal.total,
    ...(error && status === "failed" ? { error: errorFrom(error) } : {}),
    ...(status === "waiting" ? { pending: calls.filter(isPending).map(({ call }) => call) } : {}),
  };
}

/** The JSON of an answer, which the player has found valid. */
export function jsonOf(answer: string): Json {
  return JSON.parse(answer) as Json;
}
