/**
 * One chat request through the runtime. In: a request and the parts of a loaded model. Out: the port's event stream.
 * Law: wrong requests throw before the first event; whatever happens later is the one `finish`.
 */
import {
  NO_STATS,
  NO_USAGE,
  resolveMoves,
  toOrreryError,
  type AssistantMessage,
  type ChatEvent,
  type ChatRequest,
  type Finish,
  type ReplyStats,
  type Usage,
} from "@orrery/chat";
import type { ConstraintEngine } from "./constraint/engine.ts";
import type { Grammar } from "./constraint/grammar.ts";
import { ContextLengthError, PromptError, SessionError } from "./errors.ts";
import { generate, type GeneratedToken } from "./generate.ts";
import { GEMMA4_FORMAT } from "./prompt/format.ts";
import { renderConversation, replyKey } from "./prompt/gemma4.ts";
import { encodeConversation, type ReplyMemory } from "./prompt/memory.ts";
import type { Piece } from "./prompt/pieces.ts";
import { createReplyParser } from "./prompt/reply.ts";
import { ReplyReader, type ReplyEvent, type ReplyShape } from "./reply-events.ts";
import { createSampler, type Sampler } from "./sampling/sample.ts";
import type { SequencePool } from "./sequence/pool.ts";
import type { Tokenizer } from "./tokenizer/vocabulary.ts";

/** What a chat needs of a loaded model. */
export interface ChatParts {
  readonly tokenizer: Tokenizer;
  readonly constraints: ConstraintEngine;
  readonly pool: SequencePool;
  readonly memory: ReplyMemory;
  readonly contextLength: number;
  /** Bytes of the longest token. */
  readonly longestToken: number;
}

/** Reply tokens where the request names no limit. Replies that Orrery Mini was trained on have fewer than 200. */
const DEFAULT_MAX_TOKENS = 512;

interface Prepared {
  readonly request: ChatRequest;
  readonly prompt: readonly number[];
  readonly grammar: Grammar;
  readonly sampler: Sampler;
  readonly maxTokens: number;
}

/**
 * Checks and renders a request, then answers it.
 * @throws ChatError, PromptError, ConstraintError, ContextLengthError at once, before the first event
 */
export function chat(parts: ChatParts, request: ChatRequest): AsyncGenerator<ChatEvent> {
  const tools = request.tools ?? [];
  const grammar = parts.constraints.compile(resolveMoves(tools, request.moves));
  const pieces = renderConversation(request.messages, tools);
  refuseOversize(pieces, parts);
  const prompt = encodeConversation(pieces, parts.tokenizer, parts.memory);
  if (prompt.length >= parts.contextLength) throw new ContextLengthError(prompt.length, parts.contextLength);
  const maxTokens = Math.min(request.maxTokens ?? DEFAULT_MAX_TOKENS, parts.contextLength - prompt.length);
  const sampler = createSampler(request.sampling ?? {}, parts.tokenizer.size);
  return reply(parts, { request, prompt, grammar, sampler, maxTokens });
}

/**
 * Text that could not fit even if every token were the longest is refused unread: encoding a million letters without a space takes
 * seconds. A string has at most as many UTF-16 units as bytes.
 */
function refuseOversize(pieces: readonly Piece[], { longestToken, contextLength }: ChatParts): void {
  let units = 0;
  for (const piece of pieces) for (const segment of piece.segments) if ("text" in segment) units += segment.text.length;
  const least = Math.ceil(units / longestToken);
  if (least >= contextLength) throw new ContextLengthError(least, contextLength);
}

async function* reply(parts: ChatParts, prepared: Prepared): AsyncGenerator<ChatEvent> {
  const { request, prompt } = prepared;
  const record = new ReplyRecord(prompt.length);
  if (request.signal?.aborted) return yield record.finish("aborted");

  const firstCall = 1 + request.messages.reduce((n, m) => n + (m.role === "assistant" ? (m.calls?.length ?? 0) : 0), 0);
  const reader = new ReplyReader(createReplyParser(parts.tokenizer, GEMMA4_FORMAT), firstCall);
  const { sequence, cached } = parts.pool.acquire(prompt);
  record.cached = cached;
  try {
    const tokens = generate({
      sequence,
      prompt: prompt.slice(cached),
      steering: { grammar: prepared.grammar.start() },
      sampler: prepared.sampler,
      limits: { maxTokens: prepared.maxTokens, signal: request.signal },
    });
    for await (const token of tokens) {
      record.add(token);
      yield* record.events(reader.push(token.id));
    }
    yield* record.events(reader.end());
  } catch (thrown) {
    if (thrown instanceof SessionError && thrown.code === "session/aborted") return yield record.finish("aborted");
    return yield record.finish("error", toOrreryError(thrown, "runtime/reply-failed"));
  } finally {
    parts.pool.release(sequence);
  }

  if (reader.shape === "malformed")
    return yield record.finish("error", new PromptError("prompt/malformed-call", "the model wrote a call that does not parse"));
  if (reader.shape !== "incomplete") {
    const key = replyKey(request.messages, record.message, request.tools);
    if (key !== undefined) parts.memory.remember(key, record.ids);
  }
  yield record.finish(REASONS[reader.shape]);
}

const REASONS = { incomplete: "length", text: "stop", calls: "tool-calls" } as const satisfies Record<
  Exclude<ReplyShape, "malformed">,
  string
>;

/** Keeps count of a reply: its ids, its message, its usage, its times. */
class ReplyRecord {
  readonly ids: number[] = [];
  cached = 0;
  readonly #promptTokens: number;
  readonly #started = performance.now();
  #firstTokenMs = 0;
  #forced = 0;
  #maskedSum = 0;
  #maskedMax = 0;
  #text = "";
  readonly #calls: NonNullable<AssistantMessage["calls"]>[number][] = [];

  constructor(promptTokens: number) {
    this.#promptTokens = promptTokens;
  }

  add(token: GeneratedToken): void {
    if (this.ids.length === 0) this.#firstTokenMs = performance.now() - this.#started;
    this.ids.push(token.id);
    if (token.forced) this.#forced++;
    this.#maskedSum += token.maskedMass;
    this.#maskedMax = Math.max(this.#maskedMax, token.maskedMass);
  }

  /** Passes events on and keeps what belongs to the message. */
  events(events: readonly ReplyEvent[]): readonly ReplyEvent[] {
    for (const event of events) {
      if (event.type === "text-delta") this.#text += event.text;
      else if (event.type === "tool-call") this.#calls.push(event.call);
    }
    return events;
  }

  get message(): AssistantMessage {
    return {
      role: "assistant",
      ...(this.#text ? { content: this.#text } : {}),
      ...(this.#calls.length > 0 ? { calls: this.#calls } : {}),
    };
  }

  finish(reason: Finish["reason"], error?: Finish["error"]): Finish {
    const sampledTokens = this.ids.length - this.#forced;
    const usage: Usage = {
      ...NO_USAGE,
      promptTokens: this.#promptTokens,
      cachedTokens: this.cached,
      computedTokens: this.#promptTokens - this.cached,
      replyTokens: this.ids.length,
      forcedTokens: this.#forced,
    };
    const stats: ReplyStats = {
      ...NO_STATS,
      maskedMass: sampledTokens > 0 ? this.#maskedSum / sampledTokens : 0,
      maskedMassMax: this.#maskedMax,
      sampledTokens,
      firstTokenMs: this.#firstTokenMs,
      totalMs: performance.now() - this.#started,
    };
    return { type: "finish", reason, usage, stats, ...(error ? { error } : {}) };
  }
}
