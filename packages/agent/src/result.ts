/**
 * What a run is given, what it tells and what it gives back.
 */
import type { Message, OrreryError, ReplyStats, Sampling, ToolCall, Usage } from "@orrery/chat";
import { errorFrom } from "./errors.ts";
import { isPending, type Step, type TurnContext } from "./machines/turn-state.ts";
import type { DecideEmitted, TurnEmitted } from "./machines/turn.machine.ts";
import { saveRun, type SavedRun, type Timings } from "./saved-run.ts";

export interface RunOptions {
  /** Earlier conversation, e.g. `messages` of the last result. Default none. */
  readonly messages?: readonly Message[];
  /** Cancels the run: model and tools are told, and nothing is waited for. */
  readonly signal?: AbortSignal;
  /** Asks a person about a call, one at a time; only `true` allows it. Without it, a call that needs approval makes the run wait. */
  readonly approve?: (call: ToolCall) => boolean | Promise<boolean>;
  readonly onEvent?: (event: RunEvent) => void;
  readonly sampling?: Sampling;
}

/**
 * In order:
 *
 *     ( decision reasoning-delta* ( text-delta* | move+ approval* (tool-start | tool-end | tool-error)* ) )+  finish
 */
export type RunEvent = DecideEmitted | TurnEmitted | { readonly type: "finish"; readonly result: RunResult };

export interface RunResult {
  readonly status: "answered" | "cancelled" | "failed" | "waiting";
  /** The final text; empty unless `answered`. */
  readonly answer: string;
  /** The finished calls, in the order in which the model made them. */
  readonly steps: readonly Step[];
  /** The whole conversation with this turn: complete whatever the status, ready to be `messages` of the next run. */
  readonly messages: readonly Message[];
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

/** The result that a turn's last context amounts to. */
export function resultOf(status: RunResult["status"], context: TurnContext, timings: Timings): RunResult {
  const { answer, steps, messages, usage, stats, decisions, illegal, error, calls } = context;
  return {
    status,
    answer,
    steps,
    messages,
    usage,
    stats,
    timings,
    decisions,
    illegal: illegal.total,
    ...(error && status === "failed" ? { error: errorFrom(error) } : {}),
    ...(status === "waiting" ? { pending: calls.filter(isPending).map(({ call }) => call), snapshot: saveRun(context, timings) } : {}),
  };
}
