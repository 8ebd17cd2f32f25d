/**
 * The token loop. In: a sequence, the prompt ids it does not hold yet, a grammar state or stop ids, a sampler. Out: reply ids, one by
 * one. Law: a token is sampled from the logits under the mask, or forced by the grammar; nothing else can be emitted. Forced tokens
 * wait and are computed together with the next sampled one, so they cost no step of their own.
 */
import { ChatError } from "@orrery/chat";
import type { ConstraintState } from "./constraint/grammar.ts";
import type { TokenMask } from "./constraint/token-mask.ts";
import { SessionError } from "./errors.ts";
import type { Sampler } from "./sampling/sample.ts";
import type { Sequence } from "./session/session.ts";

export interface GeneratedToken {
  readonly id: number;
  /** True when the grammar left no choice and nothing was sampled. */
  readonly forced: boolean;
  /** Probability that the mask removed before this token was drawn; 0 for forced tokens. */
  readonly maskedMass: number;
}

/** What decides where a reply may go and where it ends. */
export type Steering = { readonly grammar: ConstraintState } | { readonly stop: ReadonlySet<number> };

export interface GenerateOptions {
  readonly sequence: Sequence;
  /** At least one id: the part of the prompt that the sequence does not hold. */
  readonly prompt: readonly number[];
  readonly steering: Steering;
  readonly sampler: Sampler;
  readonly limits: { readonly maxTokens: number; readonly signal: AbortSignal | undefined };
}

/** `wanted`, or the room in the context where that is less. @throws ChatError `chat/bad-max-tokens` */
export function tokenLimit(wanted: number, room: number): number {
  if (!(Number.isSafeInteger(wanted) && wanted >= 1))
    throw new ChatError("chat/bad-max-tokens", `maxTokens must be a whole number of at least 1, found ${wanted}`, {
      hint: "leave it out to take the default",
    });
  return Math.min(wanted, room);
}

/**
 * Yields tokens until the grammar is done, a stop id was emitted, or `maxTokens` were.
 * When it throws or is returned from, no step is running, so the sequence can be given back.
 * @throws SessionError as {@link Sequence.append}, `session/aborted` included; ConstraintError `constraint/dead-end`
 */
export async function* generate(options: GenerateOptions): AsyncGenerator<GeneratedToken> {
  const { sequence, steering, sampler, limits } = options;
  const history: number[] = [];
  let state = "grammar" in steering ? steering.grammar : undefined;
  let pending = [...options.prompt]; // known, not yet computed

  while (history.length < limits.maxTokens) {
    for (const id of state?.forced() ?? []) {
      if (history.length >= limits.maxTokens) return;
      if (limits.signal?.aborted)
        throw new SessionError("session/aborted", `aborted after ${history.length} reply tokens`, { cause: limits.signal.reason });
      state = state!.advance(id);
      history.push(id);
      pending.push(id);
      yield { id, forced: true, maskedMass: 0 };
    }
    if (state?.done || history.length >= limits.maxTokens) return;

    const [step, mask] = await Promise.allSettled([
      sequence.append(pending, { logits: "last", ...(limits.signal ? { signal: limits.signal } : {}) }),
      maskOf(state), // made while the step, which is sent already, runs in its worker
    ]);
    if (step.status === "rejected") throw step.reason;
    if (mask.status === "rejected") throw mask.reason;
    const { id, maskedMass } = sampler.sample(step.value, mask.value, history);
    history.push(id);
    pending = [id];
    state = state?.advance(id);
    yield { id, forced: false, maskedMass };
    if (state ? state.done : "stop" in steering && steering.stop.has(id)) return;
  }
}

/** Async, so that a failure waits for the step beside it. */
async function maskOf(state: ConstraintState | undefined): Promise<TokenMask | null> {
  return state?.mask() ?? null;
}
