/**
 * A ChatModel that plays replies from a list: for tests of whatever talks to a model. It keeps the port's contract (moves are
 * checked, one finish, abort honoured) and says what was asked for when the list is too short.
 */
import { ChatError } from "./errors.ts";
import type { JsonObject } from "./json.ts";
import { NO_STATS, NO_USAGE, type ChatEvent, type ChatModel, type ChatRequest, type Finish, type FinishReason } from "./model.ts";
import { resolveMoves } from "./moves.ts";

/** One reply: a text, calls, or a failure. */
export type ScriptedReply =
  | string
  | { readonly calls: readonly { readonly name: string; readonly input: JsonObject }[] }
  | { readonly fail: FinishReason & ("length" | "aborted" | "error") }
  | ((request: ChatRequest) => ScriptedReply);

export interface ScriptedModel extends ChatModel {
  /** Every request so far, in order. */
  readonly requests: readonly ChatRequest[];
  /** @throws ChatError `chat/script-unused` when replies are left. */
  assertComplete(): void;
}

/**
 * @example
 * const model = scriptedModel([{ calls: [{ name: "add", input: { a: 1, b: 2 } }] }, "3"]);
 */
export function scriptedModel(replies: readonly ScriptedReply[], options: { id?: string; contextLength?: number } = {}): ScriptedModel {
  const queue = [...replies];
  const requests: ChatRequest[] = [];
  let callCount = 0;

  async function* play(request: ChatRequest, next: ScriptedReply): AsyncGenerator<ChatEvent> {
    let reply = next;
    while (typeof reply === "function") reply = reply(request);
    const finish = (reason: FinishReason): Finish => ({
      type: "finish",
      reason,
      usage: NO_USAGE,
      stats: NO_STATS,
      ...(reason === "error" ? { error: new ChatError("chat/scripted-failure", "the script asked for this failure") } : {}),
    });
    await Promise.resolve();
    if (request.signal?.aborted) return yield finish("aborted");
    if (typeof reply === "string") {
      for (const text of reply.match(/\s*\S+|\s+$/g) ?? []) {
        yield { type: "text-delta", text };
        if (request.signal?.aborted) return yield finish("aborted");
      }
      return yield finish("stop");
    }
    if ("fail" in reply) return yield finish(reply.fail);
    for (const { name, input } of reply.calls) {
      const id = `call-${++callCount}`;
      yield { type: "tool-call-delta", id, name, text: JSON.stringify(input) };
      yield { type: "tool-call", call: { id, name, input } };
    }
    yield finish("tool-calls");
  }

  return {
    id: options.id ?? "scripted",
    contextLength: options.contextLength ?? 8192,
    requests,
    stream(request) {
      resolveMoves(request.tools ?? [], request.moves);
      requests.push(request);
      const reply = queue.shift();
      if (reply === undefined)
        throw new ChatError(
          "chat/script-exhausted",
          `request ${requests.length} has no scripted reply; its last message: ${JSON.stringify(request.messages.at(-1))}`,
          { hint: `add a reply: the script had ${replies.length}` },
        );
      return play(request, reply);
    },
    assertComplete() {
      if (queue.length > 0)
        throw new ChatError("chat/script-unused", `${queue.length} of ${replies.length} scripted replies were not used`, {
          hint: "remove the spare replies, or find out why the run ended early",
        });
    },
  };
}
