/**
 * Errors of the agent package, and errors as plain facts. Law: what is kept in a machine's context or sent to a model is
 * {@link ErrorFacts}, never an `Error` (it would not survive JSON); the classes exist at the public edge only.
 */
import { OrreryError } from "@orrery/chat";

/** An agent, tool or chart that cannot work (`agent/…`), or a tool call that failed (`tool/…`). */
export class AgentError extends OrreryError {}

/** An error as JSON. */
export interface ErrorFacts {
  /** Stable, `area/what-is-wrong`. */
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

/** More of a thrown message than this helps no reader and would crowd the model's context. */
const MAX_MESSAGE_CHARACTERS = 2_000;

/** Whatever was thrown, as facts. Errors of Orrery keep their code and hint; others get `code`. Never throws itself. */
export function errorFacts(thrown: unknown, code: string): ErrorFacts {
  const message = cut(messageOf(thrown));
  if (!(thrown instanceof OrreryError)) return { code, message };
  return { code: thrown.code, message, ...(thrown.hint === undefined ? {} : { hint: thrown.hint }) };
}

/** The error that facts describe, for a caller who wants to throw or print it. */
export function errorFrom(facts: ErrorFacts): OrreryError {
  const Kind = /^(agent|tool)\//.test(facts.code) ? AgentError : OrreryError;
  return new Kind(facts.code, facts.message, { hint: facts.hint });
}

function messageOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? String(thrown.message) : String(thrown);
  } catch {
    return "something was thrown that cannot be turned into text";
  }
}

function cut(text: string): string {
  return text.length <= MAX_MESSAGE_CHARACTERS ? text : `${text.slice(0, MAX_MESSAGE_CHARACTERS)}…`;
}
