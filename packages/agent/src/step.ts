/**
 * A chart as a pure function. In: a machine, a snapshot, an event. Out: the next snapshot, and what is to be done. Law: nothing is
 * executed and no actor runs; what is in flight stands in `children` of the snapshot, so a snapshot says all there is to know.
 *
 * XState's own `transition` makes an actor for each event, which costs more than the event does; here one scope serves a machine.
 */
import {
  createActor,
  createMachine,
  type ActorScope,
  type AnyActorLogic,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type AnyTransitionDefinition,
} from "xstate";
import type { JsonObject } from "@orrery/chat";

/** Something to be done: an actor to start or stop, an event to tell, a timer, or a function of the chart's author. */
export interface Effect {
  readonly type: string;
  readonly params: unknown;
  readonly info: unknown;
  readonly exec: ((info: never, params: never) => void) | undefined;
}

export type Step = readonly [snapshot: AnyMachineSnapshot, effects: readonly Effect[]];

/** One of the small steps that an event is taken in: of the event itself, of one that the chart raised, or without any. */
export interface Microstep {
  readonly event: { readonly type: string };
  /** What was taken; none where the event was ignored. */
  readonly transitions: readonly AnyTransitionDefinition[];
  readonly snapshot: AnyMachineSnapshot;
}

export type OnMicrostep = (microstep: Microstep) => void;

/** What JSON keeps of a snapshot. */
export interface SavedSnapshot {
  readonly value: unknown;
  readonly context: unknown;
  readonly status: "active" | "done";
  /** Actors in flight, by id. */
  readonly children: Readonly<Record<string, { readonly src: string; readonly input?: unknown }>>;
}

export interface Stepper {
  readonly machine: AnyStateMachine;
  initial(input: unknown, onMicrostep?: OnMicrostep): Step;
  next(snapshot: AnyMachineSnapshot, event: { readonly type: string }, onMicrostep?: OnMicrostep): Step;
  /** Like `next`, with the states that are passed through on the way, and what is to be done in each. */
  through(snapshot: AnyMachineSnapshot, event: { readonly type: string }): readonly Step[];
  save(snapshot: AnyMachineSnapshot): SavedSnapshot;
  /** @throws Error when the machine has no such state */
  restore(saved: SavedSnapshot): AnyMachineSnapshot;
}

/** Stands for an actor that somebody else runs. */
const ELSEWHERE = {
  transition: (state: unknown) => state,
  getInitialSnapshot: (_scope: unknown, input: unknown) => ({ status: "active", output: undefined, error: undefined, input }),
  getPersistedSnapshot: (state: unknown) => state,
} as AnyActorLogic;

const steppers = new WeakMap<AnyStateMachine, Stepper>();

/** One for each machine, kept as long as it. */
export function stepper(given: AnyStateMachine): Stepper {
  const known = steppers.get(given);
  if (known) return known;
  const names = Object.keys(given.implementations.actors);
  const machine: AnyStateMachine = given.provide({ actors: Object.fromEntries(names.map((name) => [name, ELSEWHERE])) });
  const self = createActor(createMachine({}));
  let effects: Effect[] = [];
  const scope = {
    self,
    id: "",
    sessionId: "",
    system: self.system,
    defer() {},
    logger() {},
    stopChild() {},
    emit() {},
    actionExecutor: (effect: Effect) => effects.push(effect),
  } as unknown as ActorScope<AnyMachineSnapshot, { type: string }>;
  const collected = (next: () => AnyMachineSnapshot): Step => {
    effects = [];
    const snapshot = next();
    if (snapshot.status === "error") throw snapshot.error;
    return [snapshot, effects];
  };
  const watched = (next: () => AnyMachineSnapshot, onMicrostep: OnMicrostep | undefined): Step => {
    if (!onMicrostep) return collected(next);
    const inspection = self.system.inspect((told) => {
      if (told.type !== "@xstate.microstep") return;
      onMicrostep({ event: told.event, transitions: told._transitions, snapshot: told.snapshot as AnyMachineSnapshot });
    });
    try {
      return collected(next);
    } finally {
      inspection.unsubscribe();
    }
  };
  const made: Stepper = {
    machine,
    initial: (input, onMicrostep) => watched(() => machine.getInitialSnapshot(scope, input), onMicrostep),
    next: (snapshot, event, onMicrostep) => watched(() => machine.transition(snapshot, event, scope), onMicrostep),
    through: (snapshot, event) => {
      const steps: Step[] = [];
      const [last, rest] = made.next(snapshot, event, (passed) => steps.push([passed.snapshot, effects.splice(0)]));
      return [...steps, [last, rest]];
    },
    save: (snapshot) => ({
      value: snapshot.value,
      context: snapshot.context,
      status: snapshot.status === "done" ? "done" : "active",
      children: Object.fromEntries(Object.entries(snapshot.children).map(([id, child]) => [id, savedChild(child)])),
    }),
    restore: ({ value, context, status, children }) =>
      machine.restoreSnapshot(
        {
          value,
          context,
          status,
          output: undefined,
          error: undefined,
          historyValue: {},
          children: Object.fromEntries(
            Object.entries(children).map(([id, { src, input }]) => [id, { src, snapshot: { status: "active", input } }]),
          ),
        } as never,
        scope,
      ) as AnyMachineSnapshot,
  };
  steppers.set(given, made);
  return made;
}

function savedChild(child: unknown): { src: string; input?: unknown } {
  const { src, getSnapshot } = child as { src: string; getSnapshot: () => JsonObject };
  const input = getSnapshot.call(child)["input"];
  return { src, ...(input === undefined ? {} : { input }) };
}
