/**
 * A chat format as data: the control tokens that give a conversation its shape. The renderer, the constraint engine and the reply
 * parser share these names, so that what is rendered, what is allowed and what is parsed cannot drift apart.
 */
import { PromptError } from "../errors.ts";

/** The control tokens of a chat format, by their text in the vocabulary. */
export interface ChatFormat {
  readonly name: string;
  /** Starts a prompt. */
  readonly begin: string;
  /** Ends a text outside any turn (the vocabulary's end-of-sequence token); a model may stop on it. */
  readonly end: string;
  readonly turnOpen: string;
  readonly turnClose: string;
  /** Around a tool declaration. */
  readonly toolOpen: string;
  readonly toolClose: string;
  /** Around a call: `call:NAME{…}`. */
  readonly callOpen: string;
  readonly callClose: string;
  /** Around a result: `response:NAME{…}`. The model stops on `responseOpen` when its calls are complete. */
  readonly responseOpen: string;
  readonly responseClose: string;
  /** Before and after a string value. */
  readonly quote: string;
  /** Around a thought; the first line inside names the channel. */
  readonly channelOpen: string;
  readonly channelClose: string;
  /** The name of the channel that thoughts are written in. */
  readonly thoughtChannel: string;
  /** In the system turn: switches thinking on. */
  readonly think: string;
}

/** Gemma 4 and Orrery Mini. A vocabulary may lack `end`, `channelOpen`, `channelClose` and `think`: thinking is then impossible. */
export const GEMMA4_FORMAT: ChatFormat = {
  name: "gemma4",
  begin: "<bos>",
  end: "<eos>",
  turnOpen: "<|turn>",
  turnClose: "<turn|>",
  toolOpen: "<|tool>",
  toolClose: "<tool|>",
  callOpen: "<|tool_call>",
  callClose: "<tool_call|>",
  responseOpen: "<|tool_response>",
  responseClose: "<tool_response|>",
  quote: '<|"|>',
  channelOpen: "<|channel>",
  channelClose: "<channel|>",
  thoughtChannel: "thought",
  think: "<|think|>",
};

/**
 * Name and version of how conversations are rendered. Raise it when the same conversation becomes other tokens: rows written down before
 * are then refused, not silently of no use.
 */
export const PROMPT_VERSION = `${GEMMA4_FORMAT.name} 1`;

const ALWAYS = [
  "begin",
  "turnOpen",
  "turnClose",
  "toolOpen",
  "toolClose",
  "callOpen",
  "callClose",
  "responseOpen",
  "responseClose",
  "quote",
] as const satisfies readonly (keyof ChatFormat)[];

/** Refuses to chat with a model that was not made for the format. @throws PromptError `prompt/no-chat-format` */
export function requireFormat({ control }: { readonly control: ReadonlyMap<string, number> }, format: ChatFormat): void {
  const missing = ALWAYS.map((part) => format[part]).filter((token) => !control.has(token));
  if (missing.length > 0)
    throw new PromptError(
      "prompt/no-chat-format",
      `the tokenizer has not the control tokens of the chat format ${format.name}: it lacks ${missing.join(", ")}`,
      { hint: "continue a text with generate(), or load a model that was made for this format" },
    );
}
