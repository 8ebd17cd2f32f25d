/**
 * A statechart as a Mermaid state diagram. In: a machine. Out: text for a README. Law: everything is read from the machine, so the
 * picture cannot lie; transitions between the same two states share an arrow.
 */
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from "xstate";
import type { RunPath } from "./run-path.ts";
import { eventText, guardText, leadsSomewhere, pathOf, transitionsOf } from "./transitions.ts";

export interface MermaidOptions {
  /** The path of a run, from {@link runPath}: the states that it entered are filled. */
  readonly path?: RunPath;
}

/** @example `toMermaid(agent.machine)` */
export function toMermaid(machine: AnyStateMachine, { path }: MermaidOptions = {}): string {
  return ["stateDiagram-v2", ...inside(machine.root, "  "), ...(path ? entered(machine.root, path) : []), ""].join("\n");
}

/** Mermaid styles states that hold others badly: only the innermost are marked. */
function entered(root: AnyStateNode, { states }: RunPath): string[] {
  const leaves = (state: AnyStateNode): AnyStateNode[] => {
    const children: AnyStateNode[] = Object.values(state.states);
    return children.length > 0 ? children.flatMap(leaves) : [state];
  };
  const names = leaves(root)
    .filter((state) => states.has(pathOf(state)))
    .map(nameOf);
  return names.length > 0 ? ["  classDef taken fill:#c2410c,color:#fff,stroke:#c2410c", `  class ${names.join(",")} taken`] : [];
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

/** `event [guard]`; events of invoked actors read "decide done". */
function labelOf(transition: AnyTransitionDefinition): string {
  const guard = guardText(transition);
  return [eventText(transition.eventType), guard && `[${guard}]`].filter(Boolean).join(" ");
}

function nameOf(state: AnyStateNode): string {
  return state.path.join("_").replaceAll(/[^A-Za-z0-9_]/g, "_") || state.key;
}
