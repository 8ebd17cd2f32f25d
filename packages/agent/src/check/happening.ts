/**
 * What happens when a chart takes an event, and patterns over it. In: the states that are passed through and their effects. Out: an
 * ordered list. Law: read from the chart's own effects and states, so a pattern means the same for every chart.
 */
import type { AnyMachineSnapshot } from "xstate";
import type { Effect, Step } from "../step.ts";
import type { Effects, Tool } from "../tool.ts";
import { isObject } from "./subject.ts";

export type HappeningKind =
  "moved" | "asked" | "approved" | "denied" | "started" | "ended" | "closed" | "entered" | "cancelled" | "refused" | "event";

export interface Happening {
  readonly kind: HappeningKind;
  /** The tool, exit, state or event. */
  readonly name: string;
  /** Of an end: `error`, or the output as text. */
  readonly outcome?: string;
  /** Place of the call in its batch. */
  readonly call?: number;
}

/** What a {@link Happening} must be to match; what is left out may be anything. Made by `started`, `approved`, … */
export interface Pattern {
  readonly kind: HappeningKind;
  readonly names?: readonly string[];
  readonly effects?: readonly Effects[];
  readonly outcome?: string;
}

/** A tool, some tools, or all tools with these effects. */
export type Which = string | readonly string[] | { readonly effects: Effects | readonly Effects[] };

const named = (kind: HappeningKind, which?: Which): Pattern => {
  if (which === undefined) return { kind };
  if (typeof which === "string") return { kind, names: [which] };
  if ("effects" in which) return { kind, effects: [which.effects].flat() as Effects[] };
  return { kind, names: which };
};

/** A move is made: a call of a tool or an exit; `answer` is the answer. */
export const moved = (which?: Which): Pattern => named("moved", which);
/** A person is asked about a call. */
export const asked = (which?: Which): Pattern => named("asked", which);
/** A person approves a call. */
export const approved = (which?: Which): Pattern => named("approved", which);
/** A person denies a call. */
export const denied = (which?: Which): Pattern => named("denied", which);
/** A tool begins to run; of a chart of one's own, an actor by its `src`. */
export const started = (which?: Which): Pattern => named("started", which);
/** A tool has run, or a call was not run after all; `outcome` is `error`, or the output (text as it is, else as JSON). */
export const ended = (which?: Which, outcome?: string): Pattern => ({
  ...named("ended", which),
  ...(outcome === undefined ? {} : { outcome }),
});
/** A state that was not active is entered, by its path with dots, e.g. `editing` or `editing.waiting`. */
export const entered = (state: string | readonly string[]): Pattern => named("entered", state);
/** The run is cancelled. */
export const cancelled = (): Pattern => ({ kind: "cancelled" });
/** An event of one's own comes in. */
export const received = (event: string | readonly string[]): Pattern => named("event", event);

export function matches({ kind, names, effects, outcome }: Pattern, happening: Happening, tools: ReadonlyMap<string, Tool>): boolean {
  if (kind !== happening.kind) return false;
  if (names && !names.includes(happening.name)) return false;
  if (outcome !== undefined && outcome !== happening.outcome) return false;
  if (!effects) return true;
  const tool = tools.get(happening.name);
  return tool !== undefined && effects.includes(tool.effects);
}

/** "edit_file started", "a write tool started". */
export function patternText({ kind, names, effects, outcome }: Pattern): string {
  const [verb, anyone] = WORDS[kind];
  const who = names ? names.join(" or ") : effects ? `a tool that ${effects.map((effect) => VERBS[effect]).join(" or ")}` : anyone;
  return `${who} ${verb}${outcome === undefined ? "" : ` with ${outcome}`}`;
}

const VERBS: Readonly<Record<Effects, string>> = { read: "reads", write: "writes", external: "reaches out" };

/** What happens, and to whom it does where the pattern says nothing. */
const WORDS: Readonly<Record<HappeningKind, readonly [verb: string, anyone: string]>> = {
  moved: ["chosen", "a move"],
  asked: ["asked about", "a call"],
  approved: ["approved", "a call"],
  denied: ["denied", "a call"],
  started: ["started", "a tool"],
  ended: ["ended", "a tool"],
  closed: ["closed", "a call"],
  entered: ["entered", "a state"],
  cancelled: ["cancelled", "the run"],
  refused: ["refused", "a move"],
  event: ["received", "an event"],
};

interface OpenCallLike {
  readonly call: { readonly id: string; readonly name: string };
}

/** The calls that are open in a snapshot of an agent's chart. */
export function openCalls({ context }: AnyMachineSnapshot): readonly OpenCallLike[] {
  const calls: unknown = isObject(context) ? context["calls"] : undefined;
  return Array.isArray(calls) ? calls.filter((open) => isObject(open) && isObject(open["call"])) : [];
}

/** All active states, as dotted paths, parents first. */
export function pathsOf({ value }: Pick<AnyMachineSnapshot, "value">): string[] {
  const below = (at: unknown): string[] =>
    typeof at === "string"
      ? [at]
      : isObject(at)
        ? Object.entries(at).flatMap(([name, inner]) => [name, ...below(inner).map((path) => `${name}.${path}`)])
        : [];
  return below(value);
}

/** What happened in these steps, one after the other. `before` is missing for a chart's first step. */
export function happeningsIn(before: AnyMachineSnapshot | undefined, steps: readonly Step[]): Happening[] {
  const found: Happening[] = [];
  const places = new Map<string, number>();
  let last = before;
  const note = (snapshot: AnyMachineSnapshot): void => openCalls(snapshot).forEach(({ call }, i) => places.set(call.id, i));
  if (before) note(before);
  for (const [snapshot, effects] of steps) {
    note(snapshot);
    const told = effects.flatMap((effect) => toldBy(effect, places));
    const here = last ? new Set(pathsOf(last)) : new Set();
    const open = new Set(openCalls(snapshot).map(({ call }) => call.id));
    found.push(
      ...told.filter(({ kind }) => kind === "moved"),
      ...(last ? openCalls(last) : []).flatMap(({ call }, i): Happening[] =>
        open.has(call.id) ? [] : [{ kind: "closed", name: call.name, call: i }],
      ),
      ...pathsOf(snapshot)
        .filter((path) => !here.has(path))
        .map((name): Happening => ({ kind: "entered", name })),
      ...told.filter(({ kind }) => kind !== "moved"),
    );
    last = snapshot;
  }
  return found;
}

function toldBy({ type, params }: Effect, places: ReadonlyMap<string, number>): Happening[] {
  if (!isObject(params)) return [];
  if (type === "xstate.spawnChild") {
    const src = typeof params["src"] === "string" ? params["src"] : "";
    return src === "" || src === "call" || src === "decide" ? [] : [{ kind: "started", name: src }];
  }
  const event = type === "xstate.emit" ? params["event"] : undefined;
  if (!isObject(event) || !isObject(event["call"])) return [];
  const { id, name } = event["call"] as { id: string; name: string };
  const kind = EMITTED[String(event["type"])];
  if (!kind) return [];
  const place = places.get(id);
  const outcome = kind === "ended" ? ("error" in event ? "error" : outcomeText(event["output"])) : undefined;
  return [{ kind, name, ...(place === undefined ? {} : { call: place }), ...(outcome === undefined ? {} : { outcome }) }];
}

const EMITTED: Readonly<Record<string, HappeningKind | undefined>> = {
  move: "moved",
  approval: "asked",
  "tool-start": "started",
  "tool-end": "ended",
  "tool-error": "ended",
};

/** An output as the name of an outcome: text as it is, else as JSON. */
export function outcomeText(output: unknown): string {
  return typeof output === "string" ? output : (JSON.stringify(output) ?? "null");
}
