/**
 * The model as an actor of a chart. In: the chart's snapshot, which is the deciding one. Out: the reply as events. Law: the moves are
 * derived here and now from the snapshot; where none is legal, the chart hears that the phase gave up.
 */
import type { ChatModel, ToolSpec } from "@orrery/chat";
import type { AnyMachineSnapshot, AnyStateMachine } from "xstate";
import { AgentError, errorFacts } from "../errors.ts";
import type { RunContext } from "../machines/chart-state.ts";
import { moves, refusalOf } from "../moves.ts";
import { nothingPlayed, play, type DecideEmitted, type Played } from "../player.ts";

export interface DecideOptions {
  readonly model: ChatModel;
  readonly tools: readonly ToolSpec[];
  readonly replyTokens?: number | undefined;
  readonly thinking?: boolean | undefined;
}

export interface Deciding {
  readonly snapshot: AnyMachineSnapshot;
  readonly signal: AbortSignal;
  readonly emit: (event: DecideEmitted) => void;
}

/** Asks the model once. */
export async function decide(
  { model, tools, replyTokens, thinking }: DecideOptions,
  { snapshot, signal, emit }: Deciding,
): Promise<Played> {
  const machine: AnyStateMachine = snapshot.machine;
  const context: RunContext = snapshot.context;
  let legal;
  try {
    legal = moves(machine, snapshot);
  } catch (thrown) {
    const type = thrown instanceof AgentError && thrown.code === "agent/no-legal-move" ? "gaveUp" : "fail";
    return nothingPlayed({ type, error: errorFacts(thrown, "agent/bad-guard") });
  }
  emit({ type: "decision", index: context.decisions, moves: legal });
  return play({
    model,
    request: {
      messages: context.messages,
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
