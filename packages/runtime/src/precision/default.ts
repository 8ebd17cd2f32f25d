/** The policy of a model that chooses and is given none. docs/decisions/2026-11-24-dynamic-precision.md has what it rests on. */
import { parsePolicy, type PrecisionPolicy } from "./policy.ts";

const CALL = ["move", "tool-name", "number", "enum", "string"];
const TEXT = ["free-text", "thought"];

/** Prompts, and what a call says, in full; what people read is low. The rules that are off did not pay for Orrery Mini. */
export const DEFAULT_POLICY: PrecisionPolicy = parsePolicy({
  format: 1,
  otherwise: "low",
  rules: [
    { name: "prompt", when: { phase: "prefill" }, use: "full" },
    { name: "calls", when: { phase: "decode", positions: CALL }, use: "full" },
    { name: "text near ties", enabled: false, when: { phase: "decode", positions: TEXT }, use: { recheckBelow: 0.7 } },
    { name: "calls near ties", enabled: false, when: { phase: "decode", positions: CALL }, use: { recheckBelow: 2 } },
    { name: "after doubt", enabled: false, when: { phase: "decode", entropyAbove: 1 }, use: "full" },
  ],
});
