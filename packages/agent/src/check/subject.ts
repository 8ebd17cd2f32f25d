/**
 * What is checked. In: a machine, a chart, or an agent. Out: its machine, made safe to explore, with what is known of its tools. Law:
 * duck-typed, because a checked file may bring its own copy of this package.
 */
import { AgentError } from "../errors.ts";
import { StateMachine, type AnyStateMachine, type AnyStateNode } from "xstate";
import type { Limits } from "../chart.ts";
import type { Tool } from "../tool.ts";

/** A machine, or what has one: an `AgentChart`, an `Agent`. */
export type Checkable = AnyStateMachine | { readonly machine: AnyStateMachine; readonly tools?: readonly Tool[]; readonly limits?: Limits };

export interface Subject {
  readonly machine: AnyStateMachine;
  readonly tools: ReadonlyMap<string, Tool>;
  readonly limits: Limits;
  /** The largest number of decisions that a phase counts; above it none differs. */
  readonly phaseSteps: number;
}

/** A chart that passes through more states than this without resting turns in a circle. */
const MAX_MICROSTEPS = 200;

export function isCheckable(value: unknown): value is Checkable {
  return isMachine(value) || (isObject(value) && isMachine(value["machine"]));
}

/** @throws AgentError `agent/not-checkable` */
export function subjectOf(given: Checkable, watch: Watch = (guard) => guard): Subject {
  if (!isCheckable(given))
    throw new AgentError("agent/not-checkable", `a machine, a chart or an agent is checked, found ${typeof given}`, {
      hint: "pass what createMachine, agentChart or createAgent returned",
    });
  const { machine, tools = [], limits = {} } = isMachine(given) ? { machine: given } : given;
  return {
    machine: bounded(machine, watch),
    tools: new Map(tools.map((tool) => [tool.name, tool])),
    limits,
    phaseSteps: Math.max(0, ...statesOf(machine).flatMap(phaseStepsOf)),
  };
}

/** All states of a machine, its root first. */
export function statesOf(machine: AnyStateMachine): AnyStateNode[] {
  const below = (node: AnyStateNode): AnyStateNode[] => [node, ...(Object.values(node.states) as AnyStateNode[]).flatMap(below)];
  return below(machine.root);
}

type Guard = (args: { readonly context: unknown }, params: unknown) => boolean;
/** Stands between a chart and a guard of it. */
export type Watch = (guard: Guard) => Guard;

/** The same machine with its guards watched, and a circle of eventless transitions throws instead of never coming back. */
function bounded(machine: AnyStateMachine, watch: Watch): AnyStateMachine {
  const options = { maxIterations: MAX_MICROSTEPS, ...machine.config.options };
  const { guards, ...implementations } = machine.implementations;
  const watched = Object.entries(guards).map(([name, guard]) => [name, isPlain(guard) ? watch(guard) : guard]);
  return new StateMachine({ ...machine.config, options }, { ...implementations, guards: Object.fromEntries(watched) }) as AnyStateMachine;
}

/** `and`, `or` and `not` are functions that XState does not call. */
function isPlain(guard: unknown): guard is Guard {
  return typeof guard === "function" && !("check" in guard);
}

/** Guards of moves carry the limit of their phase. */
function phaseStepsOf(state: AnyStateNode): number[] {
  return [...state.transitions.values()].flat().flatMap(({ guard }) => {
    const params: unknown = isObject(guard) ? guard["params"] : undefined;
    return isObject(params) && typeof params["steps"] === "number" ? [params["steps"]] : [];
  });
}

function isMachine(value: unknown): value is AnyStateMachine {
  return isObject(value) && isObject(value["root"]) && typeof value["provide"] === "function" && typeof value["transition"] === "function";
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
