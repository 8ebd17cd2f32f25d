/**
 * The conversation as data: system and user text, the model's text and calls, the results of tools. Text in a message is only ever
 * text: no renderer may turn a part of it into a control token.
 */
import { z } from "zod";
import { isJsonObject, type Json, type JsonObject } from "./json.ts";

/** Any JSON object; what lies in it is not looked at. */
export const jsonObjectSchema: z.ZodType<JsonObject> = z.custom<JsonObject>(isJsonObject, "expected a JSON object");

/** A call as the model made it: input parsed, not yet validated by whoever runs the tool. */
export interface ToolCall {
  /** Unique within a conversation. */
  readonly id: string;
  readonly name: string;
  readonly input: JsonObject;
}

/** What the program tells the model before anything else. */
export interface SystemMessage {
  readonly role: "system";
  readonly content: string;
}
/** What the user says. */
export interface UserMessage {
  readonly role: "user";
  readonly content: string;
}
/** What the model said: a thought, then calls, then text; each may be absent. */
export interface AssistantMessage {
  readonly role: "assistant";
  readonly content?: string | undefined;
  readonly reasoning?: string | undefined;
  readonly calls?: readonly ToolCall[] | undefined;
}
/** The result of one call. An object is rendered as an object, anything else as `{ value }`. */
export interface ToolMessage {
  readonly role: "tool";
  readonly callId: string;
  readonly name: string;
  readonly output: Json;
}

/** One entry of a conversation. */
export type Message = SystemMessage | UserMessage | AssistantMessage | ToolMessage;

/** Checks a call that comes from outside. */
export const toolCallSchema = z.object({
  id: z.string().min(1),
  name: z.string().min(1),
  input: jsonObjectSchema,
}) satisfies z.ZodType<ToolCall>;

/** Checks a message that comes from outside (a saved conversation, an HTTP body). */
export const messageSchema = z.discriminatedUnion("role", [
  z.object({ role: z.literal("system"), content: z.string() }),
  z.object({ role: z.literal("user"), content: z.string() }),
  z.object({
    role: z.literal("assistant"),
    content: z.string().optional(),
    reasoning: z.string().optional(),
    calls: z.array(toolCallSchema).optional(),
  }),
  z.object({ role: z.literal("tool"), callId: z.string(), name: z.string(), output: z.json() as z.ZodType<Json> }),
]) satisfies z.ZodType<Message>;
