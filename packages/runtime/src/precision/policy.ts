/**
 * Which steps of a reply use all of sliced weights and which their low slices alone, as data. In: JSON, perhaps from a stranger. Out: a
 * policy. Law: a policy is the list of its rules, the first that fits decides; each rule can be switched off without touching another.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { POSITIONS } from "../constraint/position.ts";
import { PrecisionError } from "../errors.ts";

/** A prompt is computed in `prefill`, all of it; the steps of the reply in `decode`. */
const PHASES = ["prefill", "decode"] as const;
export type Phase = (typeof PHASES)[number];

/** More rules than anyone can understand are no policy. */
const MAX_RULES = 64;
const MAX_NAME = 64;

const positive = z.number().positive().finite();

/** All that is given must hold. Margin and entropy are those of the reply's latest step, in nats; before the first they hold for nothing. */
const conditionSchema = z.strictObject({
  phase: z.enum(PHASES).optional(),
  /** Where the token stands that the step is to tell. */
  positions: z.array(z.enum(POSITIONS)).min(1).max(POSITIONS.length).optional(),
  /** Whether the step also computes tokens that the grammar forced. */
  afterForced: z.boolean().optional(),
  /** The difference of the two largest legal logits was below this. */
  marginBelow: positive.optional(),
  /** The entropy of the softmax over the legal tokens was above this. */
  entropyAbove: positive.optional(),
});

/** `recheckBelow`: a low step, and when the margin of its own logits is below this, the same step again in full. */
const useSchema = z.union([z.enum(["low", "full"]), z.strictObject({ recheckBelow: positive })]);

const ruleSchema = z.strictObject({
  name: z.string().min(1).max(MAX_NAME),
  enabled: z.boolean().default(true),
  when: conditionSchema,
  use: useSchema,
});

export const policySchema = z.strictObject({
  format: z.literal(1),
  /** What steps use that no rule fits. */
  otherwise: useSchema,
  rules: z.array(ruleSchema).max(MAX_RULES),
});

/** A precision policy; see {@link parsePolicy}. Margins and entropies are in nats. */
export type PrecisionPolicy = z.infer<typeof policySchema>;
export type PrecisionRule = PrecisionPolicy["rules"][number];
/** What a step uses. */
export type Use = z.infer<typeof useSchema>;

/** Reads a policy from JSON. @throws PrecisionError `precision/bad-policy` with the place and what was expected there */
export function parsePolicy(json: unknown): PrecisionPolicy {
  const parsed = policySchema.safeParse(json);
  if (!parsed.success) throw badPolicy(z.prettifyError(parsed.error), parsed.error);
  const names = parsed.data.rules.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw badPolicy(`two rules are called ${JSON.stringify(twice)}`);
  return parsed.data;
}

function badPolicy(what: string, cause?: unknown): PrecisionError {
  return new PrecisionError("precision/bad-policy", `the precision policy does not fit: ${what}`, {
    hint: "docs/precision.md has the form; start from the default policy",
    cause,
  });
}

/** The same for policies that choose the same: what rules are called, and those that are off, do not count. */
export function policyName({ otherwise, rules }: PrecisionPolicy): string {
  const deciding = rules.filter(({ enabled }) => enabled).map(({ when, use }) => [when, use]);
  return `policy ${createHash("sha256")
    .update(JSON.stringify([otherwise, deciding]))
    .digest("hex")
    .slice(0, 16)}`;
}

/** Every step in the same way: what fixed precision would be. */
export function fixedPolicy(otherwise: "low" | "full"): PrecisionPolicy {
  return { format: 1, otherwise, rules: [] };
}
