/**
 * The trace of one stretch of a run: from its beginning or a resume to its end or the next pause. In: what the drive tells. Out: spans,
 * each when it ends.
 *
 *     invoke_agent                  the stretch; its events are the transitions of the chart and the calls that were refused
 *     ├─ chat                       a decision
 *     ├─ orrery.approval            the wait for a person's word on a call
 *     └─ execute_tool               a call
 *        └─ orrery.attempt          each attempt, where there were several
 *
 * Law: all stretches of a run have one trace id, and all but the first the first as parent.
 */
import type { AnyMachineSnapshot, StateValue } from "xstate";
import type { Agent } from "../agent.ts";
import type { ActorNews, Clock } from "../driver.ts";
import { errorFacts, type ErrorFacts } from "../errors.ts";
import { isPending, type CallResult, type RunContext } from "../machines/chart-state.ts";
import type { ApprovalEvent, CallInput, ChartEmitted } from "../machines/core.ts";
import { exitsOf } from "../moves.ts";
import type { DecideEmitted, Played } from "../player.ts";
import type { Ending } from "../result.ts";
import type { SavedRun } from "../saved-run.ts";
import type { Microstep } from "../step.ts";
import type { Attempt } from "../actors/call.ts";
import { askedAttributes, playedAttributes, type Asked, type Bag } from "./decision.ts";
import { inputMessages, outputMessages, instructionsOf } from "./content.ts";
import { newSpanId, requireContext, rootSpanId, unixNano, type Span, type SpanEvent, type TraceOptions } from "./span.ts";

/** Transitions of some hundred decisions. A run that goes on for days must not keep all of them. */
const MAX_EVENTS = 2_000;

export interface RunTraceOptions {
  readonly agent: Agent<unknown>;
  readonly trace: TraceOptions;
  readonly traceId: string;
  readonly clock: Clock;
  /** Where the stretch begins, of a run that was saved. */
  readonly resumed?: SavedRun | undefined;
}

/** A span that has not ended. */
interface Open {
  readonly spanId: string;
  readonly name: string;
  readonly start: string;
  readonly bag: Bag;
  readonly parent: string | undefined;
  readonly asked?: Asked;
  readonly attempts?: { readonly start: string; end?: string; error?: string }[];
}

export class RunTrace {
  readonly traceId: string;
  readonly #options: RunTraceOptions;
  readonly #content: boolean;
  /** What turns the clock's milliseconds into those since 1970. */
  readonly #epoch: number;
  readonly #root: Open;
  /** What the run had cost before this stretch. */
  readonly #before: RunContext | undefined;
  readonly #actors = new Map<string, Open>();
  readonly #approvals = new Map<string, Open>();
  readonly #started = new Set<string>();
  readonly #events: SpanEvent[] = [];
  #dropped = 0;
  #state = "";
  #known: ReadonlySet<string> | undefined;

  constructor(options: RunTraceOptions) {
    const { trace, traceId, agent, clock, resumed } = options;
    this.traceId = traceId;
    this.#options = options;
    this.#content = trace.content ?? false;
    this.#epoch = epochOf(clock);
    const { parent } = trace;
    if (parent) requireContext(parent);
    const within = parent?.traceId === traceId ? parent.spanId : undefined;
    const name = trace.agent === undefined ? "invoke_agent" : `invoke_agent ${trace.agent}`;
    const bag = this.#operation("invoke_agent");
    if (resumed) bag["orrery.resumed"] = true;
    const first = !resumed && within === undefined;
    this.#root = {
      spanId: first ? rootSpanId(traceId) : newSpanId(),
      name,
      start: this.#now(),
      bag,
      parent: within ?? (resumed ? rootSpanId(traceId) : undefined),
    };
    bag["gen_ai.request.model"] = agent.model.id;
    this.#before = resumed?.context;
    this.#state = resumed ? pathOf(resumed.value as StateValue) : "";
    for (const { call } of resumed?.context.calls.filter(isPending) ?? []) this.#wait(call.id, call.name);
  }

  /** What a tool is given to trace what it does itself. */
  inside(callId: string): TraceOptions {
    const spanId = this.#actors.get(callId)?.spanId ?? this.#root.spanId;
    return { ...this.#options.trace, parent: { traceId: this.traceId, spanId } };
  }

  microstep({ transitions, event, snapshot }: Microstep): void {
    if (transitions.length > 0 && (event.type === "approve" || event.type === "deny"))
      this.#decided((event as ApprovalEvent).callId, event.type === "approve" ? "granted" : "denied");
    for (const { source, target, eventType } of transitions) {
      if (!target?.[0]) continue;
      this.#state = pathOf(snapshot.value);
      this.#happened("orrery.transition", {
        ...(eventType === "" ? {} : { "orrery.event": eventType }),
        "orrery.source": source.path.join("."),
        "orrery.target": target[0].path.join("."),
        "orrery.state": this.#state,
      });
    }
  }

  /** After each event that the chart took, beginning with the one that started it. */
  step(snapshot: AnyMachineSnapshot, event: { readonly type: string }): void {
    if (event.type !== "xstate.init") return;
    this.#state = pathOf(snapshot.value);
    this.#root.bag["orrery.state.start"] = this.#state;
    if (this.#content) this.#said(snapshot.context as RunContext);
  }

  emitted(event: DecideEmitted | ChartEmitted): void {
    if (event.type === "decision") {
      const asked = this.#actors.get("decide")?.asked;
      if (asked) asked.moves = event.moves;
    } else if (event.type === "approval") this.#wait(event.call.id, event.call.name);
    else if (event.type === "tool-error" && !this.#started.has(event.call.id))
      this.#happened("orrery.call_refused", {
        "gen_ai.tool.name": event.call.name,
        "gen_ai.tool.call.id": event.call.id,
        "error.type": event.error.code,
      });
  }

  actor(news: ActorNews, snapshot: AnyMachineSnapshot): void {
    if (news.type === "started") this.#actors.set(news.id, this.#begin(news, snapshot));
    else this.#finished(news);
  }

  attempt(callId: string, { type, code }: Attempt): void {
    const attempts = this.#actors.get(callId)?.attempts;
    if (type === "started") return void attempts?.push({ start: this.#now() });
    const last = attempts?.at(-1);
    if (last) Object.assign(last, { end: this.#now(), ...(code === undefined ? {} : { error: code }) });
  }

  /** A person plays: the model, which was asked, is not waited for. */
  played(moves: readonly string[]): void {
    const bag = this.#actors.get("decide")?.bag;
    if (!bag) return;
    bag["orrery.player"] = "person";
    bag["orrery.chosen"] = moves;
  }

  end({ status, state, context }: Omit<Ending, "timings">): void {
    for (const [id, open] of this.#approvals) {
      open.bag["orrery.approval"] = status === "waiting" ? "pending" : "cancelled";
      this.#approvals.delete(id);
      this.#close(open);
    }
    const { bag } = this.#root;
    const { usage, decisions, illegal, stats, steps, error, answer } = context;
    const before = this.#before;
    bag["gen_ai.usage.input_tokens"] = usage.promptTokens - (before?.usage.promptTokens ?? 0);
    bag["gen_ai.usage.output_tokens"] = usage.replyTokens - (before?.usage.replyTokens ?? 0);
    bag["gen_ai.usage.cache_read.input_tokens"] = usage.cachedTokens - (before?.usage.cachedTokens ?? 0);
    bag["orrery.usage.forced_tokens"] = usage.forcedTokens - (before?.usage.forcedTokens ?? 0);
    bag["orrery.status"] = status;
    bag["orrery.state"] = pathOf(state);
    bag["orrery.decisions"] = decisions - (before?.decisions ?? 0);
    bag["orrery.illegal"] = illegal.total - (before?.illegal.total ?? 0);
    bag["orrery.steps"] = steps.length;
    bag["orrery.masked_mass"] = stats.maskedMass;
    if (this.#content && status === "answered") bag["gen_ai.output.messages"] = outputMessages({ content: answer }, "stop");
    this.#close(this.#root, status === "failed" && error ? error : undefined);
  }

  #operation(name: string): Bag {
    const { conversation, agent } = this.#options.trace;
    const bag: Bag = { "gen_ai.operation.name": name, "gen_ai.provider.name": "orrery" };
    if (agent !== undefined) bag["gen_ai.agent.name"] = agent;
    if (conversation !== undefined) bag["gen_ai.conversation.id"] = conversation;
    return bag;
  }

  #begin({ src, input }: ActorNews, snapshot: AnyMachineSnapshot): Open {
    const open = (name: string, bag: Bag): Open => ({ spanId: newSpanId(), name, start: this.#now(), bag, parent: this.#root.spanId });
    this.#state = pathOf(snapshot.value);
    if (src === "decide") {
      const { id } = this.#options.agent.model;
      const bag = this.#operation("chat");
      bag["gen_ai.request.model"] = id;
      bag["orrery.state"] = this.#state;
      return { ...open(`chat ${id}`, bag), asked: { context: snapshot.context as RunContext } };
    }
    if (src !== "call") return open(`orrery.actor ${src}`, { "orrery.state": this.#state });
    const { call } = input as CallInput;
    this.#started.add(call.id);
    const tool = this.#options.agent.tools.find(({ name }) => name === call.name);
    const bag: Bag = {
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.name": call.name,
      "gen_ai.tool.call.id": call.id,
      "gen_ai.tool.type": "function",
      "orrery.state": this.#state,
    };
    if (tool)
      Object.assign(bag, { "gen_ai.tool.description": tool.description, "orrery.effects": tool.effects, "orrery.trust": tool.trust });
    if (this.#content) bag["gen_ai.tool.call.arguments"] = call.input;
    return { ...open(`execute_tool ${call.name}`, bag), attempts: [] };
  }

  #finished({ type, id, output, error }: ActorNews): void {
    const open = this.#actors.get(id);
    if (!open) return;
    this.#actors.delete(id);
    const { bag, asked } = open;
    if (type === "stopped") bag["orrery.stopped"] = true;
    let failure = type === "failed" ? errorFacts(error, asked ? "agent/model-failed" : "tool/failed") : undefined;
    if (asked) {
      askedAttributes(bag, asked, this.#content);
      if (type === "done")
        failure = playedAttributes(bag, output as Played, { content: this.#content, known: (name) => this.#knows(name) });
    } else if (open.attempts && type === "done") {
      const result = output as CallResult;
      if ("error" in result) failure = result.error;
      else if (this.#content) bag["gen_ai.tool.call.result"] = result.output;
    }
    if (open.attempts && open.attempts.length > 1) this.#attempted(open, open.attempts);
    this.#close(open, failure);
  }

  #attempted({ spanId, bag }: Open, attempts: NonNullable<Open["attempts"]>): void {
    bag["orrery.attempts"] = attempts.length;
    for (const [i, { start, end = this.#now(), error }] of attempts.entries()) {
      const attributes = {
        "orrery.attempt": i + 1,
        "gen_ai.tool.name": bag["gen_ai.tool.name"]!,
        ...(error ? { "error.type": error } : {}),
      };
      this.#options.trace.onSpan({
        traceId: this.traceId,
        spanId: newSpanId(),
        parentSpanId: spanId,
        name: "orrery.attempt",
        startTimeUnixNano: start,
        endTimeUnixNano: end,
        attributes,
        ...(error ? { status: { code: "error" } } : {}),
      });
    }
  }

  #wait(callId: string, tool: string): void {
    const bag = { "gen_ai.tool.name": tool, "gen_ai.tool.call.id": callId, "orrery.state": this.#state };
    this.#approvals.set(callId, {
      spanId: newSpanId(),
      name: `orrery.approval ${tool}`,
      start: this.#now(),
      bag,
      parent: this.#root.spanId,
    });
  }

  #decided(callId: string, verdict: string): void {
    const open = this.#approvals.get(callId);
    if (!open) return;
    this.#approvals.delete(callId);
    open.bag["orrery.approval"] = verdict;
    this.#close(open);
  }

  /** Is it a name of the agent's own? Others are text of a model. */
  #knows(name: string): boolean {
    const { tools, machine } = this.#options.agent;
    this.#known ??= new Set([...tools, ...exitsOf(machine)].map((move) => move.name));
    return this.#known.has(name);
  }

  #said({ messages }: RunContext): void {
    const instructions = instructionsOf(messages);
    if (instructions !== undefined) this.#root.bag["gen_ai.system_instructions"] = instructions;
    this.#root.bag["gen_ai.input.messages"] = inputMessages(messages);
  }

  #happened(name: string, attributes: SpanEvent["attributes"]): void {
    if (this.#events.length >= MAX_EVENTS) this.#dropped++;
    else this.#events.push({ name, timeUnixNano: this.#now(), attributes });
  }

  #close(open: Open, failure?: ErrorFacts): void {
    const { spanId, parent, name, start, bag } = open;
    if (failure) bag["error.type"] = failure.code;
    const root = open === this.#root;
    const span: Span = {
      traceId: this.traceId,
      spanId,
      ...(parent === undefined ? {} : { parentSpanId: parent }),
      name,
      startTimeUnixNano: start,
      endTimeUnixNano: this.#now(),
      attributes: bag,
      ...(root && this.#events.length > 0 ? { events: this.#events } : {}),
      ...(root && this.#dropped > 0 ? { droppedEventsCount: this.#dropped } : {}),
      ...(failure ? { status: { code: "error", ...(this.#content ? { message: failure.message } : {}) } } : {}),
    };
    this.#options.trace.onSpan(span);
  }

  #now(): string {
    return unixNano(this.#epoch + this.#options.clock.now());
  }
}

/** One for a clock, so that spans of runs within runs lie within one another. */
const epochs = new WeakMap<Clock, number>();

function epochOf(clock: Clock): number {
  const epoch = epochs.get(clock) ?? Date.now() - clock.now();
  epochs.set(clock, epoch);
  return epoch;
}

/** The innermost state, dotted; of parallel ones all, joined by `,`. */
function pathOf(value: StateValue): string {
  if (typeof value === "string") return value;
  return Object.entries(value)
    .map(([name, inner]) => {
      const below = inner === undefined ? "" : pathOf(inner);
      return below === ""
        ? name
        : below
            .split(",")
            .map((path) => `${name}.${path}`)
            .join(",");
    })
    .join(",");
}
