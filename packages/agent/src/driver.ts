/**
 * Drives a chart: does what it asks for and brings back what comes of it. In: a machine, and a function for each of its actors. Out: the
 * last snapshot. Law: the chart decides, this file carries; events are taken one after the other; what the chart stops is told by its
 * signal and never heard again.
 */
import type { AnyMachineSnapshot, AnyStateMachine } from "xstate";
import { stepper, type Effect, type OnMicrostep, type SavedSnapshot, type Step, type Stepper } from "./step.ts";

/** What an actor is given. */
export interface ActorArgs<Input = unknown> {
  readonly id: string;
  readonly input: Input;
  /** Fires when the chart no longer waits for it. */
  readonly signal: AbortSignal;
  /** Tells whoever watches the run. */
  readonly emit: (event: { readonly type: string }) => void;
  /** The chart's snapshot. */
  readonly snapshot: AnyMachineSnapshot;
}

export type ActorFunction = (args: ActorArgs<never>) => Promise<unknown>;

/** Where time comes from. */
export interface Clock {
  now(): number;
  setTimeout(fn: () => void, ms: number): unknown;
  clearTimeout(id: never): void;
}

export const realClock: Clock = {
  now: () => performance.now(),
  setTimeout: (fn, ms) => setTimeout(fn, ms),
  clearTimeout: (id: NodeJS.Timeout) => clearTimeout(id),
};

/** What happens to an actor, for clocks and traces. */
export interface ActorNews {
  readonly type: "started" | "done" | "failed" | "stopped";
  readonly id: string;
  readonly src: string;
  readonly input: unknown;
  readonly output?: unknown;
  readonly error?: unknown;
}

export interface DriveOptions {
  readonly machine: AnyStateMachine;
  readonly actors: Readonly<Record<string, ActorFunction>>;
  readonly clock?: Clock;
  /** Events that the chart or an actor emits, in order. Must not throw. */
  readonly onEmit?: (event: { readonly type: string }) => void;
  /** After each event that was taken, when its effects are under way. Must not throw. */
  readonly onStep?: (snapshot: AnyMachineSnapshot, event: { readonly type: string }) => void;
  readonly onActor?: (news: ActorNews) => void;
  /** Each transition as it is taken, before its effects. Must not throw. */
  readonly onMicrostep?: OnMicrostep | undefined;
}

interface Running {
  readonly src: string;
  readonly input: unknown;
  readonly controller: AbortController;
  readonly since: number;
}

export class Drive {
  readonly #options: DriveOptions;
  readonly #clock: Clock;
  readonly #stepper: Stepper;
  readonly #running = new Map<string, Running>();
  readonly #timers = new Map<string, unknown>();
  readonly #queue: { readonly type: string }[] = [];
  readonly #ended = deferred<AnyMachineSnapshot>();
  #snapshot: AnyMachineSnapshot | undefined;
  #state: "new" | "idle" | "stepping" | "over" = "new";

  constructor(options: DriveOptions) {
    this.#options = options;
    this.#clock = options.clock ?? realClock;
    this.#stepper = stepper(options.machine);
  }

  /** Settles with the last snapshot; rejects with what a guard or an action of the chart threw. */
  get ended(): Promise<AnyMachineSnapshot> {
    return this.#ended.promise;
  }

  /** @throws TypeError before it was started */
  get snapshot(): AnyMachineSnapshot {
    if (!this.#snapshot) throw new TypeError("the drive has not been started");
    return this.#snapshot;
  }

  /** Is something under way that will bring an event? */
  get busy(): boolean {
    return this.#running.size > 0 || this.#timers.size > 0 || this.#queue.length > 0;
  }

  save(): SavedSnapshot {
    return this.#stepper.save(this.snapshot);
  }

  start(input: unknown): this {
    this.#take({ type: "xstate.init" }, () => this.#stepper.initial(input, this.#options.onMicrostep));
    return this;
  }

  /** Goes on from a saved snapshot: what was in flight runs again, from its start. @throws Error when the machine has no such state */
  resume(saved: SavedSnapshot): this {
    const snapshot = this.#stepper.restore(saved);
    const again: Effect[] = Object.entries(saved.children).map(([id, { src, input }]) => ({
      type: "xstate.spawnChild",
      params: { id, src, input },
      info: undefined,
      exec: undefined,
    }));
    this.#take({ type: "xstate.init" }, () => [snapshot, again]);
    return this;
  }

  send(event: { readonly type: string }): void {
    if (this.#state === "over" || this.#state === "new") return;
    this.#queue.push(event);
    if (this.#state === "idle") this.#drain();
  }

  /** Stops everything; nothing is heard from here on. */
  stop(): void {
    this.#state = "over";
    for (const id of this.#running.keys()) this.#halt(id);
    for (const id of this.#timers.keys()) this.#clear(id);
  }

  #drain(): void {
    for (let event = this.#queue.shift(); event; event = this.#queue.shift()) {
      const next = event;
      this.#take(next, () => this.#stepper.next(this.snapshot, next, this.#options.onMicrostep));
      if (this.#state === "over") return;
    }
  }

  #take(event: { readonly type: string }, step: () => Step): void {
    this.#state = "stepping";
    let effects: readonly Effect[];
    try {
      [this.#snapshot, effects] = step();
    } catch (thrown) {
      this.stop();
      this.#ended.reject(thrown);
      return;
    }
    for (const effect of effects) this.#execute(effect);
    this.#options.onStep?.(this.snapshot, event);
    if (this.#is("over")) return;
    if (this.snapshot.status !== "active") {
      this.stop();
      this.#ended.resolve(this.snapshot);
      return;
    }
    this.#state = "idle";
    if (this.#queue.length > 0) this.#drain();
  }

  #is(state: "over"): boolean {
    return this.#state === state;
  }

  #execute({ type, params, info, exec }: Effect): void {
    switch (type) {
      case "xstate.spawnChild":
        return this.#spawn(params as SpawnParams);
      case "xstate.stopChild":
        return this.#halt((params as { id: string } | undefined)?.id ?? "");
      case "xstate.emit":
        return this.#options.onEmit?.((params as { event: { type: string } }).event);
      case "xstate.raise":
        return this.#schedule(params as RaiseParams);
      case "xstate.cancel":
        return this.#clear((params as { sendId: string }).sendId);
      default:
        exec?.(info as never, params as never);
    }
  }

  #spawn({ id: given, actorRef, src, input }: SpawnParams): void {
    const id = actorRef?.id ?? (given as string);
    this.#halt(id);
    const one: Running = { src, input, controller: new AbortController(), since: this.#clock.now() };
    this.#running.set(id, one);
    this.#options.onActor?.({ type: "started", id, src, input });
    void this.#run(id, one);
  }

  async #run(id: string, one: Running): Promise<void> {
    const { src, input, controller } = one;
    const { signal } = controller;
    const current = (): boolean => this.#running.get(id) === one;
    const actorId = id;
    try {
      const actor = this.#options.actors[src];
      if (!actor) throw new TypeError(`the chart invokes '${src}', and no such actor was provided`);
      const emit = (event: { readonly type: string }): void => {
        if (current()) this.#options.onEmit?.(event);
      };
      await undefined; // the step that asked for it is over by then
      if (!current()) return;
      const output = await actor({ id, input: input as never, signal, emit, snapshot: this.snapshot });
      if (!current()) return;
      this.#running.delete(id);
      this.#options.onActor?.({ type: "done", id, src, input, output });
      this.send({ type: `xstate.done.actor.${id}`, actorId, output, ms: this.#clock.now() - one.since } as { type: string });
    } catch (error) {
      if (!current()) return;
      this.#running.delete(id);
      this.#options.onActor?.({ type: "failed", id, src, input, error });
      this.send({ type: `xstate.error.actor.${id}`, actorId, error } as { type: string });
    }
  }

  #halt(id: string): void {
    const one = this.#running.get(id);
    if (!one) return;
    this.#running.delete(id);
    this.#options.onActor?.({ type: "stopped", id, src: one.src, input: one.input });
    one.controller.abort();
  }

  #schedule({ event, id, delay }: RaiseParams): void {
    if (delay === undefined) return;
    const key = id ?? event.type;
    this.#clear(key);
    const timer = this.#clock.setTimeout(() => {
      this.#timers.delete(key);
      this.send(event);
    }, delay);
    this.#timers.set(key, timer);
  }

  #clear(id: string): void {
    const timer = this.#timers.get(id);
    if (timer === undefined) return;
    this.#timers.delete(id);
    this.#clock.clearTimeout(timer as never);
  }
}

interface SpawnParams {
  readonly id: unknown;
  readonly actorRef?: { readonly id: string };
  readonly src: string;
  readonly input: unknown;
}

interface RaiseParams {
  readonly event: { readonly type: string };
  readonly id?: string;
  readonly delay?: number;
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (thrown: unknown) => void } {
  let resolve!: (value: T) => void;
  let reject!: (thrown: unknown) => void;
  const promise = new Promise<T>((yes, no) => ((resolve = yes), (reject = no)));
  promise.catch(() => {}); // whoever asks for it hears of it
  return { promise, resolve, reject };
}
