/**
 * A run as JSON, at any moment. In and out: the snapshot of its chart. Law: what comes back from a store is checked as a whole before
 * a chart sees it; a format that is not ours is an error, never half a run.
 */
import { isJsonObject, jsonObjectSchema, messageSchema, toolCallSchema, type Json } from "@orrery/chat";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { AgentError } from "./errors.ts";
import type { RunContext } from "./machines/chart-state.ts";
import type { SavedSnapshot } from "./step.ts";

/** Milliseconds: of the whole run, and of them in the model and in tools. Waiting for a person counts as neither. */
export interface Timings {
  readonly totalMs: number;
  readonly modelMs: number;
  readonly toolMs: number;
}

/** Changes when the context of the charts changes its form. */
const FORMAT = "orrery-run/1";

/** Plain JSON; keep it anywhere, hand it to `resume`. */
export interface SavedRun extends SavedSnapshot {
  readonly context: RunContext;
  readonly format: typeof FORMAT;
  readonly timings: Timings;
  /** The trace that the run belongs to, over all its pauses: 32 hexadecimal digits. */
  readonly traceId: string;
}

const facts = z.object({ code: z.string(), message: z.string(), hint: z.string().optional() });
const json = z.json() as z.ZodType<Json>;
const count = z.int().nonnegative();
const amount = z.number().nonnegative();
const result = z.union([z.object({ output: json }), z.object({ error: facts })]);
const stateValue: z.ZodType<unknown> = z.lazy(() => z.union([z.string(), z.record(z.string(), stateValue)]));
const savedRunSchema = z.object({
  format: z.literal(FORMAT),
  traceId: z.string().regex(/^[0-9a-f]{32}$/),
  value: stateValue,
  status: z.literal("active"),
  children: z.record(z.string(), z.object({ src: z.string(), input: json.optional() })),
  context: z.object({
    messages: z.array(messageSchema),
    sampling: z
      .object({
        temperature: z.number(),
        topK: z.number(),
        topP: z.number(),
        minP: z.number(),
        repetitionPenalty: z.number(),
        copyBias: z.number(),
        callOffset: z.number(),
        seed: z.number(),
      })
      .partial()
      .nullable(),
    facts: jsonObjectSchema,
    untrusted: z.array(z.string()),
    phaseDecisions: count,
    contextTokens: count,
    toolMs: amount,
    spent: z.object({ tokens: count, ms: amount }),
    said: z.object({ content: z.string().optional(), reasoning: z.string().optional() }),
    calls: z
      .array(
        z.object({
          call: toolCallSchema,
          state: z.enum(["ready", "asked", "granted", "denied", "running", "done", "left"]),
          result: result.nullable(),
        }),
      )
      .refine((calls) => new Set(calls.map(({ call }) => call.id)).size === calls.length, "two calls have one id"),
    steps: z.array(z.object({ tool: z.string(), input: jsonObjectSchema, output: json.optional(), error: facts.optional() })),
    decisions: count,
    illegal: z.object({ inARow: count, total: count }),
    usage: z.object({ promptTokens: count, cachedTokens: count, computedTokens: count, replyTokens: count, forcedTokens: count }),
    stats: z.object({ maskedMass: amount, maskedMassMax: amount, sampledTokens: count, firstTokenMs: amount, totalMs: amount }),
    answer: z.string(),
    error: facts.nullable(),
  }),
  timings: z.object({ totalMs: amount, modelMs: amount, toolMs: amount }),
});

/** Calls run where, and only where, the context says so. */
const wholeRunSchema = savedRunSchema.refine(({ context, children }) => {
  const running = context.calls.filter(({ state }) => state === "running").map(({ call }) => call);
  const started = Object.entries(children).filter(([, { src }]) => src === "call");
  const same = started.every(([id, { input }]) => {
    const call = running.find((open) => open.id === id);
    return call !== undefined && isJsonObject(input) && isDeepStrictEqual(input["call"], call);
  });
  return same && started.length === running.length;
}, "the calls in flight are not those of the context");

export function saveRun(snapshot: SavedSnapshot, timings: Timings, traceId: string): SavedRun {
  return { format: FORMAT, traceId, ...(JSON.parse(JSON.stringify(snapshot)) as SavedSnapshot & { context: RunContext }), timings };
}

/** @throws AgentError `agent/bad-snapshot` */
export function readSavedRun(saved: unknown): SavedRun {
  const read = wholeRunSchema.safeParse(saved);
  if (read.success) return read.data as unknown as SavedRun;
  const issue = read.error.issues[0];
  throw new AgentError(
    "agent/bad-snapshot",
    `this is not a run that can go on: ${issue?.path.join(".") || "the whole"}: ${issue?.message}`,
    {
      hint: `pass the \`snapshot\` of a run or of a result that waits, as it was (format ${FORMAT})`,
    },
  );
}
