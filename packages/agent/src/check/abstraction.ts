/**
 * What of a context matters. In: a context. Out: a value; contexts with the same one are taken for the same. Law: whatever the default
 * drops is named in the documentation, and what the moves depend on is never lost, because the moves themselves are compared too.
 */
import type { OpenCall, RunContext, Step } from "../machines/chart-state.ts";
import { outcomeText } from "./happening.ts";
import { isContextRead } from "./structure.ts";
import { isObject, subjectOf, type Checkable, type Subject } from "./subject.ts";

/** What of a context matters, as JSON. */
export type Abstraction = (context: never) => unknown;

/**
 * Of an agent's chart: facts, which untrusted tools were read, open calls without their ids, the counters that budgets look at, and, where a
 * function of the author looks at the context, which tools have ended how, as a set. Not: messages, ids, texts, order and number of
 * steps, usage. Of another chart: the whole context.
 */
export function defaultAbstraction(given: Checkable): Abstraction {
  return abstractionOf(subjectOf(given)) as Abstraction;
}

export function abstractionOf(subject: Subject): (context: unknown) => unknown {
  const { limits, phaseSteps } = subject;
  const { tokens = Infinity, timeMs = Infinity } = limits;
  const read = isContextRead(subject);
  return (context) => {
    if (!isRunContext(context)) return context;
    const { facts, steps, untrusted, calls, decisions, phaseDecisions, illegal, spent, usage, stats, toolMs, error } = context;
    return [
      facts,
      read && [...new Set(steps.map(outcomeOf))].sort(),
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
    ];
  };
}

/** `run_tests:"red"`, `read_file:tool/failed`. */
function outcomeOf(step: Step): string {
  return `${step.tool}:${resultText(step)}`;
}

function resultText({ output, error }: { readonly output?: unknown; readonly error?: { readonly code: string } }): string {
  return error ? error.code : outcomeText(output);
}

function isRunContext(context: unknown): context is RunContext {
  return isObject(context) && Array.isArray(context["calls"]) && Array.isArray(context["steps"]) && isObject(context["spent"]);
}
