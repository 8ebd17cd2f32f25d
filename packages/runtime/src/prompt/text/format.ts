/**
 * Reply formats as text: how the models of a family spell calls, thoughts and stops when a server hands their replies out as text. Data
 * only. What stands between explicit markers is a call in every format; a format says what else is.
 */
import type { StopReason } from "../reply.ts";

export type TextFormat = "gemma4" | "functiongemma" | "granite" | "gemma3" | "json";

export interface TextRules {
  /** A fence of one of `FENCE_LANGUAGES` that holds nothing but calls as JSON is calls. */
  readonly fencedJson: boolean;
  /** JSON that is the beginning or the end of a reply and nothing but calls is calls. */
  readonly bareJson: boolean;
  /** A reply that begins with `call:NAME{` is calls whose markers a server has left out. */
  readonly bareNative: boolean;
}

export const TEXT_RULES: { readonly [format in TextFormat]: TextRules } = {
  gemma4: { fencedJson: false, bareJson: false, bareNative: true },
  functiongemma: { fencedJson: false, bareJson: false, bareNative: true },
  granite: { fencedJson: false, bareJson: true, bareNative: false },
  gemma3: { fencedJson: true, bareJson: true, bareNative: false },
  json: { fencedJson: true, bareJson: true, bareNative: false },
};

export const TEXT_FORMATS = ["gemma4", "functiongemma", "granite", "gemma3", "json"] as const satisfies readonly TextFormat[];

/** Before a call. `<|tool_call|>` is Granite's, and Gemma 4's when it drifts. */
export const OPENERS = ["<|tool_call>", "<|tool_call|>", "<start_function_call>", "<tool_call>", "<function_call>"] as const;

/** The openers behind which a call may go without its `call:`. */
export const NATIVE_OPENERS: readonly string[] = ["<|tool_call>", "<|tool_call|>", "<start_function_call>"];

/** Behind a call; any of them closes any opener. */
export const CLOSERS = ["<tool_call|>", "<end_function_call>", "</tool_call>", "</function_call>", "<|/tool_call|>"] as const;

/** Around a string in native calls, without escapes: Gemma 4's and FunctionGemma's. */
export const RAW_QUOTES = ['<|"|>', "<escape>"] as const;

const STOP_REASONS: { readonly [marker: string]: StopReason } = {
  "<turn|>": "turn",
  "<end_of_turn>": "turn",
  "<|im_end|>": "turn",
  "<|tool_response>": "calls",
  "<start_function_response>": "calls",
  "<eos>": "end",
  "<|endoftext|>": "end",
  "<|end_of_text|>": "end",
};

/** Markers that a model stops on, where a server hands them out. */
export const STOPS: readonly string[] = Object.keys(STOP_REASONS);

export function stopReason(marker: string): StopReason {
  return STOP_REASONS[marker] ?? "end";
}

/** All that ends a call whose braces are not closed. */
export const BOUNDARIES: readonly string[] = [...CLOSERS, ...OPENERS, ...STOPS];

/** Around a thought, and the name that the channel bears in its first line. */
export const THOUGHTS: readonly { readonly open: string; readonly close: string; readonly channel: string }[] = [
  { open: "<|channel>", close: "<channel|>", channel: "thought" },
  { open: "<think>", close: "</think>", channel: "" },
];

/** At the beginning of a reply of which a server kept the turn's header. */
export const HEADERS = ["<|turn>model", "<start_of_turn>model", "<|start_of_role|>assistant<|end_of_role|>"] as const;

/** The languages of fences that calls may stand in. */
export const FENCE_LANGUAGES: readonly string[] = ["", "json", "tool_code", "tool_call", "tool_calls", "function_call", "tool"];

/** Quotation marks around a call that is only spoken of, with their mates. */
export const MENTIONS: { readonly [open: string]: string | undefined } = { '"': '"', "'": "'", "“": "”", "‘": "’", "«": "»" };
