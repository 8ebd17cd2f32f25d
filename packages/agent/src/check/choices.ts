/**
 * All that can happen next. In: a chart at rest with what runs in it. Out: what model, tools, persons and clock may do, and each as an
 * event. Law: replies are made by the player itself, so the exploration cannot know other moves than a run does; a choice names calls by
 * their place, so that it can be played again in another run.
 */
import { isJsonObject, NO_STATS, NO_USAGE, type Json, type JsonObject, type JsonSchema, type Message, type Moves } from "@orrery/chat";
import { getNextTransitions, type AnyMachineSnapshot } from "xstate";
import { errorFacts, type AgentError } from "../errors.ts";
import { freshId } from "../machines/chart-state.ts";
import { refusalOf } from "../moves.ts";
import { eventsOf, type Played, type ReplyEvent } from "../player.ts";
import { problemOf } from "../schema.ts";
import { openCalls, outcomeText } from "./happening.ts";
import { samplesOf, type Samples } from "./samples.ts";
import { isObject, type Subject } from "./subject.ts";

/** What the world may be like. */
export interface World {
  /**
   * What tools may return, by name (of a chart of one's own: actors, by `src`); a function sees the input. Default: samples of the output
   * schema, or `"ok"`.
   */
  readonly outcomes?: Readonly<Record<string, readonly Json[] | ((input: JsonObject) => readonly Json[])>>;
  /** Inputs to play, by the name of the tool or exit, instead of samples of its schema; those that are not legal are left out. */
  readonly inputs?: Readonly<Record<string, readonly JsonObject[]>>;
  /** Payloads of events of one's own, by type. Default: none. */
  readonly events?: Readonly<Record<string, readonly JsonObject[]>>;
  /** Does the model make illegal moves, as one without constraint does? Default true. */
  readonly illegal?: boolean;
  /** Do model and tools fail? A list has the codes with which tools do. Default true: `tool/failed`. */
  readonly failures?: boolean | readonly string[];
  /** At most this many calls in one reply, where the chart allows more. Default 2. */
  readonly parallel?: number;
  /** At most this many sample inputs of a move. Default 8. */
  readonly samples?: number;
}

interface Call {
  readonly name: string;
  readonly input: JsonObject;
}

/** Does this reply or call use up the budget of tokens or time? */
type Spends = "tokens" | "time" | undefined;

export type Choice =
  | { readonly by: "model"; readonly does: "calls"; readonly calls: readonly Call[]; readonly spends: Spends }
  | { readonly by: "model"; readonly does: "answers"; readonly text: string; readonly spends: Spends }
  | { readonly by: "model"; readonly does: "errs" }
  | { readonly by: "model"; readonly does: "fails" }
  | { readonly by: "model"; readonly does: "finds no move"; readonly problem: AgentError }
  | { readonly by: "tool"; readonly call: number; readonly output?: Json; readonly code?: string; readonly spends: Spends }
  | { readonly by: "actor"; readonly id: string; readonly output?: Json }
  | { readonly by: "person"; readonly does: "approve"; readonly call: number }
  | { readonly by: "person"; readonly does: "deny"; readonly call: number }
  | { readonly by: "person"; readonly does: "cancel" }
  | { readonly by: "person"; readonly does: "fail" }
  | { readonly by: "person"; readonly does: "send"; readonly event: { readonly type: string } }
  | { readonly by: "clock"; readonly timer: string };

/** A chart at rest, with what `Drive` would hold beside it. */
export interface Position {
  readonly snapshot: AnyMachineSnapshot;
  /** The same for functions of the chart's author: what they read of its context is noted. */
  readonly seen: AnyMachineSnapshot;
  readonly running: ReadonlyMap<string, { readonly src: string; readonly input: unknown }>;
  readonly timers: ReadonlyMap<string, { readonly type: string }>;
  /** The moves, where the model decides. */
  readonly legal?: Moves;
  /** Why the moves could not be derived. */
  readonly problem?: AgentError;
}

export interface Choices {
  readonly all: readonly Choice[];
  /** Moves of which the inputs played are not all there are. */
  readonly sampled: readonly string[];
  /** Moves for which no input was found. */
  readonly unplayed: readonly string[];
  /** What else was not played, in words. */
  readonly assumed: readonly string[];
}

/** More batches of calls than this in one decision are left out. */
const MAX_BATCHES = 64;

const NONE: Choices = { all: [], sampled: [], unplayed: [], assumed: [] };

export function choicesOf(subject: Subject, position: Position, world: World): Choices {
  const { snapshot, running, timers } = position;
  const all: Choice[] = [];
  let found = NONE;
  for (const [id, { src, input }] of running) {
    if (src === "decide") {
      const decided = decisions(subject, position, world);
      all.push(...decided.all);
      found = decided;
    } else if (src === "call") all.push(...results(subject, snapshot, id, input, world));
    else all.push(...outputs(id, src, world));
  }
  for (const timer of timers.keys()) all.push({ by: "clock", timer });
  return { ...found, all: [...all, ...words(snapshot, world)] };
}

function decisions(subject: Subject, { snapshot, legal, problem }: Position, world: World): Choices {
  const { illegal = true, failures = true, parallel = 2, samples = 8, inputs = {} } = world;
  const other: Choice[] = [
    ...(illegal ? [{ by: "model", does: "errs" } as const] : []),
    ...(failures ? [{ by: "model", does: "fails" } as const] : []),
  ];
  if (!legal) return { ...NONE, all: problem ? [{ by: "model", does: "finds no move", problem }] : [] };
  const sampled: string[] = [];
  const unplayed: string[] = [];
  const take = (name: string, schema: JsonSchema, given?: readonly JsonObject[]): readonly Json[] => {
    const legalOf = (values: readonly JsonObject[]): Samples => ({
      values: values.filter((value) => problemOf(schema, value) === undefined),
      all: false,
    });
    const { values, all } = given ? legalOf(given) : remembered(schema, samples);
    if (!all) sampled.push(name);
    if (values.length === 0) unplayed.push(name);
    return values;
  };
  const byName = legal.calls.map(({ name, input, alone = false }) => ({
    alone,
    calls: take(name, input, inputs[name])
      .filter(isJsonObject)
      .map((value): Call => ({ name, input: value })),
  }));
  const texts =
    legal.answer === false
      ? []
      : legal.answer === true
        ? ["text"]
        : take("answer", legal.answer.schema).map((value) => JSON.stringify(value));
  const single = byName.flatMap(({ calls }) => calls.map((call) => [call]));
  const beside = byName.filter(({ alone }) => !alone).map(({ calls }) => calls);
  const { batches, assumed } = batchesOf(beside, legal.parallel, parallel);
  const spending = spends(subject, snapshot);
  const replies = [...single, ...batches];
  return {
    all: [
      ...replies.flatMap((calls) => spending.map((spends): Choice => ({ by: "model", does: "calls", calls, spends }))),
      ...texts.map((text): Choice => ({ by: "model", does: "answers", text, spends: undefined })),
      ...other,
    ],
    sampled,
    unplayed,
    assumed,
  };
}

const known = new WeakMap<JsonSchema, { readonly max: number; readonly samples: Samples }>();

/** Schemas of tools that are not narrowed are the same object at every decision. */
function remembered(schema: JsonSchema, max: number): Samples {
  const before = known.get(schema);
  if (before?.max === max) return before.samples;
  const made = samplesOf(schema, max);
  known.set(schema, { max, samples: made });
  return made;
}

/** Two and more calls in one reply, in every order; where they are too many, with one input for each tool. */
function batchesOf(tools: readonly (readonly Call[])[], allowed: number, most: number): { batches: Call[][]; assumed: string[] } {
  const sequences = (calls: readonly Call[], length: number): Call[][] =>
    length === 0 ? [[]] : calls.flatMap((call) => sequences(calls, length - 1).map((rest) => [call, ...rest]));
  const longest = Math.min(allowed, most);
  const lengths = Array.from({ length: Math.max(0, longest - 1) }, (_, i) => i + 2);
  const countOf = (calls: readonly Call[]): number => lengths.reduce((sum, length) => sum + calls.length ** length, 0);
  const all = tools.flat();
  const few = countOf(all) <= MAX_BATCHES;
  const calls = few ? all : tools.flatMap((each) => each.slice(0, 1));
  const shortened = lengths.filter((length) => calls.length ** length <= MAX_BATCHES);
  return {
    batches: shortened.flatMap((length) => sequences(calls, length)).slice(0, MAX_BATCHES),
    assumed: [
      ...(few ? [] : ["batches of calls are samples"]),
      ...(all.length > 0 && longest < allowed ? [`at most ${longest} calls in one reply are played, where ${allowed} are legal`] : []),
    ],
  };
}

/** Where a budget is set and not spent, any reply may be the one that spends it. */
function spends({ limits: { tokens = Infinity, timeMs = Infinity } }: Subject, { context }: AnyMachineSnapshot): readonly Spends[] {
  if (!isObject(context) || !isObject(context["spent"])) return [undefined];
  const spent = context["spent"];
  return [
    undefined,
    ...(tokens < Infinity && Number(spent["tokens"]) < tokens ? (["tokens"] as const) : []),
    ...(timeMs < Infinity && Number(spent["ms"]) < timeMs ? (["time"] as const) : []),
  ];
}

function results(subject: Subject, snapshot: AnyMachineSnapshot, id: string, input: unknown, world: World): Choice[] {
  const call = openCalls(snapshot).findIndex((open) => open.call.id === id);
  const { name, input: value } = (input as { call: Call }).call;
  const given = world.outcomes?.[name];
  const schema = subject.tools.get(name)?.output;
  const outputs = typeof given === "function" ? given(value) : (given ?? (schema ? remembered(schema, world.samples ?? 8).values : ["ok"]));
  const made = outputs.map((output): Choice => ({ by: "tool", call, output, spends: undefined }));
  const slow = spends(subject, snapshot).includes("time")
    ? made.slice(0, 1).map((choice): Choice => ({ ...choice, spends: "time" }) as Choice)
    : [];
  return [...made, ...slow, ...codesOf(world).map((code): Choice => ({ by: "tool", call, code, spends: undefined }))];
}

function codesOf({ failures = true }: World): readonly string[] {
  return typeof failures === "boolean" ? (failures ? ["tool/failed"] : []) : failures;
}

function outputs(id: string, src: string, { outcomes = {}, failures = true }: World): Choice[] {
  const given = outcomes[src] ?? [null];
  const values = typeof given === "function" ? given({}) : given;
  return [...values.map((output): Choice => ({ by: "actor", id, output })), ...(failures ? [{ by: "actor", id } as const] : [])];
}

/** What comes from the player, never from a person. */
const REPLIES = new Set(["decided", "refused", "gaveUp", "answer"]);

function words(snapshot: AnyMachineSnapshot, { events = {}, failures = true }: World): Choice[] {
  const types = new Set(getNextTransitions(snapshot).map(({ eventType }) => eventType));
  const calls = openCalls(snapshot);
  return [...types].flatMap((type): Choice[] => {
    if (type === "" || type.includes("*") || type.startsWith("xstate.") || type.startsWith("call.") || REPLIES.has(type)) return [];
    if (type === "cancel") return [{ by: "person", does: "cancel" }];
    if (type === "fail") return failures ? [{ by: "person", does: "fail" }] : [];
    if ((type === "approve" || type === "deny") && calls.length > 0) {
      return calls.flatMap((open, call): Choice[] =>
        "state" in open && open.state === "asked" ? [{ by: "person", does: type, call }] : [],
      );
    }
    return (events[type] ?? [{}]).map((payload) => ({ by: "person", does: "send", event: { ...payload, type } }));
  });
}

/** The event that a choice is, here. Undefined where it cannot be made: another run has come elsewhere. */
export function eventOf(subject: Subject, position: Position, choice: Choice): { readonly type: string } | undefined {
  const { snapshot, running, timers } = position;
  if (choice.by === "clock") return timers.get(choice.timer);
  if (choice.by === "person") return personsEvent(snapshot, choice);
  if (choice.by === "actor") return running.has(choice.id) ? done(choice.id, "output" in choice, choice.output) : undefined;
  if (choice.by === "tool") {
    const open = openCalls(snapshot)[choice.call];
    if (!open || !running.has(open.call.id)) return undefined;
    const output = "output" in choice ? { output: choice.output } : { error: { code: choice.code, message: "the tool failed" } };
    return { ...done(open.call.id, true, output), ...(choice.spends ? { ms: subject.limits.timeMs } : {}) };
  }
  const decide = [...running].find(([, { src }]) => src === "decide")?.[0];
  if (decide === undefined) return undefined;
  const events = replyOf(position, choice);
  return events && done(decide, true, { events, said: {}, cost: costOf(subject, choice) } satisfies Played);
}

const MODEL_FAILED = { code: "agent/model-failed", message: "the model failed" };

function done(actorId: string, well: boolean, output: unknown): { readonly type: string } {
  const event = well
    ? { type: `xstate.done.actor.${actorId}`, actorId, output }
    : { type: `xstate.error.actor.${actorId}`, actorId, error: new Error("failed") };
  return event;
}

function personsEvent(snapshot: AnyMachineSnapshot, choice: Choice & { by: "person" }): { readonly type: string } | undefined {
  if (choice.does === "send") return choice.event;
  if (choice.does === "cancel") return { type: "cancel" };
  if (choice.does === "fail") return { type: "fail", error: errorFacts("a callback failed", "agent/observer-failed") } as { type: string };
  const open = openCalls(snapshot)[choice.call];
  return open && ({ type: choice.does, callId: open.call.id } as { type: string });
}

function replyOf({ snapshot, seen, legal }: Position, choice: Choice & { by: "model" }): readonly ReplyEvent[] | undefined {
  if (choice.does === "errs") return [{ type: "refused", reason: "not a legal move", messages: [] }];
  if (choice.does === "fails") return [{ type: "fail", error: MODEL_FAILED }];
  if (choice.does === "finds no move") {
    const error = errorFacts(choice.problem, "agent/bad-guard");
    return [{ type: choice.problem.code === "agent/no-legal-move" ? "gaveUp" : "fail", error }];
  }
  if (!legal) return undefined;
  const context: unknown = snapshot.context;
  const messages = isObject(context) && Array.isArray(context["messages"]) ? (context["messages"] as Message[]) : [];
  const message =
    choice.does === "answers"
      ? { role: "assistant" as const, content: choice.text }
      : { role: "assistant" as const, calls: choice.calls.map(({ name, input }) => ({ id: freshId(name, messages), name, input })) };
  return eventsOf(message, { legal, messages, refusal: (event) => refusalOf(snapshot.machine, seen, event) });
}

function costOf({ limits: { tokens = 0, timeMs = 0 } }: Subject, choice: Choice & { by: "model" }): Played["cost"] {
  const spends = "spends" in choice ? choice.spends : undefined;
  return {
    usage: spends === "tokens" ? { ...NO_USAGE, computedTokens: tokens } : NO_USAGE,
    stats: spends === "time" ? { ...NO_STATS, totalMs: timeMs } : NO_STATS,
  };
}

/** "model calls edit_file {…}", "run_tests returns red", "a person approves edit_file". */
export function choiceText(choice: Choice, { snapshot, running }: Position): string {
  const spent = "spends" in choice && choice.spends ? ` (and the budget of ${choice.spends} is spent)` : "";
  const callAt = (i: number): string => openCalls(snapshot)[i]?.call.name ?? "a call";
  if (choice.by === "clock") return `time passes: ${choice.timer}`;
  if (choice.by === "actor") return returned(running.get(choice.id)?.src ?? choice.id, choice);
  if (choice.by === "tool") return returned(callAt(choice.call), choice) + spent;
  if (choice.by === "person") {
    if (choice.does === "send") return `the event ${choice.event.type} comes${payloadText(choice.event)}`;
    if (choice.does === "cancel") return "a person cancels";
    if (choice.does === "fail") return "a callback of the program fails";
    return `a person ${choice.does === "deny" ? "denies" : "approves"} ${callAt(choice.call)}`;
  }
  if (choice.does === "calls")
    return `the model calls ${choice.calls.map(({ name, input }) => `${name} ${short(input)}`).join(" and ")}${spent}`;
  if (choice.does === "answers") return `the model answers ${short(choice.text)}${spent}`;
  if (choice.does === "errs") return "the model makes an illegal move";
  return choice.does === "fails" ? "the model fails" : `no move: ${choice.problem.message}`;
}

function returned(name: string, choice: { readonly output?: Json; readonly code?: string }): string {
  if ("output" in choice) return `${name} returns ${short(outcomeText(choice.output))}`;
  return choice.code === undefined || choice.code === "tool/failed" ? `${name} fails` : `${name} fails with ${choice.code}`;
}

function payloadText(event: { readonly type: string }): string {
  const payload = Object.entries(event).filter(([name]) => name !== "type");
  return payload.length === 0 ? "" : ` with ${short(Object.fromEntries(payload))}`;
}

const MAX_SHOWN = 80;

function short(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}…`;
}
