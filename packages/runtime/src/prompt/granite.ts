/**
 * Granite's chat format. In: its template, of which every version has words of its own. Out: a prompt format by that template. Law: calls
 * and results are told in the way that the version was trained on.
 *
 * Granite 4 writes calls as `<tool_call>{"name", "arguments"}</tool_call>`, and its template does. Those before answer with `<|tool_call|>`
 * and a JSON list, and are given results by the role tool_response (IBM's prompt guides for 3.0 to 3.3); their templates know neither
 * calls nor results as fields of a message, so both are handed to them as text and role.
 */
import { jinjaFormat, type JinjaFacts } from "./jinja.ts";
import type { PromptFormat } from "./prompt-format.ts";
import type { CallDialect } from "./template-input.ts";

/** What no other format's vocabulary has. */
export const GRANITE_TOKENS = ["<|start_of_role|>", "<|end_of_role|>", "<|end_of_text|>"] as const;

export function graniteFormat(facts: Omit<JinjaFacts, "name" | "dialect">): PromptFormat {
  return jinjaFormat({ ...facts, name: "granite", dialect: dialectOf(facts.source) });
}

function dialectOf(source: string): CallDialect {
  if (source.includes("tool_calls")) return "tool_calls";
  return source.includes("assistant_tool_call") ? "role" : "content";
}
