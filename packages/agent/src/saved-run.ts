/**
 * A run that waits for a person, as JSON. In and out: the context of its turn. Law: what comes back from a store is checked as a
 * whole before a chart sees it; a format that is not ours is an error, never half a run.
 */
import { messageSchema, toolCallSchema, type Json } from "@orrery/chat";
import { z } from "zod";
import { AgentError } from "./errors.ts";
import type { TurnContext } from "./machines/turn-state.ts";

/** Milliseconds: of the whole run, and of them in the model and in tools. Waiting for a person counts as neither. */
export interface Timings {
  readonly totalMs: number;
  readonly modelMs: number;
  readonly toolMs: number;
}

/** Changes when the context of the turn chart changes its form. */
const FORMAT = "orrery-turn/1";

/** Plain JSON; keep it anywhere, hand it to `resume`. */
export interface SavedRun {
  readonly format: typeof FORMAT;
  readonly state: "waiting";
  readonly context: TurnContext;
  readonly timings: Timings;
}

const facts = z.object({ code: z.string(), message: z.string(), hint: z.string().optional() });
const json = z.json() as z.ZodType<Json>;
const count = z.int().nonnegative();
const amount = z.number().nonnegative();
const savedRunSchema = z.object({
  format: z.literal(FORMAT),
  state: z.literal("waiting"),
  context: z.object({
    messages: z.array(messageSchema),
    sampling: z
      .object({
        temperature: z.number(),
        topK: z.number(),
        topP: z.number(),
        minP: z.number(),
        repetitionPenalty: z.number(),
        seed: z.number(),
      })
      .partial()
      .nullable(),
    said: z.object({ content: z.string().optional(), reasoning: z.string().optional() }),
    calls: z
      .array(z.object({ call: toolCallSchema, state: z.enum(["ready", "asked", "granted", "denied"]), result: z.null() }))
      .refine((calls) => calls.some(({ state }) => state === "asked"), "no call waits")
      .refine((calls) => new Set(calls.map(({ call }) => call.id)).size === calls.length, "two calls have one id"),
    steps: z.array(z.object({ tool: z.string(), input: z.record(z.string(), json), output: json.optional(), error: facts.optional() })),
    decisions: count,
    illegal: z.object({ inARow: count, total: count }),
    usage: z.object({ promptTokens: count, cachedTokens: count, computedTokens: count, replyTokens: count, forcedTokens: count }),
    stats: z.object({ maskedMass: amount, maskedMassMax: amount, sampledTokens: count, firstTokenMs: amount, totalMs: amount }),
    answer: z.string(),
    error: z.null(),
  }),
  timings: z.object({ totalMs: amount, modelMs: amount, toolMs: amount }),
});

export function saveRun(context: TurnContext, timings: Timings): SavedRun {
  return { format: FORMAT, state: "waiting", context: JSON.parse(JSON.stringify(context)), timings };
}

/** @throws AgentError `agent/bad-snapshot` */
export function readSavedRun(saved: unknown): SavedRun {
  const result = savedRunSchema.safeParse(saved);
  if (result.success) return result.data as SavedRun;
  const issue = result.error.issues[0];
  throw new AgentError("agent/bad-snapshot", `this is not a run that waits: ${issue?.path.join(".") || "the whole"}: ${issue?.message}`, {
    hint: `pass the \`snapshot\` of a result whose status is "waiting", as it was (format ${FORMAT})`,
  });
}
