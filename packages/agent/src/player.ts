/**
 * The one place where chart and model meet. In: the legal moves, the conversation, a model. Out: one reply as events of the chart.
 * Law: never throws for what a model does; a failed, cut or illegal reply is an event like any other. Both the live actor and a
 * driver without actors call it.
 */
import { collectReply, isJsonObject, NO_STATS, NO_USAGE } from "@orrery/chat";
import type { AssistantMessage, ChatEvent, ChatModel, ChatRequest, Finish, Message, Moves, ToolCall, ToolSpec } from "@orrery/chat";
import { errorFacts, type ErrorFacts } from "./errors.ts";
import { callEvent, type AnswerEvent, type CallEvent, type MoveEvent } from "./moves.ts";
import { failureMessage, type ReplyCost, type TurnContext } from "./machines/turn-state.ts";
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

export type ReplyEvent = CallEvent | DecidedEvent | AnswerEvent | RefusedEvent | FailEvent | CancelEvent;

/** One reply, ready to be played. */
export interface Played {
  readonly events: readonly ReplyEvent[];
  /** What was said and thought beside the calls, or thought before the answer. */
  readonly said: TurnContext["said"];
  readonly cost: ReplyCost;
}

export interface PlayRequest {
  readonly model: ChatModel;
  readonly request: ChatRequest & { readonly messages: readonly Message[]; readonly tools: readonly ToolSpec[]; readonly moves: Moves };
  /** Asks the chart about guards that read the payload. Default: none do. */
  readonly accepts?: (event: MoveEvent) => boolean;
  readonly onEvent?: (event: ChatEvent) => void;
}

/** Asks the model for one reply and turns it into events. */
export async function play({ model, request, accepts, onEvent }: PlayRequest): Promise<Played> {
  let reply: { message: AssistantMessage; finish: Finish };
  try {
    reply = await collectReply(untilAborted(model.stream(request), request.signal), onEvent);
  } catch (thrown) {
    return {
      events: [{ type: "fail", error: errorFacts(thrown, "agent/model-failed") }],
      said: {},
      cost: { usage: NO_USAGE, stats: NO_STATS },
    };
  }
  const { message, finish } = reply;
  const { calls = [], content, reasoning } = message;
  const cost = { usage: finish.usage, stats: finish.stats };
  const said = { ...(calls.length > 0 && content ? { content } : {}), ...(reasoning ? { reasoning } : {}) };
  const failure = failureOf(finish, request);
  if (failure) return { events: [failure], said: {}, cost };
  if (calls.length === 0) return { events: [answerOf(message, request.moves, accepts)], said, cost };
  return { events: callsOf({ ...message, calls: withFreshIds(calls, request.messages) }, request.moves, accepts), said, cost };
}

/** Stops reading as soon as the signal fires, even if the model goes on. */
async function* untilAborted(stream: AsyncIterable<ChatEvent>, signal: AbortSignal | undefined): AsyncIterable<ChatEvent> {
  for await (const event of stream) {
    yield event;
    if (event.type === "finish") return;
    if (signal?.aborted) return yield { type: "finish", reason: "aborted", usage: NO_USAGE, stats: NO_STATS };
  }
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

function answerOf(message: AssistantMessage, legal: Moves, accepts: PlayRequest["accepts"]): AnswerEvent | RefusedEvent {
  const event: AnswerEvent = { type: "answer", text: message.content ?? "" };
  const reason =
    legal.answer === false
      ? `an answer is not legal now; ${legalCalls(legal)}`
      : legal.answer !== true
        ? problemOfText(legal.answer.schema, event.text)
        : accepts && !accepts(event)
          ? "this answer is not accepted"
          : undefined;
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
  accepts: PlayRequest["accepts"],
): readonly ReplyEvent[] {
  const { calls } = message;
  const events = calls.map((call): CallEvent => ({ type: callEvent(call.name), id: call.id, input: call.input }));
  const reasons =
    calls.length > legal.parallel
      ? calls.map(() => `at most ${legal.parallel === 1 ? "one call" : `${legal.parallel} calls`} in one reply`)
      : calls.map(
          (call, i) =>
            problemOfCall(call, legal) ?? (accepts && !accepts(events[i]!) ? `'${call.name}' does not accept this now` : undefined),
        );
  const reason = reasons.find((found) => found !== undefined);
  if (reason === undefined) return [...events, { type: "decided" }];
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
  const used = new Set([TAKEN]);
  for (const message of messages) if (message.role === "assistant") for (const { id } of message.calls ?? []) used.add(id);
  return calls.map((call) => {
    const base = call.id || "call";
    let id = base;
    for (let n = 2; used.has(id); n++) id = `${base}-${n}`;
    used.add(id);
    return id === call.id ? call : { ...call, id };
  });
}
