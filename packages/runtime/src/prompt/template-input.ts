/**
 * A conversation as chat templates expect it, in the shape that transformers gives them. In: messages, tools, quotes. Out: variables.
 * Law: every text from outside is quoted; what is not are roles, ids of our own, and the words of JSON Schema.
 */
import { isJsonObject, type Json, type JsonObject, type JsonSchema, type Message, type ToolCall, type ToolSpec } from "@orrery/chat";
import { PromptError } from "../errors.ts";
import { checkToolName } from "./declaration.ts";
import { resultText } from "./json-calls.ts";
import { jsonText } from "./python-json.ts";
import { NOBODY, type Quote } from "./quotation.ts";
import { MAX_VALUE_DEPTH } from "./value.ts";

/**
 * How a template is told of calls. `tool_calls`: as a field of the message, as most are. `content`: as the text of the message, behind a
 * control token, and results by another role; so Granite 3.1 to 3.3. `role`: the same, by a role of its own, whose token the template
 * writes; so Granite 3.0.
 */
export type CallDialect = "tool_calls" | "content" | "role";

const CALL_TOKEN = "<|tool_call|>";

/** Messages for a template. @throws PromptError `prompt/bad-tool-name`, `prompt/too-deep`, `prompt/not-json` */
export function templateMessages(messages: readonly Message[], dialect: CallDialect, quote: Quote): JsonObject[] {
  const ids = new Map<string, string>();
  const idOf = (id: string): string => {
    const ours = ids.get(id) ?? `call${String(ids.size).padStart(5, "0")}`; // nine letters and digits, as Mistral's demand
    ids.set(id, ours);
    return ours;
  };
  return messages.map((message, at): JsonObject => {
    const said = (text: string): string => quote(text, at);
    if (message.role === "tool") {
      const content = said(resultText(message.output));
      if (dialect !== "tool_calls") return { role: "tool_response", content };
      return { role: "tool", name: said(message.name), tool_call_id: idOf(message.callId), content };
    }
    if (message.role !== "assistant") return { role: message.role, content: said(message.content) };
    const { content = "", reasoning, calls = [] } = message;
    for (const { name } of calls) checkToolName(name, "a call names the tool");
    const text = said(content);
    if (calls.length > 0 && dialect !== "tool_calls") {
      const list = jsonText(calls.map(({ name, input }) => ({ name: said(name), arguments: quoted(input, said) })));
      return dialect === "role"
        ? { role: "assistant_tool_call", content: `${text}${list}` }
        : { role: "assistant", content: `${text}${CALL_TOKEN}${list}` };
    }
    return {
      role: "assistant",
      content: text,
      ...(reasoning === undefined ? {} : { reasoning_content: said(reasoning) }),
      ...(calls.length > 0 ? { tool_calls: calls.map((call) => toolCall(call, idOf(call.id), said)) } : {}),
    };
  });
}

function toolCall({ name, input }: ToolCall, id: string, said: (text: string) => string): JsonObject {
  return { type: "function", id, function: { name: said(name), arguments: quoted(input, said) } };
}

/** Tools for a template. @throws PromptError as {@link templateMessages} */
export function templateTools(tools: readonly ToolSpec[], quote: Quote): JsonObject[] {
  const word = (text: string): string => quote(text, NOBODY);
  return tools.map(({ name, description, input }) => {
    checkToolName(name, "a tool is named");
    return {
      type: "function",
      function: { name: word(name), description: word(description), parameters: quotedSchema(input, word, 0) },
    };
  });
}

type Word = (text: string) => string;

/** A value with every string and key in it quoted. */
function quoted(value: Json, word: Word, depth = 0): Json {
  checkDepth(depth);
  if (typeof value === "string") return word(value);
  if (Array.isArray(value)) return value.map((item: Json) => quoted(item, word, depth + 1));
  return isJsonObject(value)
    ? entries(value, (key, inner) => [word(key), quoted(inner, word, depth + 1)])
    : (JSON.parse(jsonText(value)) as Json);
}

const TYPES: ReadonlySet<string> = new Set(["null", "boolean", "number", "integer", "string", "array", "object"]);
/** Keywords whose value has schemas by names from outside. */
const NAMED: ReadonlySet<string> = new Set(["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"]);
/** Keywords whose value is any JSON. */
const VALUES: ReadonlySet<string> = new Set(["const", "enum", "default", "examples", "dependentRequired", "required"]);
/** All other words of JSON Schema: templates ask for them by name. */
const WORDS: ReadonlySet<string> = new Set(
  (
    "$ref $id $schema $anchor $comment $dynamicRef $dynamicAnchor title description type format pattern items prefixItems additionalItems " +
    "additionalProperties contains minContains maxContains minItems maxItems uniqueItems propertyNames minProperties maxProperties " +
    "minLength maxLength minimum maximum exclusiveMinimum exclusiveMaximum multipleOf allOf anyOf oneOf not if then else dependencies " +
    "unevaluatedItems unevaluatedProperties nullable readOnly writeOnly deprecated contentEncoding contentMediaType contentSchema " +
    "substringOf uniqueSubstringOf copyFrom"
  ).split(" "),
);

function quotedSchema(schema: Json, word: Word, depth: number): Json {
  checkDepth(depth);
  if (Array.isArray(schema)) return schema.map((item: Json) => quotedSchema(item, word, depth + 1));
  if (!isJsonObject(schema)) return quoted(schema, word, depth);
  return entries(schema, (key, value) => {
    if (NAMED.has(key) && isJsonObject(value))
      return [key, entries(value, (name, inner) => [word(name), quotedSchema(inner, word, depth + 2)])];
    if (VALUES.has(key)) return [key, quoted(value, word, depth + 1)];
    if (key === "type") return [key, typeWords(value, word, depth + 1)];
    return WORDS.has(key) ? [key, quotedSchema(value, word, depth + 1)] : [word(key), quoted(value, word, depth + 1)];
  });
}

function typeWords(type: Json, word: Word, depth: number): Json {
  if (typeof type === "string" && TYPES.has(type)) return type;
  return Array.isArray(type) ? type.map((one: Json) => typeWords(one, word, depth + 1)) : quoted(type, word, depth);
}

/** An object made anew; properties that are undefined are left out. */
function entries(object: JsonObject | JsonSchema, change: (key: string, value: Json) => [string, Json]): JsonObject {
  return Object.fromEntries(Object.entries(object).flatMap(([key, value]) => (value === undefined ? [] : [change(key, value)])));
}

function checkDepth(depth: number): void {
  if (depth > MAX_VALUE_DEPTH)
    throw new PromptError("prompt/too-deep", `a value or a tool's schema has more than ${MAX_VALUE_DEPTH} levels`, {
      hint: "flatten it, or pass it as text",
    });
}
