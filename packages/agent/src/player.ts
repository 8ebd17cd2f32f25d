/**
 * The one place where chart and model meet. In: the legal moves, the conversation, a model. Out: one reply as events of the chart.
 * Law: never throws for what a model does; a failed, cut or illegal reply is an event like any other. Both the live actor and a
 * driver without actors call it.
 */
import { collectReply, isJsonObject, NO_STATS, NO_USAGE } from "@orrery/chat";
import type { AssistantMessage, ChatEvent, ChatModel, ChatRequest, Finish, Message, Moves, ToolCall, ToolSpec } from "@orrery/chat";
import { errorFacts, type ErrorFacts } from "./errors.ts";
import { callEvent, type AnswerEvent, type CallEvent, type MoveEvent } from "./moves.ts";
import { failureMessage, freshId, type ReplyCost, type RunContext } from "./machines/chart-state.ts";
import { problemOf } from "./schema.ts";

/** Ends the calls of one reply: they are checked together from here on. */
export interface DecidedEvent {
  readonly type: "decided";
}

/** A reply that was not a legal move. `messages` tell the model so, in the conversation. */
export interface RefusedEvent {
  readonly type: "refused";
  readonly reason: string;
  readonly messages: readonly Message[];
}

/** There is no reply: the model failed, or was cut by its token limit. */
export interface FailEvent {
  readonly type: "fail";
  readonly error: ErrorFacts;
}

export interface CancelEvent {
  readonly type: "cancel";
}

/** A phase cannot go on: no move is legal, or too many illegal ones were made. */
export interface GaveUpEvent {
  readonly type: "gaveUp";
  readonly error: ErrorFacts;
}

export type ReplyEvent = CallEvent | DecidedEvent | AnswerEvent | RefusedEvent | GaveUpEvent | FailEvent | CancelEvent;

/** What is seen of a decision while it is made. */
export type DecideEmitted =
  | { readonly type: "decision"; readonly index: number; readonly moves: Moves }
  | { readonly type: "text-delta"; readonly text: string }
  | { readonly type: "reasoning-delta"; readonly text: string };

/** One reply, ready to be played. */
export interface Played {
  readonly events: readonly ReplyEvent[];
  /** What was said and thought beside the calls, or thought before the answer. */
  readonly said: RunContext["said"];
  readonly cost: ReplyCost;
}

export interface PlayRequest {
  readonly model: ChatModel;
  readonly request: ChatRequest & { readonly messages: readonly Message[]; readonly tools: readonly ToolSpec[]; readonly moves: Moves };
  /** Asks the chart about what no mask can say: why it refuses a move. Default: it does not. */
  readonly refusal?: (event: MoveEvent) => string | undefined;
  readonly onEvent?: (event: ChatEvent) => void;
}

/** Asks the model for one reply and turns it into events. */
export async function play({ model, request, refusal, onEvent }: PlayRequest): Promise<Played> {
  let reply: { message: AssistantMessage; finish: Finish };
  try {
    reply = await collectReply(untilAborted(model.stream(request), request.signal), onEvent);
  } catch (thrown) {
    return nothingPlayed({ type: "fail", error: errorFacts(thrown, "agent/model-failed") });
  }
  const { message, finish } = reply;
  const { calls = [], content, reasoning } = message;
  const cost = { usage: finish.usage, stats: finish.stats };
  const said = { ...(calls.length > 0 && content ? { content } : {}), ...(reasoning ? { reasoning } : {}) };
  if (finish.error?.code === "prompt/malformed-call") return { events: [malformed(said)], said: {}, cost };
  const failure = failureOf(finish, request);
  if (failure) return { events: [failure], said: {}, cost };
  return { events: eventsOf(message, { legal: request.moves, messages: request.messages, refusal }), said, cost };
}

/** What a reply, or a person's message in its place, means to the chart. */
export function eventsOf(message: AssistantMessage, { legal, messages, refusal }: Deciding): readonly ReplyEvent[] {
  const { calls = [] } = message;
  if (calls.length === 0) return [answerOf(message, legal, refusal)];
  return callsOf({ ...message, calls: withFreshIds(calls, messages) }, legal, refusal);
}

/** The position in which a move is made. */
export interface Deciding {
  readonly legal: Moves;
  readonly messages: readonly Message[];
  readonly refusal?: PlayRequest["refusal"];
}

/** No reply, and why. */
export function nothingPlayed(event: FailEvent | GaveUpEvent): Played {
  return { events: [event], said: {}, cost: { usage: NO_USAGE, stats: NO_STATS } };
}

/** Stops reading as soon as the signal fires, even if the model goes on. */
async function* untilAborted(stream: AsyncIterable<ChatEvent>, signal: AbortSignal | undefined): AsyncIterable<ChatEvent> {
  for await (const event of stream) {
    yield event;
    if (event.type === "finish") return;
    if (signal?.aborted) return yield { type: "finish", reason: "aborted", usage: NO_USAGE, stats: NO_STATS };
  }
}

/** A call that does not parse: the model is told, as of any other illegal move. */
function malformed(said: RunContext["said"]): RefusedEvent {
  const reason = "the call does not parse";
  return {
    type: "refused",
    reason,
    messages: [
      { role: "assistant", content: "", ...said },
      { role: "user", content: reason },
    ],
  };
}

function failureOf({ reason, error }: Finish, { maxTokens }: ChatRequest): FailEvent | CancelEvent | undefined {
  if (reason === "aborted") return { type: "cancel" };
  if (reason === "error") return { type: "fail", error: errorFacts(error ?? "the model failed without saying why", "agent/model-failed") };
  if (reason !== "length") return undefined;
  const limit = maxTokens === undefined ? "its token limit" : `${maxTokens} tokens`;
  return {
    type: "fail",
    error: {
      code: "agent/reply-cut",
      message: `the reply was cut at ${limit}`,
      hint: "raise `limits.replyTokens`, or shorten the conversation if the context is full",
    },
  };
}

function answerOf(message: AssistantMessage, legal: Moves, refusal: PlayRequest["refusal"]): AnswerEvent | RefusedEvent {
  const event: AnswerEvent = { type: "answer", text: message.content ?? "" };
  const reason =
    legal.answer === false
      ? `an answer is not legal now; ${legalCalls(legal)}`
      : legal.answer !== true
        ? problemOfText(legal.answer.schema, event.text)
        : refusal?.(event);
  if (reason === undefined) return event;
  return { type: "refused", reason, messages: [message, { role: "user", content: reason }] };
}

function problemOfText(schema: Parameters<typeof problemOf>[0], text: string): string | undefined {
  try {
    return problemOf(schema, JSON.parse(text));
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return "the answer is not JSON";
    throw thrown;
  }
}

/** All calls of the reply, then `decided`; or, if one is illegal, a refusal of all. */
function callsOf(
  message: AssistantMessage & { readonly calls: readonly ToolCall[] },
  legal: Moves,
  refusal: PlayRequest["refusal"],
): readonly ReplyEvent[] {
  const { calls } = message;
  const events = calls.map((call): CallEvent => ({ type: callEvent(call.name), id: call.id, input: call.input }));
  const alone = calls.length > 1 && calls.find(({ name }) => legal.calls.some((move) => move.name === name && move.alone));
  const reasons =
    calls.length > legal.parallel
      ? calls.map(() => `at most ${legal.parallel === 1 ? "one call" : `${legal.parallel} calls`} in one reply`)
      : alone
        ? calls.map(() => `'${alone.name}' must be the only call of a reply`)
        : calls.map((call, i) => problemOfCall(call, legal) ?? refusal?.(events[i]!));
  const reason = reasons.find((found) => found !== undefined);
  const exits = calls.length === 1 && legal.calls.find(({ name }) => name === calls[0]!.name)?.alone === true;
  if (reason === undefined) return exits ? events : [...events, { type: "decided" }];
  const results = calls.map((call, i) =>
    failureMessage(call, reasons[i] ?? "not run, because another call of the same reply was not legal"),
  );
  return [{ type: "refused", reason, messages: [message, ...results] }];
}

function problemOfCall({ name, input }: ToolCall, legal: Moves): string | undefined {
  const move = legal.calls.find((call) => call.name === name);
  if (!move) return `'${name}' is not legal now; ${legalCalls(legal)}`;
  return isJsonObject(input) ? problemOf(move.input, input) : "the input must be an object";
}

function legalCalls({ calls, answer }: Moves): string {
  const names = [...calls.map(({ name }) => name), ...(answer === false ? [] : ["an answer"])];
  return `legal: ${names.join(", ")}`;
}

/** The chart's own actor; a call of that id would take its place. */
const TAKEN = "decide";

/** Ids are unique within a conversation, whatever the model counts from. */
function withFreshIds(calls: readonly ToolCall[], messages: readonly Message[]): readonly ToolCall[] {
  const taken = new Set([TAKEN]);
  return calls.map((call) => {
    const id = freshId(call.id || "call", messages, taken);
    taken.add(id);
    return id === call.id ? call : { ...call, id };
  });
}
