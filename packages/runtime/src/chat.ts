/**
 * One chat request through the runtime. In: a request and the parts of a loaded model. Out: the port's event stream.
 * Law: wrong requests throw before the first event; whatever happens later is the one `finish`.
 */
import { resolveMoves, toOrreryError, type AssistantMessage, type ChatEvent, type ChatRequest, type Finish } from "@orrery/chat";
import { callMarks } from "./call-marks.ts";
import type { ConstraintEngine } from "./constraint/engine.ts";
import type { ConstraintFeatures } from "./constraint/features.ts";
import { trieOf } from "./constraint/trie.ts";
import { refuseLong, refuseUnread, type ContextRoom } from "./context-room.ts";
import { PromptError } from "./errors.ts";
import { generate, tokenLimit, type GeneratedToken, type Steering } from "./generate.ts";
import type { Manifest } from "./manifest.ts";
import { Governor } from "./precision/governor.ts";
import type { PrecisionPolicy } from "./precision/policy.ts";
import { canThink, requireFormat, type ChatFormat } from "./prompt/format.ts";
import { encodeConversation, type ReplyMemory } from "./prompt/memory.ts";
import { passagesOf } from "./prompt/passages.ts";
import type { Piece } from "./prompt/pieces.ts";
import { endsInThought, type PromptFormat } from "./prompt/prompt-format.ts";
import { createReplyParser, type ReplyParser } from "./prompt/reply.ts";
import { createJsonReplyParser } from "./prompt/json-reply.ts";
import { createTextReplyParser } from "./prompt/text-reply.ts";
import { ReplyReader, type ReplyEvent, type ReplyShape } from "./reply-events.ts";
import { biasStrengths, createReplyBias, type ReplyBias } from "./sampling/reply-bias.ts";
import { createSampler, type Sampler } from "./sampling/sample.ts";
import type { SequencePool } from "./sequence/pool.ts";
import type { Tokenizer } from "./tokenizer/vocabulary.ts";

/** What a chat needs of a loaded model. */
export interface ChatParts extends ContextRoom {
  readonly tokenizer: Tokenizer;
  readonly promptFormat: PromptFormat;
  readonly constraints: ConstraintEngine;
  readonly pool: SequencePool;
  readonly memory: ReplyMemory;
  /** Left out, or null, where the weights leave no choice. */
  readonly policy?: PrecisionPolicy | null;
  /** The model's own strengths, where a request names none. */
  readonly sampling?: Manifest["sampling"];
  /** Logits in a row. Some models have more than their tokenizer has tokens: no mask has the surplus. */
  readonly vocabularySize: number;
  /** See {@link Session.sparseHead}; default false. */
  readonly sparseHead?: boolean;
  /** Where given, no mask holds the model to the moves, and these tokens end its reply. */
  readonly stop?: ReadonlySet<number>;
}

/** Reply tokens where the request names no limit. Replies that Orrery Mini was trained on have fewer than 200. */
const DEFAULT_MAX_TOKENS = 512;

export interface Prepared {
  /** Its messages are a copy: a caller may push to its own list while the reply streams. */
  readonly request: ChatRequest;
  readonly prompt: readonly number[];
  /** The prompt leaves the model inside a thought. */
  readonly inThought: boolean;
  /** The reply may be calls. */
  readonly calling: boolean;
  readonly steering: Steering;
  readonly sampler: Sampler;
  readonly bias: ReplyBias | undefined;
  readonly maxTokens: number;
}

/**
 * Checks and renders a request, then answers it.
 * @throws ChatError, PromptError, ConstraintError, TokenizerError, ContextLengthError at once, before the first event
 */
export function chat(parts: ChatParts, request: ChatRequest): AsyncGenerator<ChatEvent> {
  const started = performance.now();
  const prepared = prepare(parts, request);
  return reply(parts, prepared, new ReplyRecord(prepared.prompt.length, started));
}

/** @throws as {@link chat} */
export function prepare(parts: ChatParts, request: ChatRequest): Prepared {
  const { format } = parts.promptFormat;
  requireFormat(parts.tokenizer, format);
  const tools = request.tools ?? [];
  if (tools.length > 0) requireCalls(format);
  const thinking = request.thinking ?? false;
  if (thinking && !canThink(parts.tokenizer, format)) throw cannotThink(format);
  const moves = resolveMoves(tools, request.moves);
  const pieces = parts.promptFormat.render(request.messages, tools, { thinking });
  const inThought = endsInThought(pieces, format);
  const thought = inThought ? "open" : thinking ? "optional" : "none";
  const grammar = parts.stop ? null : parts.constraints.compile(moves, thought, () => passagesOf(request.messages));
  refuseUnread(textUnits(pieces), parts);
  const prompt = encodeConversation(pieces, parts.tokenizer, parts.memory);
  refuseLong(prompt.length, parts);
  const maxTokens = tokenLimit(request.maxTokens ?? DEFAULT_MAX_TOKENS, parts.contextLength - prompt.length);
  const sampler = createSampler(request.sampling ?? {}, parts.vocabularySize);
  const messages = [...request.messages];
  const bias = replyBias(parts, { ...request, messages });
  const calling = moves.calls.length > 0;
  const steering = grammar ? { grammar: grammar.start() } : { stop: parts.stop! };
  return { request: { ...request, messages }, prompt, inThought, calling, steering, sampler, bias, maxTokens };
}

/** @throws ChatError `chat/bad-sampling` */
function replyBias({ tokenizer, promptFormat, sampling: own }: ChatParts, { messages, sampling }: ChatRequest): ReplyBias | undefined {
  const strengths = biasStrengths(sampling, own);
  const { format } = promptFormat;
  if (format.calls === "none" || (strengths.copyBias === 0 && strengths.callOffset === 0)) return undefined;
  const trie = trieOf(tokenizer);
  const marks = callMarks(tokenizer, trie, format);
  return createReplyBias(strengths, { vocabulary: tokenizer, trie, marks, passages: () => passagesOf(messages) });
}

/** Reads the ids of a prepared request's reply. */
export function replyParser({ tokenizer, promptFormat }: ChatParts, { inThought, calling }: Prepared): ReplyParser {
  const { format } = promptFormat;
  if (format.calls === "native") return createReplyParser(tokenizer, format, { inThought });
  return format.calls === "json" && calling ? createJsonReplyParser(tokenizer, format) : createTextReplyParser(tokenizer, format);
}

/** @throws PromptError `prompt/no-calls`: a prompt must not declare tools whose calls nobody would read */
function requireCalls(format: ChatFormat): void {
  if (format.calls !== "none") return;
  throw new PromptError(
    "prompt/no-calls",
    `tools are declared, and it is not known how a model of the chat format ${format.name} writes calls`,
    {
      hint: "ask without tools, or load a model whose format has calls: docs/formats.md lists them",
    },
  );
}

function cannotThink(format: ChatFormat): PromptError {
  return new PromptError("prompt/no-thoughts", `thinking is asked for, and the chat format ${format.name} has no thoughts for this model`, {
    hint: "leave `thinking` out, or load a model that has them: docs/formats.md",
  });
}

/** What is on, as far as the session can do it. */
function featuresOf({ constraints: { features }, sparseHead = false }: ChatParts): ConstraintFeatures {
  return { ...features, sparseHead: features.sparseHead && sparseHead };
}

/** A policy at work on one reply; undefined where there is nothing to choose. */
export function governorOf({ policy }: ChatParts): Governor | undefined {
  return policy ? new Governor(policy) : undefined;
}

function textUnits(pieces: readonly Piece[]): number {
  let units = 0;
  for (const piece of pieces) for (const segment of piece.segments) if ("text" in segment) units += segment.text.length;
  return units;
}

type Ending = Pick<Finish, "reason" | "error">;

/** Whatever happens, one finish; when it is given out, the sequence has been given back. */
async function* reply(parts: ChatParts, prepared: Prepared, record: ReplyRecord): AsyncGenerator<ChatEvent> {
  let ending: Ending;
  try {
    ending = yield* answer(parts, prepared, record);
  } catch (thrown) {
    const error = toOrreryError(thrown, "runtime/reply-failed");
    ending = error.code === "session/aborted" ? { reason: "aborted" } : { reason: "error", error };
  }
  yield record.finish(ending);
}

async function* answer(parts: ChatParts, prepared: Prepared, record: ReplyRecord): AsyncGenerator<ReplyEvent, Ending> {
  const { request, prompt } = prepared;
  if (request.signal?.aborted) return { reason: "aborted" };

  const taken = new Set(
    request.messages.flatMap((message) => (message.role === "assistant" ? (message.calls ?? []) : [])).map(({ id }) => id),
  );
  const reader = new ReplyReader(replyParser(parts, prepared), taken);
  const { sequence, cached } = parts.pool.acquire(prompt);
  record.cached = cached;
  const governor = governorOf(parts);
  record.governor = governor;
  try {
    const tokens = generate({
      sequence,
      prompt: prompt.slice(cached),
      steering: prepared.steering,
      sampler: prepared.sampler,
      bias: prepared.bias,
      governor,
      features: featuresOf(parts),
      limits: { maxTokens: prepared.maxTokens, signal: request.signal },
    });
    for await (const token of tokens) {
      record.add(token);
      yield* record.events(reader.push(token.id));
    }
    yield* record.events(reader.end());
  } finally {
    record.computed = Math.max(0, Math.min(sequence.length, prompt.length) - cached);
    parts.pool.release(sequence);
  }

  if (reader.shape === "malformed") {
    const hint = parts.stop ? "ask again, or under the mask" : "ask again, and report it: under the compiled constraint it does not happen";
    return { reason: "error", error: new PromptError("prompt/malformed-call", "the model wrote a call that does not parse", { hint }) };
  }
  if (reader.shape !== "incomplete") {
    const key = parts.promptFormat.replyKey(request.messages, record.message, request.tools, { thinking: request.thinking ?? false });
    if (key !== undefined) parts.memory.remember(key, record.ids);
  }
  return { reason: REASONS[reader.shape] };
}

const REASONS = { incomplete: "length", text: "stop", calls: "tool-calls" } as const satisfies Record<
  Exclude<ReplyShape, "malformed">,
  string
>;

/** Keeps count of a reply: its ids, its message, its usage, its times. */
export class ReplyRecord {
  readonly ids: number[] = [];
  /** Tokens of the prompt that the sequence held, and that were computed. */
  cached = 0;
  computed = 0;
  governor: Governor | undefined;
  readonly #promptTokens: number;
  readonly #started: number;
  #firstTokenMs = 0;
  #forced = 0;
  /** Sampled tokens of which it is known what the mask removed. */
  #measured = 0;
  #maskedSum = 0;
  #maskedMax = 0;
  #text = "";
  #reasoning = "";
  readonly #calls: NonNullable<AssistantMessage["calls"]>[number][] = [];

  /** @param started When the request came, by `performance.now()`. */
  constructor(promptTokens: number, started: number) {
    this.#promptTokens = promptTokens;
    this.#started = started;
  }

  add(token: GeneratedToken): void {
    if (this.ids.length === 0) this.#firstTokenMs = performance.now() - this.#started;
    this.ids.push(token.id);
    if (token.forced) this.#forced++;
    if (token.forced || token.maskedMass === null) return;
    this.#measured++;
    this.#maskedSum += token.maskedMass;
    this.#maskedMax = Math.max(this.#maskedMax, token.maskedMass);
  }

  /** Passes events on and keeps what belongs to the message. */
  events(events: readonly ReplyEvent[]): readonly ReplyEvent[] {
    for (const event of events) {
      if (event.type === "text-delta") this.#text += event.text;
      else if (event.type === "reasoning-delta") this.#reasoning += event.text;
      else if (event.type === "tool-call") this.#calls.push(event.call);
    }
    return events;
  }

  get message(): AssistantMessage {
    return {
      role: "assistant",
      ...(this.#text ? { content: this.#text } : {}),
      ...(this.#reasoning ? { reasoning: this.#reasoning } : {}),
      ...(this.#calls.length > 0 ? { calls: this.#calls } : {}),
    };
  }

  finish(ending: Ending): Finish {
    const sampledTokens = this.ids.length - this.#forced;
    return {
      type: "finish",
      ...ending,
      usage: {
        promptTokens: this.#promptTokens,
        cachedTokens: this.cached,
        computedTokens: this.computed,
        replyTokens: this.ids.length,
        forcedTokens: this.#forced,
      },
      stats: {
        maskedMass: this.#measured > 0 ? this.#maskedSum / this.#measured : 0,
        maskedMassMax: this.#maskedMax,
        sampledTokens,
        firstTokenMs: this.#firstTokenMs,
        totalMs: performance.now() - this.#started,
        ...(this.governor === undefined ? {} : { precision: this.governor.counts }),
      },
    };
  }
}
