/** What a model is told of a tool. How it runs is the agent's business. */
import { z } from "zod";
import type { JsonSchema } from "./json.ts";
import { jsonObjectSchema } from "./message.ts";

/** Letters, digits, `_`, `-`, `.`: what Gemma 4's call syntax can spell (gemma4.md 6.6); at most 64 characters. */
export const TOOL_NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/** A declared tool: its name, what it is for, and the JSON Schema of its input (an object schema). */
export interface ToolSpec {
  readonly name: string;
  readonly description: string;
  readonly input: JsonSchema;
}

/** Checks a declaration that comes from outside. */
export const toolSpecSchema = z.object({
  name: z.string().regex(TOOL_NAME),
  description: z.string(),
  input: jsonObjectSchema,
}) satisfies z.ZodType<ToolSpec>;
