/**
 * A conversation in the form of OpenTelemetry (gen-ai-input-messages.json, gen-ai-output-messages.json). In: messages. Out: JSON for
 * `gen_ai.input.messages` and its like.
 */
import type { AssistantMessage, Json, JsonObject, Message } from "@orrery/chat";

/** The conversation without its first system message, which is {@link instructionsOf}. */
export function inputMessages(messages: readonly Message[]): Json {
  return (messages[0]?.role === "system" ? messages.slice(1) : messages).map(messageOf);
}

/** `gen_ai.system_instructions`, where the conversation begins with some. */
export function instructionsOf([first]: readonly Message[]): Json | undefined {
  return first?.role === "system" ? [text(first.content)] : undefined;
}

export function outputMessages(message: Omit<AssistantMessage, "role">, finishReason: string): Json {
  return [{ role: "assistant", parts: partsOf(message), finish_reason: finishReason }];
}

function messageOf(message: Message): JsonObject {
  if (message.role === "assistant") return { role: "assistant", parts: partsOf(message) };
  if (message.role === "tool")
    return { role: "tool", parts: [{ type: "tool_call_response", id: message.callId, response: message.output }] };
  return { role: message.role, parts: [text(message.content)] };
}

function partsOf({ reasoning, content, calls = [] }: Omit<AssistantMessage, "role">): JsonObject[] {
  return [
    ...(reasoning ? [{ type: "reasoning", content: reasoning }] : []),
    ...(content ? [text(content)] : []),
    ...calls.map(({ id, name, input }): JsonObject => ({ type: "tool_call", id, name, arguments: input })),
  ];
}

function text(content: string): JsonObject {
  return { type: "text", content };
}
