/** What of a machine is wrong before it moves, and which of its states are not its author's. In: a machine. Out: findings, answers. */
import type { AnyStateMachine, AnyStateNode } from "xstate";
import { agentChart } from "../chart.ts";
import { errorFacts } from "../errors.ts";
import { phase } from "../machines/phase.ts";
import type { Finding } from "./findings.ts";
import { isObject, statesOf } from "./subject.ts";

export function pathOf(state: AnyStateNode): string {
  return state.path.join(".");
}

const PHASE = "deciding checking waiting acting";

/** States of a phase beside the deciding one: whether they are entered depends on what the phase allows. */
export function isPhasePart({ parent, key }: AnyStateNode): boolean {
  return parent !== undefined && key !== "deciding" && Object.keys(parent.states).join(" ") === PHASE;
}

const ENDINGS = ["answered", "cancelled", "failed"];

/** An ending that every agent's chart has, and that nothing in this one leads to. */
export function isEnding(state: AnyStateNode): boolean {
  const { parent, key, machine } = state;
  if (!parent || parent.parent || !ENDINGS.includes(key) || !ENDINGS.every((name) => name in parent.states)) return false;
  return !statesOf(machine).some((other) => arrowsOf(other).some(({ target }) => target?.includes(state)));
}

function arrowsOf({ transitions, always = [] }: AnyStateNode) {
  return [...[...transitions.values()].flat(), ...always];
}

/** Initial states that are not there, and names that nobody implements: XState says neither before it comes to them. */
export function faultsOf(machine: AnyStateMachine): Finding[] {
  const { guards, actions, actors } = machine.implementations;
  const unknown = (kind: string, state: AnyStateNode, name: string, severity: Finding["severity"] = "error"): Finding => ({
    kind: "unknown-name",
    severity,
    message: `${pathOf(state) || "the chart"} names the ${kind} '${name}', which nobody implements`,
  });
  const found = statesOf(machine).flatMap((state): Finding[] => {
    const arrows = arrowsOf(state);
    const done = [...state.entry, ...state.exit, ...arrows.flatMap((arrow) => arrow.actions)];
    return [
      ...wrongInitial(state),
      ...arrows.flatMap(({ guard }) => guardsIn(guard)).flatMap((name) => (name in guards ? [] : [unknown("guard", state, name)])),
      ...done.flatMap(namesIn).flatMap((name) => (name in actions ? [] : [unknown("action", state, name)])),
      ...state.invoke.flatMap(({ src }) =>
        typeof src !== "string" || src in actors || src.startsWith("xstate.") ? [] : [unknown("actor", state, src, "note")],
      ),
    ];
  });
  return [...new Map(found.map((finding) => [finding.message, finding])).values()];
}

/** What every chart of an agent brings along: it looks at counters, calls and facts only, or hands on the context that it was given. */
const own = agentChart({ tools: [], states: { only: phase({ answer: true }) } }).machine.implementations;

/** Is there a function of the chart's author that is handed a context which nobody watches? Inline guards and actions are. */
export function readsUnwatched(machine: AnyStateMachine): boolean {
  return statesOf(machine).some((state) => {
    const arrows = arrowsOf(state);
    const done = [...state.entry, ...state.exit, ...arrows.flatMap((arrow) => arrow.actions)];
    return arrows.some(({ guard }) => isUnwatchedGuard(guard)) || done.some(isUnwatchedAction);
  });
}

/** A named guard is watched, unless its parameters are made from the context. */
function isUnwatchedGuard(guard: unknown): boolean {
  if (guard === undefined || typeof guard === "string") return false;
  if (!isObject(guard) || typeof guard["type"] !== "string") return true;
  return typeof guard["params"] === "function" && !(guard["type"] in own.guards);
}

/** The chart's own actions do not look, unless their parameters hold a function that does. */
function isUnwatchedAction(action: unknown): boolean {
  const { type, params } = isObject(action) ? action : { type: action, params: undefined };
  if (typeof type !== "string" || !(type in own.actions)) return true;
  return isObject(params) && Object.values(params).some((value) => typeof value === "function");
}

function wrongInitial(state: AnyStateNode): Finding[] {
  if (Object.keys(state.states).length === 0 || state.type === "parallel") return [];
  try {
    return state.initial.target ? [] : [];
  } catch (thrown) {
    return [{ kind: "wrong-target", severity: "error", message: errorFacts(thrown, "agent/bad-chart").message }];
  }
}

/** Names of guards; `and`, `or` and `not` hold others. */
function guardsIn(guard: unknown): string[] {
  const inner: unknown = typeof guard === "function" && "guards" in guard ? guard.guards : undefined;
  return Array.isArray(inner) ? inner.flatMap(guardsIn) : namesIn(guard);
}

function namesIn(named: unknown): string[] {
  const name = isObject(named) ? named["type"] : named;
  return typeof name === "string" && !name.startsWith("xstate.") ? [name] : [];
}
