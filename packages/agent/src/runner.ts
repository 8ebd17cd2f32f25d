/**
 * One run of an agent. In: an agent, and where its chart begins. Out: the result, events on the way, and at any moment a snapshot. Law:
 * the chart decides what happens; this file carries events in (a move of a person, a word on a call, an abort) and out.
 */
import type { Moves, ToolCall } from "@orrery/chat";
import type { AnyMachineSnapshot } from "xstate";
import type { Agent } from "./agent.ts";
import { Drive, realClock, type ActorNews, type Clock } from "./driver.ts";
import { AgentError, errorFacts, type ErrorFacts } from "./errors.ts";
import { closeBatch, freshId, isPending, type RunContext, type RunInput } from "./machines/chart-state.ts";
import type { ChartEmitted, ChartEvent } from "./machines/core.ts";
import { moves, refusalOf, type MoveEvent } from "./moves.ts";
import { eventsOf } from "./player.ts";
import { jsonOf, resultOf, type Ending, type RunEvent, type RunOptions, type RunResult } from "./result.ts";
import { saveRun, type SavedRun, type Timings } from "./saved-run.ts";
import { RunTrace } from "./trace/run-trace.ts";
import { newTraceId, type Span, type TraceOptions } from "./trace/span.ts";

/** A move that a person makes. */
export type PersonsMove =
  { readonly answer: string } | { readonly calls: readonly { readonly name: string; readonly input: ToolCall["input"] }[] };

export interface Run<Output = string> {
  /** Settles when the run is over, or waits and nobody can be asked. Never rejects. */
  readonly result: Promise<RunResult<Output>>;
  /** The run as it is now, as JSON. What is in flight runs again when it is resumed, with the same `callId`. */
  snapshot(): SavedRun;
  /** What is legal now, for a person who wants to play; undefined where nobody decides. */
  moves(): Moves | undefined;
  /** Plays instead of the model, which stops thinking. @throws AgentError `agent/illegal-move` */
  play(move: PersonsMove): void;
  /** A person's word on a call that waits. @throws AgentError `agent/unknown-call` */
  decide(callId: string, allowed: boolean): void;
  cancel(): void;
}

type Begin = { readonly input: RunInput } | { readonly saved: SavedRun; readonly decisions: ReadonlyMap<string, boolean> };

/** How a run, or a stretch of it, ended. */
type Ended = Omit<Ending, "timings">;

export class Runner<Output> implements Run<Output> {
  readonly result: Promise<RunResult<Output>>;
  readonly #agent: Agent<Output>;
  readonly #options: Omit<RunOptions, "messages" | "sampling">;
  readonly #drive: Drive;
  readonly #watch: Stopwatch;
  readonly #traceId: string;
  readonly #trace: RunTrace | undefined;
  readonly #decisions: ReadonlyMap<string, boolean>;
  #settle!: (result: RunResult<Output>) => void;
  #phase: string | undefined;
  #observerError: ErrorFacts | undefined;
  #state: "running" | "asking" | "over" = "running";

  constructor(agent: Agent<Output>, options: Omit<RunOptions, "messages" | "sampling">, begin: Begin) {
    this.#agent = agent;
    this.#options = options;
    this.result = new Promise((resolve) => (this.#settle = resolve));
    const saved = "saved" in begin ? begin.saved : undefined;
    this.#decisions = "saved" in begin ? begin.decisions : new Map();
    const clock = options.clock ?? realClock;
    const traced = typeof options.trace === "function" ? { onSpan: options.trace } : options.trace;
    this.#traceId = saved?.traceId ?? traced?.parent?.traceId ?? newTraceId();
    const trace = traced && this.#observed(traced, clock, saved);
    this.#trace = trace;
    this.#watch = new Stopwatch(clock, saved?.timings);
    this.#drive = new Drive({
      machine: agent.machine,
      actors: agent.actors({ clock: options.clock, approve: options.approve, trace }),
      clock,
      onEmit: (event) => {
        trace?.emitted(event as ChartEmitted);
        this.#tell(event as RunEvent);
      },
      onActor: (news) => {
        this.#watch.hear(news);
        trace?.actor(news, this.#drive.snapshot);
      },
      onStep: (snapshot, event) => {
        trace?.step(snapshot, event);
        this.#look(snapshot);
      },
      onMicrostep: trace && ((microstep) => trace.microstep(microstep)),
    });
    this.#drive.ended.then(
      (snapshot) => this.#end(statusOf(snapshot), snapshot),
      (thrown: unknown) => this.#break(errorFacts(thrown, "agent/chart-failed")),
    );
    if ("saved" in begin) this.#resume(begin.saved);
    else this.#drive.start(begin.input);
    const { signal } = options;
    if (signal?.aborted) this.cancel();
    else signal?.addEventListener("abort", this.cancel, { once: true });
  }

  snapshot(): SavedRun {
    return saveRun(this.#drive.save(), this.#watch.read(), this.#traceId);
  }

  moves(): Moves | undefined {
    const { snapshot } = this.#drive;
    return this.#state !== "over" && Object.hasOwn(snapshot.children, "decide") ? moves(snapshot.machine, snapshot) : undefined;
  }

  play(move: PersonsMove): void {
    const legal = this.moves();
    const { snapshot } = this.#drive;
    const context: RunContext = snapshot.context;
    if (!legal)
      throw new AgentError("agent/illegal-move", `nobody decides in state ${JSON.stringify(snapshot.value)}`, {
        hint: "ask `moves()` first: it is undefined where no move can be made",
      });
    const message =
      "answer" in move
        ? { role: "assistant" as const, content: move.answer }
        : {
            role: "assistant" as const,
            calls: move.calls.map(({ name, input }) => ({ id: freshId(name, context.messages), name, input })),
          };
    const refusal = (event: MoveEvent) => refusalOf(snapshot.machine, snapshot, event);
    const events = eventsOf(message, { legal, messages: context.messages, refusal });
    const refused = events.find((event) => event.type === "refused");
    if (refused) throw new AgentError("agent/illegal-move", refused.reason, { hint: "`moves()` says what is legal now" });
    this.#trace?.played("answer" in move ? ["answer"] : move.calls.map(({ name }) => name));
    for (const event of events) this.#send(event);
  }

  decide(callId: string, allowed: boolean): void {
    const context: RunContext = this.#drive.snapshot.context;
    if (!context.calls.some((open) => isPending(open) && open.call.id === callId)) throw unknownCall(callId, context);
    this.#send({ type: allowed ? "approve" : "deny", callId });
  }

  readonly cancel = (): void => this.#send({ type: "cancel" });

  #resume(saved: SavedRun): void {
    try {
      this.#drive.resume(saved);
    } catch (thrown) {
      throw new AgentError("agent/bad-snapshot", `the agent's chart has no such state: ${errorFacts(thrown, "").message}`, {
        hint: "resume a run with the agent that made it",
        cause: thrown,
      });
    }
    if (!this.#drive.busy && !saved.context.calls.some(isPending))
      throw new AgentError("agent/bad-snapshot", "nothing is under way in this run, and nobody is asked", {
        hint: "pass the `snapshot` of a run or of a result that waits, as it was",
      });
  }

  #send(event: ChartEvent): void {
    if (this.#state !== "over") this.#drive.send(event);
  }

  /** A trace whose observer is heard like `onEvent`. */
  #observed(trace: TraceOptions, clock: Clock, saved: SavedRun | undefined): RunTrace {
    const onSpan = (span: Span): void => {
      const error = thrownBy(() => trace.onSpan(span));
      if (!error) return;
      this.#observerError ??= error;
      this.#send({ type: "fail", error });
    };
    return new RunTrace({ agent: this.#agent, trace: { ...trace, onSpan }, traceId: this.#traceId, clock, resumed: saved });
  }

  /** The last span → what an observer threw, then or before. */
  #traced(ending: Ended): ErrorFacts | undefined {
    this.#trace?.end(ending);
    return this.#observerError;
  }

  #tell(event: RunEvent): void {
    if (this.#state === "over") return;
    const error = thrownBy(() => this.#options.onEvent?.(event));
    if (error) this.#send({ type: "fail", error });
  }

  #look(snapshot: AnyMachineSnapshot): void {
    if (snapshot.status !== "active") return;
    const phase = typeof snapshot.value === "string" ? snapshot.value : Object.keys(snapshot.value)[0];
    if (this.#phase !== undefined && phase !== this.#phase) this.#tell({ type: "state", state: phase ?? "" });
    this.#phase = phase;
    if (!this.#drive.busy) this.#wait(snapshot);
  }

  /** Nothing is under way: somebody must say something. */
  #wait(snapshot: AnyMachineSnapshot): void {
    if (this.#state !== "running") return;
    const pending = (snapshot.context as RunContext).calls.filter(isPending).map(({ call }) => call);
    const decided = pending.find(({ id }) => this.#decisions.has(id));
    if (decided) this.#send({ type: this.#decisions.get(decided.id) === true ? "approve" : "deny", callId: decided.id });
    else if (pending[0] && this.#options.approve) void this.#ask(pending[0]);
    else this.#end("waiting", snapshot);
  }

  async #ask(call: ToolCall): Promise<void> {
    this.#state = "asking";
    let event: ChartEvent;
    try {
      event = { type: (await this.#options.approve?.(call)) === true ? "approve" : "deny", callId: call.id };
    } catch (thrown) {
      event = { type: "fail", error: errorFacts(thrown, "agent/approve-failed") };
    }
    if (this.#is("over")) return;
    this.#state = "running";
    this.#send(event);
  }

  #is(state: "over"): boolean {
    return this.#state === state;
  }

  #break(error: ErrorFacts): void {
    const { snapshot } = this.#drive;
    const context: RunContext = snapshot.context;
    const closed = closeBatch(context, { trust: () => "untrusted" });
    this.#finish({ status: "failed", state: snapshot.value, context: { ...context, ...closed, error } });
  }

  #end(status: RunResult["status"], snapshot: AnyMachineSnapshot): void {
    this.#finish({ status, state: snapshot.value, context: snapshot.context });
  }

  #finish(ending: Ended): void {
    if (this.#state === "over") return;
    const timings = this.#watch.read();
    const result = resultOf({ ...ending, timings });
    const more = {
      ...(ending.status === "waiting" ? { snapshot: this.snapshot() } : {}),
      ...(ending.status === "answered" ? { output: this.#agent.output ? jsonOf(result.answer) : result.answer } : {}),
    };
    const whole = { ...result, ...more } as RunResult<Output>;
    const heard = thrownBy(() => this.#options.onEvent?.({ type: "finish", result: whole }));
    this.#state = "over";
    this.#options.signal?.removeEventListener("abort", this.cancel);
    this.#drive.stop();
    const error = this.#traced(heard ? failing(ending, heard) : ending) ?? heard;
    this.#settle(error ? (resultOf({ ...failing(ending, error), timings }) as RunResult<Output>) : whole);
  }
}

function failing(ending: Ended, error: ErrorFacts): Ended {
  return { ...ending, status: "failed", context: { ...ending.context, error } };
}

function statusOf({ value }: AnyMachineSnapshot): RunResult["status"] {
  return value === "answered" || value === "cancelled" || value === "failed" ? value : "ended";
}

/** For a word on a call that does not wait. */
export function unknownCall(callId: string, context: RunContext): AgentError {
  const waiting = context.calls.filter(isPending).map(({ call }) => call.id);
  return new AgentError("agent/unknown-call", `call '${callId}' does not wait for approval; waiting: ${waiting.join(", ") || "none"}`, {
    hint: "decide on the calls in `pending` of the result that waited, by their ids",
  });
}

function thrownBy(callback: () => void): ErrorFacts | undefined {
  try {
    callback();
    return undefined;
  } catch (thrown) {
    return errorFacts(thrown, "agent/observer-failed");
  }
}

/** Time in the model, and time in which at least one tool ran. */
class Stopwatch {
  readonly #clock: Clock;
  readonly #before: Timings;
  readonly #start: number;
  readonly #since = { decide: 0, call: 0 };
  readonly #open = { decide: 0, call: 0 };
  readonly #spent = { decide: 0, call: 0 };

  constructor(clock: Clock, before: Timings = { totalMs: 0, modelMs: 0, toolMs: 0 }) {
    this.#clock = clock;
    this.#before = before;
    this.#start = clock.now();
  }

  hear({ type, src }: ActorNews): void {
    if (src !== "decide" && src !== "call") return;
    const now = this.#clock.now();
    if (this.#open[src] > 0) this.#spent[src] += now - this.#since[src];
    this.#since[src] = now;
    this.#open[src] += type === "started" ? 1 : -1;
  }

  read(): Timings {
    const now = this.#clock.now();
    const spent = (src: "decide" | "call"): number => this.#spent[src] + (this.#open[src] > 0 ? now - this.#since[src] : 0);
    const { totalMs, modelMs, toolMs } = this.#before;
    return { totalMs: totalMs + now - this.#start, modelMs: modelMs + spent("decide"), toolMs: toolMs + spent("call") };
  }
}
