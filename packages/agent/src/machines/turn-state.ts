/**
 * The context of a turn as plain JSON, and the pure functions that change it. Law: `messages` is a whole conversation at every
 * moment: an assistant's calls enter it together with all their results, in the order in which they were made.
 */
import type { AssistantMessage, Json, JsonObject, Message, ReplyStats, Sampling, ToolCall, Usage } from "@orrery/chat";
import { addUsage, NO_STATS, NO_USAGE } from "@orrery/chat";
import type { ErrorFacts } from "../errors.ts";

/** How a call ended. */
export type CallResult = { readonly output: Json } | { readonly error: ErrorFacts };

/** A call of the open batch. `asked` waits for a person; `denied` will not run. */
export interface OpenCall {
  readonly call: ToolCall;
  readonly state: "ready" | "asked" | "granted" | "denied" | "running" | "done";
  readonly result: CallResult | null;
}

/** A finished call, for whoever reads the run afterwards. */
export interface Step {
  readonly tool: string;
  readonly input: JsonObject;
  readonly output?: Json;
  readonly error?: ErrorFacts;
}

export interface TurnInput {
  /** The conversation, the user's task last. */
  readonly messages: readonly Message[];
  readonly sampling?: Sampling | undefined;
}

export interface TurnContext {
  readonly messages: readonly Message[];
  readonly sampling: Sampling | null;
  /** Text and thought beside the open calls. */
  readonly said: { readonly content?: string; readonly reasoning?: string };
  readonly calls: readonly OpenCall[];
  readonly steps: readonly Step[];
  /** Legal replies so far: batches of calls, and the answer. */
  readonly decisions: number;
  /** Replies that were not legal: since the last legal one, and in all. */
  readonly illegal: { readonly inARow: number; readonly total: number };
  readonly usage: Usage;
  readonly stats: ReplyStats;
  readonly answer: string;
  readonly error: ErrorFacts | null;
}

export function newTurn({ messages, sampling }: TurnInput): TurnContext {
  return {
    messages,
    sampling: sampling ?? null,
    said: {},
    calls: [],
    steps: [],
    decisions: 0,
    illegal: { inARow: 0, total: 0 },
    usage: NO_USAGE,
    stats: NO_STATS,
    answer: "",
    error: null,
  };
}

/** What one reply cost, as far as a turn keeps it. */
export interface ReplyCost {
  readonly usage: Usage;
  readonly stats: ReplyStats;
}

/** Sums over the replies of a turn: means by sampled tokens, the first reply's first token, total time. */
export function addCost(context: TurnContext, { usage, stats }: ReplyCost): Pick<TurnContext, "usage" | "stats"> {
  const old = context.stats;
  const sampledTokens = old.sampledTokens + stats.sampledTokens;
  return {
    usage: addUsage(context.usage, usage),
    stats: {
      maskedMass: sampledTokens && (old.maskedMass * old.sampledTokens + stats.maskedMass * stats.sampledTokens) / sampledTokens,
      maskedMassMax: Math.max(old.maskedMassMax, stats.maskedMassMax),
      sampledTokens,
      firstTokenMs: old.totalMs > 0 ? old.firstTokenMs : stats.firstTokenMs,
      totalMs: old.totalMs + stats.totalMs,
    },
  };
}

/** One open call changed. */
export function changeCall(calls: readonly OpenCall[], id: string, change: Partial<OpenCall>): readonly OpenCall[] {
  return calls.map((open) => (open.call.id === id ? { ...open, ...change } : open));
}

export function isPending({ state }: OpenCall): boolean {
  return state === "asked";
}

/** The open batch, written into the conversation and the steps. Calls that have no result get the reason why. */
export function closeBatch(context: TurnContext): Pick<TurnContext, "messages" | "steps" | "calls" | "said"> {
  const { messages, steps, calls, said } = context;
  if (calls.length === 0) return { messages, steps, calls, said: {} };
  const closed = calls.map((open) => ({ call: open.call, result: open.result ?? { error: unfinished(open) } }));
  const reply: AssistantMessage = { role: "assistant", ...said, calls: closed.map(({ call }) => call) };
  return {
    messages: [...messages, reply, ...closed.map(({ call, result }) => toolMessage(call, result))],
    steps: [...steps, ...closed.map(({ call, result }) => ({ tool: call.name, input: call.input, ...result }))],
    calls: [],
    said: {},
  };
}

export function toolMessage(call: ToolCall, result: CallResult): Message {
  if ("error" in result) return failureMessage(call, result.error.message);
  return { role: "tool", callId: call.id, name: call.name, output: result.output };
}

/** A failure goes to the model as `{ error }`: the form that models are trained on. */
export function failureMessage({ id, name }: ToolCall, error: string): Message {
  return { role: "tool", callId: id, name, output: { error } };
}

function unfinished({ state }: OpenCall): ErrorFacts {
  const message = state === "running" ? "cancelled while it ran; it may have taken effect" : "cancelled before it ran";
  return { code: "tool/cancelled", message };
}
