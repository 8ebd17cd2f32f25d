/**
 * A statechart as a Mermaid state diagram. In: a machine. Out: text for a README. Law: everything is read from the machine, so the
 * picture cannot lie; transitions between the same two states share an arrow.
 */
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from "xstate";

/** @example `toMermaid(agent.machine)` */
export function toMermaid(machine: AnyStateMachine): string {
  return ["stateDiagram-v2", ...inside(machine.root, "  "), ""].join("\n");
}

function inside(parent: AnyStateNode, indent: string): string[] {
  const lines: string[] = [];
  const states: AnyStateNode[] = Object.values(parent.states);
  for (const target of parent.initial?.target ?? []) lines.push(`${indent}[*] --> ${nameOf(target)}`);
  for (const state of states) {
    if (Object.keys(state.states).length > 0)
      lines.push(`${indent}state ${nameOf(state)} {`, ...inside(state, `${indent}  `), `${indent}}`);
    lines.push(...arrows(state).map((arrow) => indent + arrow));
    if (state.type === "final") lines.push(`${indent}${nameOf(state)} --> [*]`);
  }
  return lines;
}

/** Arrows out of a state; those of the machine itself leave from every state in which it can rest. */
function arrows(state: AnyStateNode): string[] {
  const parent = state.parent;
  const passing = state.type === "final" || state.always?.some(({ guard }) => guard === undefined);
  const inherited = parent && !parent.parent && !passing ? transitionsOf(parent) : [];
  const labels = new Map<string, Set<string>>();
  for (const transition of [...transitionsOf(state), ...inherited].filter(leadsSomewhere)) {
    const target = nameOf(transition.target?.[0] ?? state);
    labels.set(target, (labels.get(target) ?? new Set()).add(labelOf(transition)));
  }
  return [...labels].map(([target, texts]) => {
    const text = [...texts].filter(Boolean).join("<br/>");
    return `${nameOf(state)} --> ${target}${text ? ` : ${text}` : ""}`;
  });
}

/** Not what only passes an actor's word on, nor the last resort of an event that leads somewhere else as a rule. */
function leadsSomewhere({ target, eventType }: AnyTransitionDefinition, _: number, all: readonly AnyTransitionDefinition[]): boolean {
  if (target) return true;
  return !eventType.startsWith("xstate.") && !all.some((other) => other.target && other.eventType === eventType);
}

function transitionsOf(state: AnyStateNode): AnyTransitionDefinition[] {
  return [...[...state.transitions.values()].flat(), ...(state.always ?? [])];
}

/** `event [guard]`; events of invoked actors read "decide done". */
function labelOf({ eventType, guard }: AnyTransitionDefinition): string {
  const event = eventType
    .replace(
      /^xstate\.(done|error)\.actor\.(.*)$/,
      (_all: string, kind: string, actor: string) => `${actor === "*" ? "call" : actor} ${kind}`,
    )
    .replace(/^xstate\.after\.([^.]*).*$/, "after $1");
  const name = typeof guard === "string" ? guard : typeof guard === "object" && guard !== null && "type" in guard ? String(guard.type) : "";
  return [event, name && `[${name}]`].filter(Boolean).join(" ");
}

function nameOf(state: AnyStateNode): string {
  return state.path.join("_").replaceAll(/[^A-Za-z0-9_]/g, "_") || state.key;
}
