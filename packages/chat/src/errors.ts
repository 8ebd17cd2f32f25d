/**
 * The base of every error that Orrery throws or reports. In: what is wrong, as a code and as facts. Out: a message for people, a
 * hint that says what to do, and fields for programs. Law: a code, once released, keeps its meaning (docs/errors.md lists them).
 */

/** What may accompany an error: what to do about it, and what caused it. */
export interface ErrorDetails {
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/** Base of all Orrery errors. Branch on `code`, never on `message`. */
export class OrreryError extends Error {
  /** Stable, `area/what-is-wrong`. */
  readonly code: string;
  /** What to do about it; undefined where we do not know. */
  readonly hint: string | undefined;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = details.hint;
  }

  /** A plain object that survives JSON: `{ name, code, message, hint }`. */
  toJSON(): { name: string; code: string; message: string; hint?: string } {
    return { name: this.name, code: this.code, message: this.message, ...(this.hint === undefined ? {} : { hint: this.hint }) };
  }
}

/** A request that a model cannot take: unknown tool in `moves`, prompt longer than the context, malformed messages. */
export class ChatError extends OrreryError {}

/** Anything thrown, as an {@link OrreryError}. Errors of ours pass through; others get `code` and keep the original as `cause`. */
export function toOrreryError(thrown: unknown, code: string): OrreryError {
  if (thrown instanceof OrreryError) return thrown;
  return new OrreryError(code, thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown });
}
