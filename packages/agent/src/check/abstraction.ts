/**
 * What of a context matters. In: a context. Out: a value; contexts with the same one are taken for the same. Law: what a function of the
 * chart's author or of a property has looked at is never dropped.
 */
import type { OpenCall, RunContext, Step } from "../machines/chart-state.ts";
import { outcomeText } from "./happening.ts";
import { Reads } from "./reads.ts";
import { isObject, subjectOf, type Checkable, type Subject } from "./subject.ts";

/** What of a context matters, as JSON. */
export type Abstraction = (context: never) => unknown;

/** What guards and narrowings may read: it is kept in any case. */
export const KEPT_FOR_MOVES: ReadonlySet<string> = new Set("facts untrusted calls decisions phaseDecisions illegal spent".split(" "));
/** What properties may read: of the counters only what budgets look at is kept. */
export const KEPT_FOR_PROPERTIES: ReadonlySet<string> = new Set("facts untrusted calls decisions".split(" "));

/**
 * Of an agent's chart: facts, which tools have ended how (as a set), which untrusted tools were read, open calls without their ids, and the
 * counters that budgets look at. Not: messages, ids, texts, order, number and inputs of steps, usage. Of another chart: the whole context.
 * Without an abstraction of one's own, `check` drops the steps where no function looks at them, and keeps besides this whatever one does
 * look at.
 */
export function defaultAbstraction(given: Checkable): Abstraction {
  const reads = new Reads();
  reads.note("steps:set");
  return abstractionOf(subjectOf(given), reads) as Abstraction;
}

export function abstractionOf({ limits, phaseSteps }: Pick<Subject, "limits" | "phaseSteps">, reads: Reads): (context: unknown) => unknown {
  const { tokens = Infinity, timeMs = Infinity } = limits;
  return (context) => {
    if (!isRunContext(context)) return context;
    const { facts, steps, untrusted, calls, decisions, phaseDecisions, illegal, spent, usage, stats, toolMs, error } = context;
    return [
      facts,
      stepsText(steps, reads),
      [...untrusted].sort(),
      calls.map(({ call, state, result }: OpenCall) => [call.name, call.input, state, result && resultText(result)]),
      decisions,
      Math.min(phaseDecisions, phaseSteps),
      illegal.inARow,
      spent.tokens >= tokens,
      usage.computedTokens + usage.replyTokens >= tokens,
      spent.ms >= timeMs,
      stats.totalMs + toolMs >= timeMs,
      error?.code,
      reads.names.map((name) => (context as unknown as Record<string, unknown>)[name]),
    ];
  };
}

function stepsText(steps: readonly Step[], reads: Reads): unknown {
  const of = (step: Step): string =>
    [
      `${step.tool}:${resultText(step)}`,
      ...(reads.has("steps:input") ? [JSON.stringify(step.input)] : []),
      ...(reads.has("steps:error") ? [step.error?.message] : []),
    ].join(" ");
  if (reads.has("steps:list")) return steps.map(of);
  const last = steps.at(-1);
  return [reads.has("steps:set") && [...new Set(steps.map(of))].sort(), reads.has("steps:last") && last && of(last)];
}

function resultText({ output, error }: { readonly output?: unknown; readonly error?: { readonly code: string } }): string {
  return error ? error.code : outcomeText(output);
}

function isRunContext(context: unknown): context is RunContext {
  return isObject(context) && Array.isArray(context["calls"]) && Array.isArray(context["steps"]) && isObject(context["spent"]);
}
