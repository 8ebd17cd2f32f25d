/**
 * Transitions of a chart as pictures show them. In: states. Out: which transitions lead somewhere, and what to write on an arrow.
 */
import type { AnyStateNode, AnyTransitionDefinition } from "xstate";
import type { MoveMeta } from "../moves.ts";

export function transitionsOf(state: AnyStateNode): AnyTransitionDefinition[] {
  return [...[...state.transitions.values()].flat(), ...(state.always ?? [])];
}

/** Not what only passes an actor's word on, nor the last resort of an event that leads somewhere else as a rule. */
export function leadsSomewhere(
  { target, eventType }: AnyTransitionDefinition,
  _: number,
  all: readonly AnyTransitionDefinition[],
): boolean {
  if (target) return true;
  return !eventType.startsWith("xstate.") && !all.some((other) => other.target && other.eventType === eventType);
}

/** Whether whoever plays, the model or a person, takes it. */
export function isMove({ meta }: AnyTransitionDefinition): boolean {
  return (meta as MoveMeta | undefined)?.move !== undefined;
}

/** `event`; those of actors and timers as people say them, none for a transition without an event. */
export function eventText(eventType: string): string {
  return eventType
    .replace(
      /^xstate\.(done|error)\.actor\.(.*)$/,
      (_all: string, kind: string, actor: string) => `${actor === "*" ? "call" : actor} ${kind}`,
    )
    .replace(/^xstate\.done\.state\..*$/, "done")
    .replace(/^xstate\.after\.([^.]*).*$/, "after $1");
}

/** The name of a guard; empty where there is none, or none with a name. */
export function guardText({ guard }: AnyTransitionDefinition): string {
  return typeof guard === "string" ? guard : typeof guard === "object" && guard !== null && "type" in guard ? String(guard.type) : "";
}

/** A transition, the same in a picture and in a trace. */
export function keyOf(source: string, eventType: string, target: string): string {
  return JSON.stringify([source, eventType, target]);
}

/** Path of a state, dotted. */
export function pathOf(state: AnyStateNode): string {
  return state.path.join(".");
}
