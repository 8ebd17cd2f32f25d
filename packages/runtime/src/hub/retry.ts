/**
 * What to do when a request fails. In: the error. Out: a pause and another try, or the error again. Law: only what may pass by itself is
 * tried again, a bounded number of times, no sooner than the server asked for.
 */
import { setTimeout as pause } from "node:timers/promises";
import { HubError } from "../errors.ts";
import type { HubSettings } from "./settings.ts";

const TRANSIENT: ReadonlySet<string> = new Set(["hub/interrupted", "hub/timeout", "hub/offline", "hub/unavailable"]);
const MAX_DELAY_MS = 30_000;
/** A server that asks for a longer pause is told to the user instead. */
const MAX_ASKED_MS = 120_000;

/** Whether an error says that the hub cannot be reached or used just now. */
export function isTransient(error: unknown): error is HubError {
  return error instanceof HubError && TRANSIENT.has(error.code);
}

/** Counts failures in a row. */
export class Attempts {
  readonly #settings: HubSettings;
  #failures = 0;

  constructor(settings: HubSettings) {
    this.#settings = settings;
  }

  /** There was progress: failures are counted from zero. */
  progressed(): void {
    this.#failures = 0;
  }

  /** Returns after a pause when another try is due; throws `error` otherwise. @throws HubError `hub/aborted` */
  async failed(error: unknown): Promise<void> {
    const { retry, signal, onProgress } = this.#settings;
    if (signal?.aborted) throw aborted(signal);
    if (!isTransient(error) || ++this.#failures >= retry.attempts) throw error;
    const asked = error.retryAfterMs ?? 0;
    if (asked > MAX_ASKED_MS) throw error;
    const backoff = Math.min(MAX_DELAY_MS, retry.delayMs * 2 ** (this.#failures - 1));
    const delayMs = Math.round(Math.max(asked, backoff * (0.5 + Math.random() / 2))); // spread, so that clients do not come back as one
    onProgress({ type: "retry", message: error.message, delayMs });
    await pause(delayMs, undefined, { ...(signal && { signal }) }).catch(() => {
      throw aborted(signal);
    });
  }
}

/** Runs `work` until it succeeds or its failure is final. */
export async function retrying<T>(settings: HubSettings, work: () => Promise<T>): Promise<T> {
  const attempts = new Attempts(settings);
  for (;;) {
    try {
      return await work();
    } catch (error) {
      await attempts.failed(error);
    }
  }
}

/** The error of a fetch that its signal stopped. */
export function aborted(signal: AbortSignal | undefined): HubError {
  return new HubError("hub/aborted", "fetching was stopped", {
    hint: "what was fetched is kept: fetching again goes on from there",
    cause: signal?.reason,
  });
}
