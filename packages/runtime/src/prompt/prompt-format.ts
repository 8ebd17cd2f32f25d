/** How conversations become prompts for one kind of model: a chat format together with its renderer. A loaded model has one. */
import type { AssistantMessage, Message, ToolSpec } from "@orrery/chat";
import type { ChatFormat } from "./format.ts";
import type { Piece } from "./pieces.ts";

export interface PromptOptions {
  /** Let the model think, as far as the format has thoughts. Default false. */
  readonly thinking?: boolean;
  /** Open a turn for the model at the end. Default true. */
  readonly addGenerationPrompt?: boolean;
}

/** Law: control tokens of a prompt are the renderer's own; nothing that a message, a tool or a result says becomes one. */
export interface PromptFormat {
  readonly format: ChatFormat;
  /**
   * Name and version of how conversations are rendered. Raise it when the same conversation becomes other tokens: rows written down before
   * are then refused, not silently of no use.
   */
  readonly version: string;
  /** A conversation as pieces in order. @throws PromptError `prompt/…` for messages that no conversation has, or that the format cannot say */
  render(messages: readonly Message[], tools?: readonly ToolSpec[], options?: PromptOptions): Piece[];
  /**
   * The key under which the ids of `reply`, sampled after `messages`, are to be remembered: that of its piece in every later rendering.
   * Undefined for a reply that the format does not render as one piece. @throws PromptError as `render`
   */
  replyKey(messages: readonly Message[], reply: AssistantMessage, tools?: readonly ToolSpec[], options?: PromptOptions): string | undefined;
}

/** The key of a reply where it is the last piece of its kind: after `messages`, without a turn opened behind it. */
export function lastReplyKey(pieces: readonly Piece[]): string | undefined {
  return pieces.findLast((piece) => piece.kind === "reply")?.key;
}

/** True when the prompt leaves the model inside a thought: its reply then begins there, without the token that opens one. */
export function endsInThought(pieces: readonly Piece[], { channelOpen }: ChatFormat): boolean {
  const controls = pieces.at(-1)?.segments.filter((segment) => "control" in segment);
  return channelOpen !== "" && controls?.at(-1)?.control === channelOpen;
}
