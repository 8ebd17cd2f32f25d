/**
 * The context of an agent's chart as plain JSON, and the pure functions that change it. Law: `messages` is a whole conversation at
 * every moment: an assistant's calls enter it together with all their results, in the order in which they were made.
 */
import type { AssistantMessage, Json, JsonObject, Message, ReplyStats, Sampling, ToolCall, Usage } from "@orrery/chat";
import { addUsage, NO_STATS, NO_USAGE } from "@orrery/chat";
import type { ErrorFacts } from "../errors.ts";

/** How a call ended. */
export type CallResult = { readonly output: Json } | { readonly error: ErrorFacts };

/** A call of the open batch. `asked` waits for a person; `denied` will not run; `left` is an exit, from which the facts have been learnt. */
export interface OpenCall {
  readonly call: ToolCall;
  readonly state: "ready" | "asked" | "granted" | "denied" | "running" | "done" | "left";
  readonly result: CallResult | null;
}

/** A finished call, for whoever reads the run afterwards. */
export interface Step {
  readonly tool: string;
  readonly input: JsonObject;
  readonly output?: Json;
  readonly error?: ErrorFacts;
}

export interface RunInput {
  /** The conversation, the user's task last. */
  readonly messages: readonly Message[];
  readonly sampling?: Sampling | undefined;
  /** Tools whose untrusted results were read before `messages` begin. Default none. */
  readonly untrusted?: readonly string[] | undefined;
}

export interface RunContext {
  readonly messages: readonly Message[];
  readonly sampling: Sampling | null;
  /** What the chart itself keeps, beside the conversation: changed by `learn`, read by guards and narrowings. */
  readonly facts: JsonObject;
  /** Tools whose results in the conversation are text that others wrote. */
  readonly untrusted: readonly string[];
  /** Decisions since the phase was entered. */
  readonly phaseDecisions: number;
  /** Tokens of the last prompt with its reply. */
  readonly contextTokens: number;
  /** Milliseconds spent in tools. */
  readonly toolMs: number;
  /** What the run had cost when the open decision began: tokens computed, milliseconds in model and tools. */
  readonly spent: { readonly tokens: number; readonly ms: number };
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

export function newRun({ messages, sampling, untrusted = [] }: RunInput, facts: JsonObject, trust: TrustOf): RunContext {
  return {
    messages,
    sampling: sampling ?? null,
    facts,
    untrusted: [...new Set([...untrusted, ...untrustedIn(messages, trust)])],
    phaseDecisions: 0,
    contextTokens: 0,
    toolMs: 0,
    spent: { tokens: 0, ms: 0 },
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
export function addCost(context: RunContext, { usage, stats }: ReplyCost): Pick<RunContext, "usage" | "stats" | "contextTokens"> {
  const old = context.stats;
  const sampledTokens = old.sampledTokens + stats.sampledTokens;
  return {
    usage: addUsage(context.usage, usage),
    contextTokens: usage.promptTokens + usage.replyTokens,
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

/** Whose results are text that others wrote; a tool that is not known is not trusted. */
export type TrustOf = (tool: string) => "trusted" | "untrusted";

function untrustedIn(messages: readonly Message[], trust: TrustOf): readonly string[] {
  const names = messages.flatMap((message) => (message.role === "tool" && trust(message.name) === "untrusted" ? [message.name] : []));
  return [...new Set(names)];
}

/** What a finished call changes in the facts, by the name of its tool or exit. Pure. */
export type Learn = Readonly<Record<string, (facts: JsonObject, step: Step) => JsonObject>>;

export interface Closing {
  readonly learn?: Learn;
  readonly trust: TrustOf;
}

/** The open batch, written into the conversation and the steps. Calls that have no result get the reason why. */
export function closeBatch(
  context: RunContext,
  { learn = {}, trust }: Closing,
): Pick<RunContext, "messages" | "steps" | "calls" | "said" | "facts" | "untrusted"> {
  const { messages, steps, calls, said, facts, untrusted } = context;
  if (calls.length === 0) return { messages, steps, calls, said: {}, facts, untrusted };
  const closed = calls.map((open) => ({ call: open.call, result: open.result ?? { error: unfinished(open) } }));
  const reply: AssistantMessage = { role: "assistant", ...said, calls: closed.map(({ call }) => call) };
  const results = closed.map(({ call, result }) => toolMessage(call, result));
  const made = closed.map(({ call, result }): Step => ({ tool: call.name, input: call.input, ...result }));
  const news = made.filter((_, i) => calls[i]!.state !== "left");
  return {
    messages: [...messages, reply, ...results],
    steps: [...steps, ...made],
    calls: [],
    said: {},
    facts: news.reduce((known, step) => learnt(known, step, learn), facts),
    untrusted: [...new Set([...untrusted, ...untrustedIn(results, trust)])],
  };
}

/** The facts after a step. */
export function learnt(facts: JsonObject, step: Step, learn: Learn = {}): JsonObject {
  return Object.hasOwn(learn, step.tool) ? learn[step.tool]!(facts, step) : facts;
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

/** An id that no call of the conversation has. */
export function freshId(base: string, messages: readonly Message[], taken: ReadonlySet<string> = NONE): string {
  const used = new Set(taken);
  for (const message of messages) if (message.role === "assistant") for (const { id } of message.calls ?? []) used.add(id);
  let id = base;
  for (let n = 2; used.has(id); n++) id = `${base}-${n}`;
  return id;
}

const NONE: ReadonlySet<string> = new Set();
