/** For tests: the formats whose calls are JSON, and tokenizers that have their control tokens. */
import { chooseFormat } from "./choose-format.ts";
import { byteTokenizer, templateSource } from "./fixtures.test.support.ts";
import type { JsonFormat } from "./format.ts";
import type { PromptFormat } from "./prompt-format.ts";
import type { Tokenizer } from "../tokenizer/vocabulary.ts";

const GRANITE = ["<|start_of_role|>", "<|end_of_role|>", "<|tool_call|>", "<|end_of_text|>"];
const GEMMA3 = ["<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>"];

export interface JsonCase {
  readonly controls: readonly string[];
  readonly prompt: PromptFormat;
  readonly format: JsonFormat;
}

function open(controls: readonly string[], source?: string): JsonCase {
  const { control } = byteTokenizer(controls);
  const template = { source, bos: "<bos>", eos: controls.at(-1)! };
  const prompt = chooseFormat({ control, template }, new Date(2026, 10, 5));
  if (prompt.format.calls !== "json") throw new Error(`calls of ${prompt.format.name} are not JSON`);
  return { controls, prompt, format: prompt.format };
}

const MARKS = ["<|turn|>", "<|call|>", "<|with|>", "<|done|>", "<|end|>"];
/** A template that writes calls between control tokens, and has no way to write two. */
const CONTROLS = `{%- for message in messages %}<|turn|>{{ message.role }}: {{ message.content }}
{%- if message.tool_calls %}{%- set call = message.tool_calls[0] if message.tool_calls | length == 1 else raise_exception("one call") %}<|call|>{{ call.function.name }}<|with|>{{ call.function.arguments | tojson }}<|done|>
{%- endif %}<|end|>{%- endfor %}{%- if add_generation_prompt %}<|turn|>assistant: {% endif %}`;

const COMPACT_CALLS = CONTROLS.replace("arguments | tojson", 'arguments | tojson(separators=(",", ":"))');

export const JSON_CASES: readonly (readonly [string, JsonCase])[] = [
  ["Granite 3.3", open(GRANITE, templateSource("granite-3.3"))],
  ["Granite 4.0", open(GRANITE, templateSource("granite-4.0"))],
  ["Gemma 3", open(GEMMA3)],
  ["control tokens alone", open(MARKS, CONTROLS)],
  ["no white space", open(MARKS, COMPACT_CALLS)],
];

/** A tokenizer with these control tokens behind its own. */
export function extended(base: Tokenizer, names: readonly string[]): Tokenizer {
  const added = names.filter((name) => !base.control.has(name));
  const control = new Map([...base.control, ...added.map((name, at) => [name, base.size + at] as const)]);
  return {
    size: base.size + added.length,
    control,
    bytes: (id) => (id < base.size ? base.bytes(id) : undefined),
    encode: (text) => base.encode(text),
    decode: (ids) => base.decode(ids.filter((id) => id < base.size)),
    controlId: (name) => control.get(name) ?? base.controlId(name),
  };
}
