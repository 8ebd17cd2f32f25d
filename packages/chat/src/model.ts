/**
 * The port between a model runtime and its callers. In: messages, tools and moves. Out: a stream of events that ends with exactly
 * one `finish`. Law: failures of a running reply travel as data on the stream; only a request that is wrong in itself throws.
 */
import type { OrreryError } from "./errors.ts";
import type { AssistantMessage, Message, ToolCall } from "./message.ts";
import type { Moves } from "./moves.ts";
import type { ToolSpec } from "./tool.ts";

/** How the next token is drawn. All optional; the default is greedy. */
export interface Sampling {
  /** 0 (default) is greedy; otherwise logits are divided by it. 0 … 5. */
  readonly temperature?: number;
  /** Keep the k likeliest tokens; 0 (default) keeps all. */
  readonly topK?: number;
  /** Keep the smallest set of tokens whose probability reaches p, 0 < p ≤ 1 (default 1: all). */
  readonly topP?: number;
  /** Drop tokens less likely than minP times the likeliest, 0 … 1 (default 0). */
  readonly minP?: number;
  /** Logits of tokens already in the reply are divided (if positive) or multiplied by it; 1 (default) is off. */
  readonly repetitionPenalty?: number;
  /**
   * Added, in the arguments of a call, to the logits of tokens that go on copying from the conversation, and of those that end the value
   * where a word of it ends. 0 … 20; 0 is off. Default: the model's own, else 0.
   */
  readonly copyBias?: number;
  /** Added to the logit of opening a call where a reply begins: below 0 answers more often. −20 … 20. Default: the model's own, else 0. */
  readonly callOffset?: number;
  /** Seed of the draw; same seed, same reply. Default 0. */
  readonly seed?: number;
}

/** What a model is asked: a conversation, what it may do, and how it draws. */
export interface ChatRequest {
  readonly messages: readonly Message[];
  /** Declared to the model; keep the list the same for a whole run, so that the prompt's prefix is stable. Default none. */
  readonly tools?: readonly ToolSpec[];
  /** What this reply may be. Default: an answer in free text, or calls of any declared tool. */
  readonly moves?: Moves;
  /**
   * Let the model think before it answers or calls; its thoughts come as `reasoning-delta`, and belong into `reasoning` of its message, so
   * that it sees them until the next user message. Default false. A model that has no thoughts refuses it (Orrery's own with
   * `prompt/no-thoughts`), before the first event.
   */
  readonly thinking?: boolean;
  readonly sampling?: Sampling;
  /** At most this many reply tokens, a whole number of at least 1. Default: the model's (512 for Orrery Mini). */
  readonly maxTokens?: number;
  readonly signal?: AbortSignal;
}

/** Token counts of one reply. `prompt = cached + computed`, unless the reply ended (aborted, failed) before its prompt was computed. */
export interface Usage {
  /** Tokens of the rendered prompt. */
  readonly promptTokens: number;
  /** Of them, already in the KV cache. */
  readonly cachedTokens: number;
  /** Of them, computed by the model for this reply. */
  readonly computedTokens: number;
  /** Tokens of the reply, the stop token and forced tokens included. */
  readonly replyTokens: number;
  /** Of the reply's tokens, those the grammar left no choice about: appended without sampling. */
  readonly forcedTokens: number;
}

/** How the reply came about. */
export interface ReplyStats {
  /**
   * Mean over sampled tokens of the probability the mask removed, 0 … 1: how hard the model pushed towards illegal moves. Tokens that were
   * sampled from the logits of the legal ones alone do not count.
   */
  readonly maskedMass: number;
  /** The largest of them. */
  readonly maskedMassMax: number;
  /** Sampled tokens (not forced). */
  readonly sampledTokens: number;
  /** Milliseconds until the first reply token was known. */
  readonly firstTokenMs: number;
  /** Milliseconds from request to finish. */
  readonly totalMs: number;
  /** Steps by how much of the weights they used: part, all, part and then all again. Only of a model that chooses. */
  readonly precision?: { readonly low: number; readonly full: number; readonly rechecked: number };
}

/** Nothing was computed. */
export const NO_USAGE: Usage = { promptTokens: 0, cachedTokens: 0, computedTokens: 0, replyTokens: 0, forcedTokens: 0 };
/** Nothing was sampled. */
export const NO_STATS: ReplyStats = { maskedMass: 0, maskedMassMax: 0, sampledTokens: 0, firstTokenMs: 0, totalMs: 0 };

/** Sum of two usages, field by field. */
export function addUsage(a: Usage, b: Usage): Usage {
  return {
    promptTokens: a.promptTokens + b.promptTokens,
    cachedTokens: a.cachedTokens + b.cachedTokens,
    computedTokens: a.computedTokens + b.computedTokens,
    replyTokens: a.replyTokens + b.replyTokens,
    forcedTokens: a.forcedTokens + b.forcedTokens,
  };
}

/**
 * What a stream yields, in this order:
 *
 *     reasoning-delta*  ( text-delta*  |  (tool-call-delta* tool-call)+ )  finish
 *
 * `stop`: the answer is complete. `tool-calls`: the reply is calls. `length`: `maxTokens` or the context was reached; what was
 * streamed is incomplete. `aborted`: `signal` fired. `error`: the reply failed; `error` says why.
 */
export type ChatEvent =
  | { readonly type: "text-delta"; readonly text: string }
  | { readonly type: "reasoning-delta"; readonly text: string }
  | { readonly type: "tool-call-delta"; readonly id: string; readonly name: string; readonly text: string }
  | { readonly type: "tool-call"; readonly call: ToolCall }
  | Finish;

/** How a reply ended; {@link ChatEvent} says what each means. */
export type FinishReason = "stop" | "tool-calls" | "length" | "aborted" | "error";

/** The last event of every stream. */
export interface Finish {
  readonly type: "finish";
  readonly reason: FinishReason;
  readonly usage: Usage;
  readonly stats: ReplyStats;
  /** Set when, and only when, `reason` is `error`. */
  readonly error?: OrreryError | undefined;
}

/** A model as its callers see it. */
export interface ChatModel {
  readonly id: string;
  /** Prompt plus reply, in tokens. */
  readonly contextLength: number;
  /**
   * Answers a request. Ends with exactly one `finish`; honours `request.signal` within one token.
   * @throws OrreryError before the first event, for a request that is wrong in itself: `chat/…` (see {@link resolveMoves}), or of the
   *   model's own areas, such as a prompt longer than the context.
   */
  stream(request: ChatRequest): AsyncIterable<ChatEvent>;
}

/** A whole reply: the message that belongs into the conversation, and how it ended. */
export interface Reply {
  readonly message: AssistantMessage;
  readonly finish: Finish;
}

/** Reads a stream to its end. Every event is also handed to `onEvent`, in order. */
export async function collectReply(stream: AsyncIterable<ChatEvent>, onEvent?: (event: ChatEvent) => void): Promise<Reply> {
  let content = "";
  let reasoning = "";
  const calls: ToolCall[] = [];
  let finish: Finish | undefined;
  for await (const event of stream) {
    onEvent?.(event);
    if (event.type === "text-delta") content += event.text;
    else if (event.type === "reasoning-delta") reasoning += event.text;
    else if (event.type === "tool-call") calls.push(event.call);
    else if (event.type === "finish") finish = event;
  }
  if (!finish) throw new TypeError("the stream ended without a finish event: the ChatModel breaks its contract");
  const message: AssistantMessage = {
    role: "assistant",
    ...(content ? { content } : {}),
    ...(reasoning ? { reasoning } : {}),
    ...(calls.length > 0 ? { calls } : {}),
  };
  return { message, finish };
}
