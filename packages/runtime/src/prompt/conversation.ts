/** What makes a list of messages a conversation: every call answered by exactly one result, before anybody speaks again. */
import type { Message, ToolCall } from "@orrery/chat";
import { PromptError } from "../errors.ts";

/**
 * @throws PromptError `prompt/no-messages`; `prompt/duplicate-call` two calls with one id; `prompt/result-without-call`;
 *   `prompt/duplicate-result`; `prompt/result-name` a result under another name than its call; `prompt/unanswered-call` (calls that end
 *   the conversation may wait, but then for all their results)
 */
export function checkConversation(messages: readonly Message[]): void {
  if (messages.length === 0)
    throw new PromptError("prompt/no-messages", "the conversation is empty", { hint: "give at least one message" });
  const seen = new Set<string>();
  let waiting: { calls: Map<string, ToolCall>; answered: boolean } = { calls: new Map(), answered: false };
  messages.forEach((message, at) => {
    if (message.role === "tool") {
      answer(message.callId, message.name, at, waiting.calls, seen);
      waiting.answered = true;
      return;
    }
    refuseUnanswered(waiting.calls, at);
    if (message.role !== "assistant") return;
    const calls = message.calls ?? [];
    for (const { id } of calls) {
      if (seen.has(id))
        throw new PromptError("prompt/duplicate-call", `messages[${at}]: the call id ${show(id)} is taken`, {
          hint: "call ids are unique in a conversation",
        });
      seen.add(id);
    }
    waiting = { calls: new Map(calls.map((call) => [call.id, call])), answered: false };
  });
  if (waiting.answered) refuseUnanswered(waiting.calls, messages.length);
}

function answer(id: string, name: string, at: number, waiting: Map<string, ToolCall>, seen: ReadonlySet<string>): void {
  const call = waiting.get(id);
  if (!call) {
    const [code, fact] = seen.has(id)
      ? (["prompt/duplicate-result", "has its result already"] as const)
      : (["prompt/result-without-call", "was not made before it"] as const);
    throw new PromptError(code, `messages[${at}]: a result for call ${show(id)}, which ${fact}`, {
      hint: "results follow directly on the message with their calls, one for each",
    });
  }
  if (call.name !== name)
    throw new PromptError(
      "prompt/result-name",
      `messages[${at}]: the result of call ${show(id)} says tool ${show(name)}, the call says ${show(call.name)}`,
      { hint: "give the result the name of its call" },
    );
  waiting.delete(id);
}

function refuseUnanswered(waiting: ReadonlyMap<string, ToolCall>, at: number): void {
  const [missing] = waiting.values();
  if (missing)
    throw new PromptError(
      "prompt/unanswered-call",
      `messages[${at}]: the call ${show(missing.id)} of ${show(missing.name)} has no result yet`,
      {
        hint: "add a tool message for every call, also for one that failed or was cancelled",
      },
    );
}

const show = (text: string) => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
