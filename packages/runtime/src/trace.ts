/**
 * A reply step by step, for measuring a model against another. In: a request, and the tokens to take where the other has spoken. Out:
 * each sampled token with the logits it came from. Law: it is the token loop of every reply, prefix reuse and policy included; only who
 * draws the token may differ.
 */
import type { AssistantMessage, ChatRequest } from "@orrery/chat";
import { governorOf, prepare, ReplyRecord, replyParser, type ChatParts } from "./chat.ts";
import type { Position } from "./constraint/position.ts";
import { generate } from "./generate.ts";
import type { StepCounts } from "./precision/governor.ts";
import { ReplyReader } from "./reply-events.ts";
import type { Sampler } from "./sampling/sample.ts";

/** A token that was sampled, not forced. */
export interface TracedStep {
  readonly id: number;
  readonly position: Position;
  /** float32 [vocabulary], before the mask. */
  readonly logits: Float32Array;
  /** Bit `id & 31` of word `id >>> 5`: the legal tokens. Null: all. */
  readonly legal: Uint32Array | null;
}

export interface Trace {
  /** All tokens of the reply, forced ones included. */
  readonly ids: readonly number[];
  readonly message: AssistantMessage;
  readonly steps: readonly TracedStep[];
  /** Prompt tokens that were computed, and those whose rows were there. */
  readonly prompt: { readonly computed: number; readonly cached: number };
  /** Milliseconds until the first sampled token was known, and from there to the end. */
  readonly promptMs: number;
  readonly replyMs: number;
  /** Null where the weights leave no choice. */
  readonly precision: StepCounts | null;
}

/** @throws OrreryError what preparing the request throws, and what a step throws */
export async function trace(parts: ChatParts, request: ChatRequest, given?: readonly number[]): Promise<Trace> {
  const prepared = prepare(parts, request);
  const { prompt, steering, sampler, bias, maxTokens } = prepared;
  const record = new ReplyRecord(prompt.length, performance.now());
  const reader = new ReplyReader(replyParser(parts, prepared), new Set());
  const seen: { logits: Float32Array; legal: Uint32Array | null }[] = [];
  const recording: Sampler = {
    sample(logits, mask, history, bias) {
      if (!(logits instanceof Float32Array)) throw new TypeError("a trace has the logits of all tokens");
      seen.push({ logits, legal: mask?.bits ?? null });
      const id = given?.[history.length];
      return id === undefined ? sampler.sample(logits, mask, history, bias) : { id, maskedMass: 0 };
    },
  };
  const governor = governorOf(parts);
  const features = { ...parts.constraints.features, sparseHead: false };
  const { sequence, cached } = parts.pool.acquire(prompt);
  const steps: TracedStep[] = [];
  const began = performance.now();
  let first = began;
  try {
    const limits = { maxTokens: given === undefined ? maxTokens : Math.min(maxTokens, given.length), signal: request.signal };
    const tokens = generate({ sequence, prompt: prompt.slice(cached), steering, sampler: recording, bias, governor, features, limits });
    for await (const token of tokens) {
      if (!token.forced && steps.length === 0) first = performance.now();
      if (!token.forced) steps.push({ id: token.id, position: token.position, ...seen.at(-1)! });
      record.add(token);
      record.events(reader.push(token.id));
    }
    record.events(reader.end());
  } finally {
    parts.pool.release(sequence);
  }
  return {
    ids: record.ids,
    message: record.message,
    steps,
    prompt: { computed: prompt.length - cached, cached },
    promptMs: first - began,
    replyMs: performance.now() - first,
    precision: governor?.counts ?? null,
  };
}
