/**
 * The token loop. In: a sequence, the prompt ids it does not hold yet, a grammar state or stop ids, a sampler. Out: reply ids, one by
 * one. Law: a token is sampled from the logits under the mask, or forced by the grammar; nothing else can be emitted. Forced tokens
 * wait and are computed together with the next sampled one, so they cost no step of their own. Features change the time, not the tokens.
 */
import { ChatError } from "@orrery/chat";
import { ALL_FEATURES, type ConstraintFeatures } from "./constraint/features.ts";
import type { ConstraintState } from "./constraint/grammar.ts";
import type { TokenMask } from "./constraint/token-mask.ts";
import type { Position } from "./constraint/position.ts";
import { SessionError } from "./errors.ts";
import type { Governor, StepPlace } from "./precision/governor.ts";
import type { Phase } from "./precision/policy.ts";
import type { ReplyBias } from "./sampling/reply-bias.ts";
import type { Logits, Sampler } from "./sampling/sample.ts";
import type { Sequence } from "./session/session.ts";

export interface GeneratedToken {
  readonly id: number;
  /** True when the grammar left no choice and nothing was sampled. */
  readonly forced: boolean;
  /** Probability that the mask removed before this token was drawn; 0 for forced tokens; null where only legal tokens have logits. */
  readonly maskedMass: number | null;
  /** Where in the reply it stands. */
  readonly position: Position;
}

/** What decides where a reply may go and where it ends. */
export type Steering =
  | { readonly grammar: ConstraintState }
  /** `thought`: the control tokens around one, where the vocabulary has them. */
  | { readonly stop: ReadonlySet<number>; readonly thought?: { readonly open: number; readonly close: number } | undefined };

export interface GenerateOptions {
  readonly sequence: Sequence;
  /** At least one id: the part of the prompt that the sequence does not hold. */
  readonly prompt: readonly number[];
  readonly steering: Steering;
  readonly sampler: Sampler;
  /** Follows the reply and moves the logits that the sampler sees. */
  readonly bias?: ReplyBias | undefined;
  /** Decides how much of sliced weights each step uses; without one, all. */
  readonly governor?: Governor | undefined;
  /** Default: all but `sparseHead`, which a session must be able to do. */
  readonly features?: ConstraintFeatures | undefined;
  readonly limits: { readonly maxTokens: number; readonly signal: AbortSignal | undefined };
}

const DEFAULT_FEATURES: ConstraintFeatures = { ...ALL_FEATURES, sparseHead: false };

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
  const { steering, sampler, bias, limits, features = DEFAULT_FEATURES } = options;
  const history: number[] = [];
  let state = "grammar" in steering ? steering.grammar : undefined;
  let pending = [...options.prompt]; // known, not yet computed
  let phase: Phase = "prefill";

  while (history.length < limits.maxTokens) {
    let forced = false;
    for (const id of state?.forced() ?? []) {
      forced = true;
      if (history.length >= limits.maxTokens) return;
      if (limits.signal?.aborted)
        throw new SessionError("session/aborted", `aborted after ${history.length} reply tokens`, { cause: limits.signal.reason });
      const { position } = state!;
      if (!features.forced) {
        await compute(options, pending, undefined, { phase, position, afterForced: false }); // its logits are not needed
        phase = "decode";
        pending = [];
      }
      state = state!.advance(id);
      bias?.push(id, position);
      history.push(id);
      pending.push(id);
      yield { id, forced: true, maskedMass: 0, position };
    }
    if (state?.done || history.length >= limits.maxTokens) return;

    const position = state?.position ?? textPosition(steering, history);
    const { logits, mask } = await compute(options, pending, state, { phase, position, afterForced: forced });
    const { id, maskedMass } = sampler.sample(logits, mask, history, bias?.next(position));
    bias?.push(id, position);
    phase = "decode";
    history.push(id);
    pending = [id];
    state = state?.advance(id);
    yield { id, forced: false, maskedMass, position };
    if (state ? state.done : "stop" in steering && steering.stop.has(id)) return;
  }
}

/** Without a grammar a reply is text, or a thought between its marks. */
function textPosition(steering: Steering, history: readonly number[]): Position {
  const marks = "stop" in steering ? steering.thought : undefined;
  return marks !== undefined && history.lastIndexOf(marks.open) > history.lastIndexOf(marks.close) ? "thought" : "free-text";
}

/** What one step gives: logits after the last of `pending`, and what may follow it; null where the logits are those of legal tokens alone. */
async function compute(
  { sequence, governor, limits, features = DEFAULT_FEATURES }: GenerateOptions,
  pending: readonly number[],
  state: ConstraintState | undefined,
  place: StepPlace,
): Promise<{ logits: Logits; mask: TokenMask | null }> {
  const signal = limits.signal ? { signal: limits.signal } : {};
  const short = features.sparseHead ? state?.shortMask()?.ids : undefined;
  const ids = short && short.length > 0 ? short : null;
  const run = async (tokens: readonly number[], full: boolean): Promise<Logits> => {
    if (!ids) return sequence.append(tokens, { logits: "last", full, ...signal });
    return { ids, values: await sequence.append(tokens, { logits: "last", candidates: ids, full, ...signal }) };
  };
  const early = ids || features.overlap ? null : await maskOf(state);
  const [step, made] = await Promise.allSettled([
    run(pending, governor?.choose(place) ?? true),
    ids ? null : (early ?? maskOf(state)), // made while the step, which is sent already, runs in its worker
  ]);
  if (step.status === "rejected") throw step.reason;
  if (made.status === "rejected") throw made.reason;
  const mask = made.value;
  if (governor?.again(valuesOf(step.value), mask?.bits ?? null) !== true) return { logits: step.value, mask };
  // A near tie: the last token once more, in full. Its key/value rows are written over.
  sequence.rewind(sequence.length - 1);
  const logits = await run(pending.slice(-1), true);
  governor.repeated(valuesOf(logits), mask?.bits ?? null);
  return { logits, mask };
}

function valuesOf(logits: Logits): Float32Array {
  return logits instanceof Float32Array ? logits : logits.values;
}

/** Async, so that a failure waits for the step beside it. */
async function maskOf(state: ConstraintState | undefined): Promise<TokenMask | null> {
  return state?.mask() ?? null;
}
