/** What the prompt and tokenizer tests read: the embedded model's tokenizer, and conversations with the prompts they must give. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { isJsonObject, type Json, type JsonObject, type Message, type ToolCall, type ToolSpec } from "@orrery/chat";
import { Template } from "@huggingface/jinja";
import fc from "fast-check";
import { createTokenizer } from "../tokenizer/tokenizer.ts";
import type { Tokenizer } from "../tokenizer/vocabulary.ts";

const FIXTURES = new URL("../../fixtures/prompt/", import.meta.url);
const MODEL = new URL("../../../model/data/", import.meta.url);

/** Code points that Orrery Mini's vocabulary cannot spell, so that encoding loses them: six control characters, planes 4 to 11. */
const LACKING: readonly number[] = [0x04, 0x06, 0x13, 0x14, 0x16, 0x1d];

/** Well-formed text of any code points that the vocabulary can spell. (fast-check's own unit for all of them takes seconds to make.) */
export function anyText(): fc.Arbitrary<string> {
  const point = fc.oneof(
    fc.integer({ min: 0, max: 0xd7ff }),
    fc.integer({ min: 0xe000, max: 0x3ffff }),
    fc.integer({ min: 0xc0000, max: 0x10ffff }),
  );
  return fc.string({ unit: point.map((code) => (LACKING.includes(code) ? "?" : String.fromCodePoint(code))) });
}

let mini: Tokenizer | undefined;

/** Orrery Mini's tokenizer, made once. */
export function miniTokenizer(): Tokenizer {
  mini ??= createTokenizer(readJson(new URL("tokenizer.json", MODEL)), readJson(new URL("tokenizer_config.json", MODEL)));
  return mini;
}

interface OpenAiCall {
  readonly id?: string;
  readonly name?: string;
  readonly arguments?: JsonObject;
  readonly function?: { readonly name: string; readonly arguments: JsonObject };
}

export interface OpenAiMessage {
  readonly role: "system" | "developer" | "user" | "assistant" | "tool";
  readonly content?: Json;
  readonly reasoning?: string;
  readonly name?: string;
  readonly tool_call_id?: string;
  readonly tool_calls?: readonly OpenAiCall[];
  readonly tool_responses?: readonly { readonly name: string; readonly response: Json }[];
}

type OpenAiFunction = { readonly name: string; readonly description?: string; readonly parameters?: JsonObject };
export type OpenAiTool = OpenAiFunction | { readonly function: OpenAiFunction };

export interface GoldenPrompt {
  readonly name: string;
  readonly template: "small" | "large";
  readonly thinking: boolean;
  readonly addGenerationPrompt: boolean;
  readonly messages: readonly OpenAiMessage[];
  readonly tools?: readonly OpenAiTool[] | null;
  readonly prompt: string;
}

export interface TrainedConversation {
  readonly id: string;
  readonly kind: string;
  /** Text, and whether the model wrote it. */
  readonly segments: readonly (readonly [string, boolean])[];
  readonly tools: readonly OpenAiTool[];
  readonly messages: readonly OpenAiMessage[];
}

export const goldenPrompts = (): readonly GoldenPrompt[] => readJson(new URL("gemma4-conversations.json.gz", FIXTURES));
export const trainedConversations = (): readonly TrainedConversation[] => readJson(new URL("orrery-mini-conversations.json.gz", FIXTURES));
export const referencePrompts = (): readonly { readonly name: string; readonly text: string; readonly ids: readonly number[] }[] =>
  readJson(new URL("reference-prompts.json.gz", FIXTURES));

function readJson<T>(url: URL): T {
  const bytes = readFileSync(url);
  return JSON.parse((url.pathname.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8")) as T;
}

export function toTool(tool: OpenAiTool): ToolSpec {
  const { name, description = "", parameters = {} } = "function" in tool ? tool.function : tool;
  return { name, description, input: parameters };
}

/** Messages in OpenAI's shape as ours: developer is system, parts of text are joined, results belong to the calls before them. */
export function toMessages(messages: readonly OpenAiMessage[]): Message[] {
  const ours: Message[] = [];
  let waiting: ToolCall[] = [];
  for (const [at, message] of messages.entries()) {
    const content = textOf(message.content);
    if (message.role === "system" || message.role === "developer") ours.push({ role: "system", content });
    else if (message.role === "user") ours.push({ role: "user", content });
    else if (message.role === "tool") {
      const call = waiting.find(({ id }) => id === message.tool_call_id) ?? waiting[0]!;
      waiting = waiting.filter((one) => one !== call);
      ours.push({ role: "tool", callId: call.id, name: call.name, output: message.content ?? null });
    } else {
      const calls = (message.tool_calls ?? []).map((call, i) => toCall(call, `${at}.${i}`));
      waiting = [...calls];
      ours.push({ role: "assistant", content, reasoning: message.reasoning, calls });
      for (const { name, response } of message.tool_responses ?? [])
        ours.push({ role: "tool", callId: waiting.shift()!.id, name, output: response });
    }
  }
  return ours;
}

function toCall(call: OpenAiCall, id: string): ToolCall {
  return { id: call.id ?? id, name: call.function?.name ?? call.name!, input: call.function?.arguments ?? call.arguments ?? {} };
}

function textOf(content: Json | undefined): string {
  if (!Array.isArray(content)) return typeof content === "string" ? content : "";
  return content.map((part: Json) => (isJsonObject(part) && typeof part["text"] === "string" ? part["text"].trim() : "")).join("");
}

/** The template of another model by the name of its file. */
export const templateSource = (name: string): string => readFileSync(new URL(`templates/${name}.jinja`, FIXTURES), "utf8");

/** What a template makes of a conversation, as its author's program would call it: contents as they are, tools and calls as OpenAI has them. */
export function templatePrompt(
  source: string,
  messages: readonly Message[],
  tools: readonly ToolSpec[],
  more: { readonly [variable: string]: Json } = {},
): string {
  const theirs = messages.map((message) => {
    if (message.role === "tool") {
      const { callId: tool_call_id, name, output } = message;
      return { role: "tool", tool_call_id, name, content: typeof output === "string" || isJsonObject(output) ? output : { value: output } };
    }
    if (message.role !== "assistant") return message;
    const { content = "", reasoning, calls = [] } = message;
    const tool_calls = calls.map(({ id, name, input }) => ({ type: "function", id, function: { name, arguments: input } }));
    return {
      role: "assistant",
      content,
      ...(reasoning === undefined ? {} : { reasoning_content: reasoning }),
      ...(tool_calls.length > 0 ? { tool_calls } : {}),
    };
  });
  const declared = tools.map(({ name, description, input }) => ({ type: "function", function: { name, description, parameters: input } }));
  return new Template(source).render({
    messages: theirs,
    ...(declared.length > 0 ? { tools: declared } : {}),
    bos_token: "<bos>",
    eos_token: "<eos>",
    add_generation_prompt: true,
    ...more,
  });
}

/** A tokenizer of single bytes with these control tokens. */
export function byteTokenizer(names: readonly string[]): Tokenizer {
  const control = new Map(names.map((name, at) => [name, 256 + at]));
  return {
    size: 256 + names.length,
    control,
    bytes: (id) => (id < 256 ? Uint8Array.of(id) : undefined),
    encode: (text) => [...new TextEncoder().encode(text)],
    decode: (ids) => new TextDecoder().decode(Uint8Array.from(ids.filter((id) => id < 256))),
    controlId(name) {
      const id = control.get(name);
      if (id === undefined) throw new Error(`no control token ${name}`);
      return id;
    },
  };
}

/** A conversation in which every text that comes from outside is `word`, and tools to go with it. */
export function saying(word: string): { readonly messages: readonly Message[]; readonly tools: readonly ToolSpec[] } {
  return {
    messages: [
      { role: "system", content: word },
      { role: "user", content: word },
      { role: "assistant", calls: [{ id: "1", name: "t", input: { [`k${word}`]: word, list: [word, { deep: word }] } }] },
      { role: "tool", callId: "1", name: "t", output: { [`r${word}`]: [word] } },
      { role: "assistant", content: `so ${word}` },
      { role: "user", content: word },
      { role: "assistant", calls: [{ id: "2", name: "t", input: {} }] },
      { role: "tool", callId: "2", name: "t", output: word },
      { role: "assistant", content: "done" },
      { role: "user", content: `and ${word}` },
    ],
    tools: [
      {
        name: "t",
        description: word,
        input: {
          type: "object",
          properties: { a: { type: "string", description: word, enum: [word] }, [`p${word}`]: { type: "integer" } },
          required: [`p${word}`],
        },
      },
    ],
  };
}
