/** Does a prompt fit into the context? In: its length, first in UTF-16 units, then in tokens. Law: at least one token of reply must fit too. */
import { ContextLengthError } from "./errors.ts";

export interface ContextRoom {
  readonly contextLength: number;
  /** Bytes of the longest token. */
  readonly longestToken: number;
}

/**
 * Refuses text that could not fit even if every token were the longest, before it is encoded: encoding a million letters without a
 * space takes seconds. A string has at most as many UTF-16 units as bytes. @throws ContextLengthError
 */
export function refuseUnread(units: number, { contextLength, longestToken }: ContextRoom): void {
  const least = Math.ceil(units / longestToken);
  if (least >= contextLength) throw new ContextLengthError(least, contextLength, "at least");
}

/** @throws ContextLengthError */
export function refuseLong(tokens: number, { contextLength }: ContextRoom): void {
  if (tokens >= contextLength) throw new ContextLengthError(tokens, contextLength);
}
