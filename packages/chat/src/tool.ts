/** What a model is told of a tool. How it runs is the agent's business. */
import type { JsonSchema } from "./json.ts";

/** Letters, digits, `_`, `-`, `.`: what Gemma 4's call syntax can spell; at most 64 characters. */
export const TOOL_NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/** A declared tool: its name, what it is for, and the JSON Schema of its input (an object schema). */
export interface ToolSpec {
  readonly name: string;
  readonly description: string;
  readonly input: JsonSchema;
}
