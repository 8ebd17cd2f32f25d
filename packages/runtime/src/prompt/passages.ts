/**
 * What was said or returned so far, as texts that a value can be copied from. In: messages. Out: passages, in the conversation's order.
 * Law: the inputs of the model's own calls are no source, so a mangled copy never becomes the reason for the next one.
 */
import { isJsonObject, type Json, type Message } from "@orrery/chat";

/**
 * The passages of a conversation: what system, user and assistant said, one each; of a tool's result every text, every key, and every
 * number as JSON spells it.
 */
export function passagesOf(messages: readonly Message[]): string[] {
  const passages: string[] = [];
  for (const message of messages) {
    if (message.role === "tool") addLeaves(message.output, passages);
    else if (message.content) passages.push(message.content);
  }
  return passages;
}

/** Breadth first, so that no depth of a result can exhaust the stack. */
function addLeaves(output: Json, passages: string[]): void {
  const open: Json[] = [output];
  for (const value of open) {
    if (typeof value === "string") passages.push(value);
    else if (typeof value === "number") passages.push(String(value));
    else if (Array.isArray(value)) for (const item of value) open.push(item);
    else if (isJsonObject(value)) {
      for (const [key, item] of Object.entries(value)) {
        passages.push(key);
        if (item !== undefined) open.push(item);
      }
    }
  }
}
