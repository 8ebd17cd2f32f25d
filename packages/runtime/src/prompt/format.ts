/**
 * A chat format as data: the control tokens that give a conversation its shape, and how calls are written. The renderer, the constraint
 * engine and the reply parser share these names, so that what is rendered, what is allowed and what is parsed cannot drift apart.
 */
import { PromptError } from "../errors.ts";
import type { Segment } from "./segments.ts";

/** How the tokens of JSON text are set apart: what stands between two items or properties, and between a name and its value. */
export interface JsonSpacing {
  readonly comma: string;
  readonly colon: string;
}
/** As `JSON.stringify` has it. */
export const COMPACT: JsonSpacing = { comma: ",", colon: ":" };
/** As Python's `json.dumps` has it, and so most prompts. */
export const SPACED: JsonSpacing = { comma: ", ", colon: ": " };

/**
 * Calls as JSON. A reply with calls is `before NAME beforeInput OBJECT { between NAME beforeInput OBJECT } after turnClose`, where NAME
 * stands as the contents of a JSON string, and OBJECT is JSON. A reply is calls exactly when calls are legal and it begins with the first
 * segment of `before`: an answer then may not.
 */
export interface JsonCalls {
  /** Not empty, nor its first segment. */
  readonly before: readonly Segment[];
  /** Begins with nothing that a name could have. */
  readonly beforeInput: readonly Segment[];
  /** Null where a reply has one call at most. `after` does not begin with it. */
  readonly between: readonly Segment[] | null;
  readonly after: readonly Segment[];
  /** Of the inputs, as prompts show them: the mask lets them be written in no other way. */
  readonly spacing: JsonSpacing;
}

/** The control tokens of a chat format, by their text in the vocabulary; "" for one that the format does not have. */
interface Tokens {
  readonly name: string;
  /** Starts a prompt. */
  readonly begin: string;
  /** Ends a text outside any turn (the vocabulary's end-of-sequence token); a model may stop on it. */
  readonly end: string;
  readonly turnOpen: string;
  /** Ends a turn; the model stops on it when its answer is complete, and, where calls are not native, when its calls are. */
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

/** Calls are `callOpen`, `call:NAME{…}` with bare keys and strings between quote tokens, `callClose`; behind the last one, `responseOpen`. */
export interface NativeFormat extends Tokens {
  readonly calls: "native";
}
/** Calls are JSON. */
export interface JsonFormat extends Tokens {
  readonly calls: "json";
  readonly json: JsonCalls;
}
/** It is not known how the model would write a call. */
export interface PlainFormat extends Tokens {
  readonly calls: "none";
}
export type ChatFormat = NativeFormat | JsonFormat | PlainFormat;

/** Gemma 4 and Orrery Mini. A vocabulary may lack `end`, `channelOpen`, `channelClose` and `think`: thinking is then impossible. */
export const GEMMA4_FORMAT: NativeFormat = {
  name: "gemma4",
  calls: "native",
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

/** FunctionGemma: Gemma 3's turns and Gemma 4's call syntax under other names, without thoughts. */
export const FUNCTION_GEMMA_FORMAT: NativeFormat = {
  name: "functiongemma",
  calls: "native",
  begin: "<bos>",
  end: "<eos>",
  turnOpen: "<start_of_turn>",
  turnClose: "<end_of_turn>",
  toolOpen: "<start_function_declaration>",
  toolClose: "<end_function_declaration>",
  callOpen: "<start_function_call>",
  callClose: "<end_function_call>",
  responseOpen: "<start_function_response>",
  responseClose: "<end_function_response>",
  quote: "<escape>",
  channelOpen: "",
  channelClose: "",
  thoughtChannel: "",
  think: "",
};

/** What a format without tool tokens and thoughts leaves out. */
export const TURNS_ONLY = {
  toolOpen: "",
  toolClose: "",
  callOpen: "",
  callClose: "",
  responseOpen: "",
  responseClose: "",
  quote: "",
  channelOpen: "",
  channelClose: "",
  thoughtChannel: "",
  think: "",
} as const satisfies Partial<Tokens>;

const EVERY = ["begin", "turnOpen", "turnClose"] as const satisfies readonly (keyof ChatFormat)[];
const NATIVE = [
  "toolOpen",
  "toolClose",
  "callOpen",
  "callClose",
  "responseOpen",
  "responseClose",
  "quote",
] as const satisfies readonly (keyof ChatFormat)[];

type Controls = { readonly control: ReadonlyMap<string, number> };

/** The tokens that a format needs and a vocabulary lacks. */
export function missingTokens({ control }: Controls, format: ChatFormat): string[] {
  return [...EVERY, ...(format.calls === "native" ? NATIVE : [])]
    .map((part) => format[part])
    .filter((token) => token !== "" && !control.has(token));
}

/** Refuses to chat with a model that was not made for the format. @throws PromptError `prompt/no-chat-format` */
export function requireFormat(tokenizer: Controls, format: ChatFormat): void {
  const missing = missingTokens(tokenizer, format);
  if (missing.length > 0)
    throw new PromptError(
      "prompt/no-chat-format",
      `the tokenizer has not the control tokens of the chat format ${format.name}: it lacks ${missing.join(", ")}`,
      { hint: "continue a text with generate(), or load a model that was made for this format" },
    );
}

/** Whether a model of this format can write thoughts. */
export function canThink({ control }: Controls, format: ChatFormat): boolean {
  return [format.channelOpen, format.channelClose].every((token) => control.has(token));
}
