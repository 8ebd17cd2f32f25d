/** Errors of the runtime: one class per area, a stable code each; docs/errors.md lists the codes. */
import { OrreryError, type ErrorDetails } from "@orrery/chat";

/** A checkpoint that cannot be read: `checkpoint/…`. */
export class CheckpointError extends OrreryError {}

/** A graph that cannot be built: `graph/…`. A mistake in a family, not in a file. */
export class GraphError extends OrreryError {}

/** A model that cannot be fetched: `hub/…`. */
export class HubError extends OrreryError {
  /** Milliseconds after which the hub says to come again; null when it says nothing. */
  readonly retryAfterMs: number | null;
  constructor(code: string, message: string, details: ErrorDetails & { readonly retryAfterMs?: number | null } = {}) {
    super(code, message, details);
    this.retryAfterMs = details.retryAfterMs ?? null;
  }
}

/** An export that cannot be written or read back: `export/…`. */
export class ExportError extends OrreryError {}

/** Disk or memory that cannot suffice, in bytes: `export/disk-full`, `export/low-memory`. */
export class ShortageError extends ExportError {
  readonly needed: number;
  readonly available: number;
  readonly missing: number;
  constructor(code: string, message: string, details: { needed: number; available: number; hint: string }) {
    const missing = details.needed - details.available;
    super(code, `${message}: ${missing} too few`, { hint: details.hint });
    this.needed = details.needed;
    this.available = details.available;
    this.missing = missing;
  }
}

/** The engine could not load or run a model: `session/…`. */
export class SessionError extends OrreryError {}

/** Rows of a sequence do not fit into the budget: `session/out-of-cache-memory`. */
export class CacheMemoryError extends SessionError {
  /** Bytes that were wanted. */
  readonly neededBytes: number;
  /** Bytes that all sequences may have together. */
  readonly budgetBytes: number;
  /** Bytes of them that are free. */
  readonly leftBytes: number;
  constructor(neededBytes: number, budgetBytes: number, leftBytes: number) {
    super(
      "session/out-of-cache-memory",
      `rows of ${neededBytes} bytes are wanted, ${leftBytes} of the cache's ${budgetBytes} bytes are left`,
      { hint: "raise `cacheMemory`, shorten the conversation, or dispose sequences that are not needed" },
    );
    this.neededBytes = neededBytes;
    this.budgetBytes = budgetBytes;
    this.leftBytes = leftBytes;
  }
}

/** A precision policy that cannot be used: `precision/…`. */
export class PrecisionError extends OrreryError {}

/** A tokenizer file that cannot be used, or an id or control token it does not have: `tokenizer/…`. */
export class TokenizerError extends OrreryError {}

/** A conversation that cannot be rendered: `prompt/…`. */
export class PromptError extends OrreryError {}

/** A schema or a set of moves that cannot be compiled exactly: `constraint/…`. */
export class ConstraintError extends OrreryError {
  /** JSON pointer to the offending place in the schema, "" for its root. */
  readonly pointer: string;
  constructor(code: string, message: string, details: { pointer: string; hint?: string | undefined; cause?: unknown }) {
    super(code, message, details);
    this.pointer = details.pointer;
  }
}

/** The prompt does not fit: `runtime/context-length`. */
export class ContextLengthError extends OrreryError {
  /** Of a prompt that is far too long, a lower bound: it is refused before it is encoded. */
  readonly promptTokens: number;
  readonly contextLength: number;
  constructor(promptTokens: number, contextLength: number, counted: "exactly" | "at least" = "exactly") {
    const tokens = counted === "exactly" ? promptTokens : `at least ${promptTokens}`;
    super("runtime/context-length", `the prompt has ${tokens} tokens, the context holds ${contextLength} with the reply`, {
      hint: "shorten the conversation or the tool results, or load a model with a longer context",
    });
    this.promptTokens = promptTokens;
    this.contextLength = contextLength;
  }
}
