/**
 * A chart as a game: where it begins, and what comes of a choice. In: a subject and what to compare. Out: places, and what happened on the
 * way. Law: pure; two places have one key only where state, abstraction, moves, what runs, and whatever the properties ask are the same.
 */
import type { Moves } from "@orrery/chat";
import { getInitialMicrosteps, type AnyMachineSnapshot } from "xstate";
import { AgentError } from "../errors.ts";
import { moves } from "../moves.ts";
import { stepper, type Effect, type Step } from "../step.ts";
import { KEPT_FOR_MOVES, type Abstraction } from "./abstraction.ts";
import { eventOf, type Choice, type Position } from "./choices.ts";
import { happeningsIn, openCalls, outcomeText, pathsOf, type Happening } from "./happening.ts";
import type { Reads } from "./reads.ts";
import { isObject, type Subject } from "./subject.ts";

/** A position of the chart at rest. */
export interface Place extends Position {
  /** Active states, as dotted paths, parents first. */
  readonly paths: readonly string[];
  readonly final: boolean;
}

/** A step of a run: what came of a choice. */
export interface Outcome {
  readonly place: Place;
  readonly key: string;
  readonly happenings: readonly Happening[];
}

export interface GameOptions {
  readonly subject: Subject;
  readonly reads: Reads;
  readonly abstraction: Abstraction;
  /** What the chart is started with. */
  readonly input: unknown;
  /** What properties ask of a place: where the answers differ, so do the keys. */
  readonly asks: readonly ((place: Place) => unknown)[];
}

export interface Game {
  /** What functions have looked at so far. */
  readonly reads: Reads;
  begin(): Outcome;
  /** Undefined where the choice cannot be made here. @throws what a guard or an action of the chart throws */
  play(place: Place, choice: Choice): Outcome | undefined;
}

export function gameOf({ subject, reads, abstraction, input, asks }: GameOptions): Game {
  const { machine, through } = stepper(subject.machine);
  const numbers = new Map<string, number>();
  const numberOf = (text: string): number => {
    const number = numbers.get(text) ?? numbers.size;
    numbers.set(text, number);
    return number;
  };
  const known = new Map<string, Moves>();
  const numbersOfMoves = new Map<Moves, number>();
  /** Equal moves are one object, so that their schemas are compiled once. */
  const shared = (place: Place): Place => {
    if (!place.legal) return place;
    const text = JSON.stringify(place.legal);
    const legal = known.get(text) ?? place.legal;
    known.set(text, legal);
    if (!numbersOfMoves.has(legal)) numbersOfMoves.set(legal, numbersOfMoves.size);
    return { ...place, legal };
  };
  const keyOf = (place: Place): string => {
    const { snapshot, running, timers, legal, problem } = place;
    if (place.final) return String(numberOf(JSON.stringify([snapshot.value, asks.map((ask) => ask(place))])));
    const key = [
      snapshot.value,
      historyOf(snapshot),
      abstraction(snapshot.context as never),
      [...running].map(([id, { src }]) => (src === "call" ? src : [id, src])),
      [...timers.keys()],
      legal ? numbersOfMoves.get(legal) : (problem?.message ?? null),
      asks.map((ask) => ask(place)),
    ];
    return String(numberOf(JSON.stringify(key)));
  };
  const outcome = (before: Place | undefined, steps: readonly Step[], spent: string, first: readonly Happening[]): Outcome => {
    const [snapshot] = steps.at(-1)!;
    const effects = steps.flatMap(([, each]) => each);
    const place = shared(placeOf(snapshot, underWay(before, effects, spent), reads));
    return { place, key: keyOf(place), happenings: [...first, ...happeningsIn(before?.snapshot, steps)] };
  };
  return {
    reads,
    begin: () => outcome(undefined, getInitialMicrosteps(machine, input as never) as unknown as readonly Step[], "", []),
    play: (place, choice) => {
      const event = eventOf(subject, place, choice);
      if (!event) return undefined;
      const spent = choice.by === "clock" ? choice.timer : "actorId" in event ? String(event.actorId) : "";
      return outcome(place, through(place.snapshot, event), spent, happeningsOf(choice, place));
    },
  };
}

function placeOf(snapshot: AnyMachineSnapshot, { running, timers }: UnderWay, reads: Reads): Place {
  const paths = pathsOf(snapshot);
  if (snapshot.status !== "active") return { snapshot, seen: snapshot, paths, final: true, running: new Map(), timers: new Map() };
  const seen: AnyMachineSnapshot = Object.create(snapshot, { context: { value: reads.view(snapshot.context, KEPT_FOR_MOVES) } });
  const decides = [...running.values()].some(({ src }) => src === "decide");
  return { snapshot, seen, paths, final: false, running, timers, ...(decides ? legalIn(seen) : {}) };
}

function legalIn(snapshot: AnyMachineSnapshot): { legal: Moves } | { problem: AgentError } {
  try {
    return { legal: moves(snapshot.machine, snapshot) };
  } catch (thrown) {
    if (thrown instanceof AgentError) return { problem: thrown };
    throw thrown;
  }
}

type UnderWay = Pick<Position, "running" | "timers">;

/** What runs and which timers are set once `spent` has ended and these effects are done, as `Drive` would have it. */
function underWay(before: Position | undefined, effects: readonly Effect[], spent: string): UnderWay {
  const running = new Map(before?.running);
  const timers = new Map(before?.timers);
  running.delete(spent);
  timers.delete(spent);
  for (const { type, params: given } of effects) {
    const params = isObject(given) ? given : {};
    const { id, src, input, actorRef, event, delay } = params;
    const actor = String(isObject(actorRef) ? actorRef["id"] : id);
    if (type === "xstate.spawnChild") running.set(actor, { src: typeof src === "string" ? src : actor, input });
    else if (type === "xstate.stopChild") running.delete(actor);
    else if (type === "xstate.cancel") timers.delete(String(params["sendId"]));
    else if (type === "xstate.raise" && delay !== undefined && isObject(event)) {
      timers.set(String(id ?? event["type"]), event as { type: string });
    }
  }
  return { running, timers };
}

function historyOf({ historyValue }: AnyMachineSnapshot): unknown {
  return Object.entries(historyValue).map(([id, states]) => [id, states.map((state) => state.id)]);
}

/** What the choice itself is; all else is told by the chart. */
function happeningsOf(choice: Choice, { snapshot, running }: Place): Happening[] {
  if (choice.by === "actor") {
    const outcome = "output" in choice ? outcomeText(choice.output) : "error";
    return [{ kind: "ended", name: running.get(choice.id)?.src ?? choice.id, outcome }];
  }
  if (choice.by === "model") {
    if (choice.does === "answers") return [{ kind: "moved", name: "answer" }];
    return choice.does === "errs" ? [{ kind: "refused", name: "" }] : [];
  }
  if (choice.by !== "person" || choice.does === "fail") return [];
  if (choice.does === "cancel") return [{ kind: "cancelled", name: "run" }];
  if (choice.does === "send") return [{ kind: "event", name: choice.event.type }];
  const name = openCalls(snapshot)[choice.call]?.call.name ?? "";
  return [{ kind: choice.does === "approve" ? "approved" : "denied", name, call: choice.call }];
}
