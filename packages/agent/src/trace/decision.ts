/**
 * A decision as attributes of its `chat` span. In: what the model was asked, what it may do, what it did. Out: attributes, and why it is
 * a failure where it is one. Law: names and numbers; text of the conversation only with `content`.
 */
import type { AssistantMessage, Json, Moves, ToolCall } from "@orrery/chat";
import type { ErrorFacts } from "../errors.ts";
import type { RunContext } from "../machines/chart-state.ts";
import { nameOfCall } from "../moves.ts";
import type { Played, ReplyEvent } from "../player.ts";
import { inputMessages, instructionsOf, outputMessages } from "./content.ts";

/** What is known when the model is asked. */
export interface Asked {
  readonly context: RunContext;
  /** Undefined until it is known, and where no move is legal. */
  moves?: Moves;
}

/** An attribute bag under construction. */
export type Bag = Record<string, Json>;

/** An answer among the names of moves: no tool is called so where one may answer. */
const ANSWER = "answer";

export function askedAttributes(bag: Bag, { context, moves }: Asked, content: boolean): void {
  const { sampling, decisions, untrusted, messages } = context;
  bag["orrery.decision"] = decisions;
  if (sampling?.temperature !== undefined) bag["gen_ai.request.temperature"] = sampling.temperature;
  if (sampling?.topK !== undefined) bag["gen_ai.request.top_k"] = sampling.topK;
  if (sampling?.topP !== undefined) bag["gen_ai.request.top_p"] = sampling.topP;
  if (sampling?.seed !== undefined) bag["gen_ai.request.seed"] = sampling.seed;
  if (moves) {
    const names = moves.calls.map(({ name }) => name);
    bag["orrery.moves"] = moves.answer === false ? names : [...names, ANSWER];
    if (moves.parallel > 1) bag["orrery.parallel"] = moves.parallel;
    if (typeof moves.answer === "object") bag["gen_ai.output.type"] = "json";
  }
  if (untrusted.length > 0) bag["orrery.untrusted"] = untrusted;
  if (!content) return;
  const instructions = instructionsOf(messages);
  if (instructions !== undefined) bag["gen_ai.system_instructions"] = instructions;
  bag["gen_ai.input.messages"] = inputMessages(messages);
}

/** @returns why the reply came to nothing, if it did */
export function playedAttributes(
  bag: Bag,
  { events, said, cost: { usage, stats } }: Played,
  { content, known }: { readonly content: boolean; readonly known: (name: string) => boolean },
): ErrorFacts | undefined {
  const reply = replyOf(events, said);
  bag["gen_ai.response.finish_reasons"] = [reply.finishReason];
  if (stats.firstTokenMs > 0) bag["gen_ai.response.time_to_first_chunk"] = stats.firstTokenMs / 1000;
  bag["gen_ai.usage.input_tokens"] = usage.promptTokens;
  bag["gen_ai.usage.output_tokens"] = usage.replyTokens;
  bag["gen_ai.usage.cache_read.input_tokens"] = usage.cachedTokens;
  bag["orrery.usage.forced_tokens"] = usage.forcedTokens;
  bag["orrery.usage.sampled_tokens"] = stats.sampledTokens;
  bag["orrery.masked_mass"] = stats.maskedMass;
  bag["orrery.masked_mass_max"] = stats.maskedMassMax;
  const { calls = [] } = reply.message;
  if (calls.length > 0) bag["orrery.chosen"] = calls.map(({ name }) => (known(name) ? name : "(unknown)"));
  else if (reply.message.content !== undefined) bag["orrery.chosen"] = [ANSWER];
  if (content && (calls.length > 0 || reply.message.content !== undefined))
    bag["gen_ai.output.messages"] = outputMessages(reply.message, reply.finishReason);
  return reply.failure;
}

interface Replied {
  readonly message: Omit<AssistantMessage, "role">;
  readonly finishReason: string;
  readonly failure?: ErrorFacts;
}

function replyOf(events: readonly ReplyEvent[], said: Played["said"]): Replied {
  const last = events.at(-1);
  switch (last?.type) {
    case "answer":
      return { message: { ...said, content: last.text }, finishReason: "stop" };
    case "refused": {
      const [reply] = last.messages;
      const message: Replied["message"] = reply?.role === "assistant" ? reply : {};
      const failure = { code: "agent/illegal-move", message: last.reason };
      return { message, finishReason: message.calls ? "tool_call" : "stop", failure };
    }
    case "fail":
    case "gaveUp":
      return { message: {}, finishReason: last.error.code === "agent/reply-cut" ? "length" : "error", failure: last.error };
    case "cancel":
      return { message: {}, finishReason: "aborted" };
    default:
      return { message: { ...said, calls: events.flatMap(callOf) }, finishReason: "tool_call" };
  }
}

function callOf(event: ReplyEvent): ToolCall[] {
  return "input" in event ? [{ id: event.id, name: nameOfCall(event), input: event.input }] : [];
}
