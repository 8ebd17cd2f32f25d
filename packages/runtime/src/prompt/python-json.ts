/**
 * JSON text as prompts have it: as Python's `json.dumps` writes it, which the templates of other models use. In: a JSON value. Out: text.
 * Law: it parses back to the value.
 */
import { isJsonObject, type Json } from "@orrery/chat";
import { PromptError } from "../errors.ts";
import { MAX_VALUE_DEPTH } from "./value.ts";

/**
 * `{"a": [1, 2]}`, or with an indent one entry a line. Properties that are undefined are left out.
 * @throws PromptError `prompt/too-deep`, `prompt/not-json`
 */
export function jsonText(value: Json, indent = 0): string {
  return write(value, indent, 0);
}

function write(value: Json, indent: number, depth: number): string {
  if (depth > MAX_VALUE_DEPTH)
    throw new PromptError("prompt/too-deep", `a value has more than ${MAX_VALUE_DEPTH} levels`, {
      hint: "flatten the tool result or pass it as text",
    });
  if (Array.isArray(value)) {
    const items = value.map((item: Json) => write(item, indent, depth + 1));
    return enclosed("[", items, "]", indent, depth);
  }
  if (isJsonObject(value)) {
    const entries = Object.entries(value).flatMap(([key, inner]) =>
      inner === undefined ? [] : [`${JSON.stringify(key)}: ${write(inner, indent, depth + 1)}`],
    );
    return enclosed("{", entries, "}", indent, depth);
  }
  const isScalar = value === null || typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
  if (!isScalar)
    throw new PromptError("prompt/not-json", `a value is ${typeof value} (${String(value)}), which JSON does not have`, {
      hint: "turn it into JSON first: a finite number, a string, a list or a plain object",
    });
  return JSON.stringify(value);
}

function enclosed(open: string, parts: readonly string[], close: string, indent: number, depth: number): string {
  if (parts.length === 0 || indent === 0) return `${open}${parts.join(", ")}${close}`;
  const line = (level: number) => `\n${" ".repeat(indent * level)}`;
  return `${open}${line(depth + 1)}${parts.join(`,${line(depth + 1)}`)}${line(depth)}${close}`;
}
