/**
 * The model as an actor of a chart. In: the chart's snapshot, which is the deciding one. Out: the reply as events. Law: the moves are
 * derived here and now from the snapshot; where none is legal, the chart hears that the phase gave up.
 */
import type { ChatModel, Message, Sampling, ToolSpec } from "@orrery/chat";
import { fromPromise, type AnyMachineSnapshot, type AnyStateMachine, type NonReducibleUnknown } from "xstate";
import { AgentError, errorFacts } from "../errors.ts";
import { moves, refusalOf } from "../moves.ts";
import { nothingPlayed, play, type DecideEmitted, type Played } from "../player.ts";

export interface DecideOptions {
  readonly model: ChatModel;
  readonly tools: readonly ToolSpec[];
  readonly replyTokens?: number | undefined;
  readonly thinking?: boolean | undefined;
  /** The conversation, from the chart's context. Default: its `messages`. */
  readonly messages?: (context: never) => readonly Message[];
}

/** What is read of a context where it is there. */
interface Readable {
  readonly messages?: readonly Message[];
  readonly decisions?: number;
  readonly sampling?: Sampling | null;
}

export interface Deciding {
  readonly snapshot: AnyMachineSnapshot;
  readonly signal: AbortSignal;
  readonly emit: (event: DecideEmitted) => void;
}

/** Asks the model once. */
export async function decide(options: DecideOptions, { snapshot, signal, emit }: Deciding): Promise<Played> {
  const { model, tools, replyTokens, thinking } = options;
  const machine: AnyStateMachine = snapshot.machine;
  const context: Readable = snapshot.context;
  let legal;
  try {
    legal = moves(machine, snapshot);
  } catch (thrown) {
    const type = thrown instanceof AgentError && thrown.code === "agent/no-legal-move" ? "gaveUp" : "fail";
    return nothingPlayed({ type, error: errorFacts(thrown, "agent/bad-guard") });
  }
  emit({ type: "decision", index: context.decisions ?? 0, moves: legal });
  return play({
    model,
    request: {
      messages: options.messages?.(context as never) ?? context.messages ?? [],
      tools,
      moves: legal,
      signal,
      ...(context.sampling ? { sampling: context.sampling } : {}),
      ...(replyTokens === undefined ? {} : { maxTokens: replyTokens }),
      ...(thinking ? { thinking } : {}),
    },
    refusal: (event) => refusalOf(machine, snapshot, event),
    onEvent: (event) => {
      if (!signal.aborted && (event.type === "text-delta" || event.type === "reasoning-delta")) emit(event);
    },
  });
}

/**
 * The same for XState's own actors: invoke it as `decide` in a deciding state. Its output is {@link Played}; raise its events. What it
 * emits are the deltas of the reply.
 */
export function decider(options: DecideOptions) {
  return fromPromise<Played, NonReducibleUnknown, DecideEmitted>(async ({ self, signal, emit }) => {
    const snapshot: AnyMachineSnapshot = self._parent?.getSnapshot(); // already the deciding one
    await undefined; // whoever listens to the parent has been told of this actor by then
    signal.throwIfAborted();
    return decide(options, { snapshot, signal, emit });
  });
}
