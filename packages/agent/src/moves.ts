/**
 * Moves from a statechart. In: a snapshot. Out: what the model may do now. Law: derived, never kept: a move is a transition of the
 * chart that carries a {@link MoveMeta} in its `meta` and whose guards hold for this context.
 */
import { isJsonObject, type CallMove, type JsonObject, type JsonSchema, type Moves, type ToolSpec } from "@orrery/chat";
import { getNextTransitions, type AnyMachineSnapshot, type AnyStateMachine, type AnyStateNode } from "xstate";
import { AgentError, errorFacts } from "./errors.ts";
import { intersect } from "./schema.ts";

/** The event of a call: of a tool, or of an exit from a phase. */
export interface CallEvent {
  readonly type: `call.${string}`;
  /** Unique within the conversation. */
  readonly id: string;
  readonly input: JsonObject;
}

/** The event of an answer. */
export interface AnswerEvent {
  readonly type: "answer";
  readonly text: string;
}

export type MoveEvent = CallEvent | AnswerEvent;

/** What makes a transition for `call.<name>` a move; lies in the transition's `meta` as `move`. */
export interface CallMoveMeta {
  /** What the call's input must satisfy. */
  readonly input: JsonSchema;
  /** For the model, of a move that is no tool of the agent: it is then declared like one. */
  readonly description?: string | undefined;
  /** A further limit under the current context, or false for "not now". Pure. */
  readonly narrow?: ((context: never) => JsonSchema | false) | undefined;
  /** What no schema can say: true, or the reason why not. Pure. Checked when the move comes; not part of the mask. */
  readonly accepts?: ((input: JsonObject, context: never) => true | string) | undefined;
  /** No other call beside it in one reply. Default false. */
  readonly alone?: boolean | undefined;
}

/** What makes a transition for `answer` a move: free text, or JSON under a schema. */
export interface AnswerMoveMeta {
  readonly answer: true | { readonly schema: JsonSchema };
}

/** `meta` of a chart with moves: `move` on transitions, `parallel` (calls in one reply, default 1) on deciding states. */
export interface MoveMeta {
  readonly move?: CallMoveMeta | AnswerMoveMeta;
  readonly parallel?: number;
}

const CALL = "call.";

export function callEvent(name: string): CallEvent["type"] {
  return `${CALL}${name}`;
}

/** The tool or exit that a call event names. */
export function nameOfCall({ type }: Pick<CallEvent, "type">): string {
  return type.slice(CALL.length);
}

/**
 * The moves that `machine` would accept in `snapshot`, in the order of the chart. Costs microseconds: ask at each decision.
 * @throws AgentError `agent/no-legal-move` when there is none, `agent/bad-guard` and `agent/bad-narrowing` when a guard or a
 *   narrowing throws.
 */
export function moves(machine: AnyStateMachine, snapshot: AnyMachineSnapshot): Moves {
  const calls: CallMove[] = [];
  let answer: Moves["answer"] = false;
  for (const type of new Set(moveEvents(snapshot))) {
    const move = enabledMove(machine, snapshot, { type });
    if (move === undefined) continue;
    if ("answer" in move) answer = move.answer;
    else {
      const input = narrowed(move, type, snapshot);
      if (input !== false) calls.push({ name: type.slice(CALL.length), input, ...(move.alone ? { alone: true } : {}) });
    }
  }
  if (answer === false && calls.length === 0)
    throw new AgentError("agent/no-legal-move", `no move is legal in state ${JSON.stringify(snapshot.value)}`, {
      hint: "a deciding state needs one move whatever the context; look at its guards and narrowings",
    });
  return { answer, calls, parallel: parallelOf(snapshot) };
}

/** Why the chart does not take this move now, or undefined when it does: the guards that look at its payload included. */
export function refusalOf(machine: AnyStateMachine, snapshot: AnyMachineSnapshot, event: MoveEvent): string | undefined {
  const move = enabledMove(machine, snapshot, event);
  const name = event.type === "answer" ? "this answer" : `'${nameOfCall(event)}'`;
  if (!move) return `${name} is not accepted now`;
  if (event.type === "answer" || "answer" in move || !move.accepts) return undefined;
  try {
    const said = move.accepts(event.input, snapshot.context as never);
    return said === true ? undefined : typeof said === "string" && said !== "" ? said : `${name} does not accept this input now`;
  } catch (thrown) {
    return `${name} could not be checked: ${errorFacts(thrown, "").message}`;
  }
}

/** What the chart's moves declare to the model beside the agent's tools: its exits, each once. */
export function exitsOf(machine: AnyStateMachine): ToolSpec[] {
  const found = new Map<string, ToolSpec>();
  const visit = (state: AnyStateNode): void => {
    for (const [type, transitions] of state.transitions)
      for (const { meta } of transitions) {
        const move = moveIn(meta);
        if (!move || "answer" in move || move.description === undefined) continue;
        const name = type.slice(CALL.length);
        found.set(name, { name, description: move.description, input: move.input });
      }
    for (const child of Object.values(state.states)) visit(child as AnyStateNode);
  };
  visit(machine.root);
  return [...found.values()];
}

/** Event types that the configuration has a move for, guards aside; parents included. */
function moveEvents(snapshot: AnyMachineSnapshot): string[] {
  return getNextTransitions(snapshot).flatMap(({ meta, eventType }) => (moveIn(meta) ? [eventType] : []));
}

/** The move of the transition that would be taken now. A probe has no payload: guards that read one must pass or fail without it. */
function enabledMove(
  machine: AnyStateMachine,
  snapshot: AnyMachineSnapshot,
  event: MoveEvent | { readonly type: string },
): CallMoveMeta | AnswerMoveMeta | undefined {
  try {
    for (const { meta } of machine.getTransitionData(snapshot, event)) {
      const move = moveIn(meta);
      if (move) return move;
    }
    return undefined;
  } catch (thrown) {
    throw new AgentError("agent/bad-guard", errorFacts(thrown, "agent/bad-guard").message, {
      hint: "a guard (or a tool's `when`) must be a pure function that returns a boolean",
      cause: thrown,
    });
  }
}

function moveIn(meta: MoveMeta | undefined): MoveMeta["move"] {
  return meta?.move;
}

const PURE_NARROWING = "`narrow` must be a pure function that returns a JSON Schema, or false for 'not now'";

function narrowed({ input, narrow }: CallMoveMeta, type: string, snapshot: AnyMachineSnapshot): JsonSchema | false {
  if (!narrow) return input;
  let extra: unknown;
  try {
    extra = narrow(snapshot.context as never);
  } catch (thrown) {
    throw new AgentError("agent/bad-narrowing", `the narrowing of ${type} threw: ${errorFacts(thrown, "").message}`, {
      hint: PURE_NARROWING,
      cause: thrown,
    });
  }
  if (extra === false) return false;
  if (!isJsonObject(extra))
    throw new AgentError("agent/bad-narrowing", `the narrowing of ${type} returned neither a schema nor false`, { hint: PURE_NARROWING });
  return intersect(input, extra);
}

function parallelOf(snapshot: AnyMachineSnapshot): number {
  const metas: MoveMeta[] = Object.values(snapshot.getMeta());
  return Math.max(1, ...metas.map((meta) => meta?.parallel ?? 1));
}
