/**
 * The live player: an actor that asks the model on behalf of the chart that invoked it. In: the parent's snapshot, which is already
 * the deciding one when this actor starts. Out: the reply as events. Deltas go out by `emit`.
 */
import type { ChatModel, ToolSpec } from "@orrery/chat";
import { fromPromise, type AnyMachineSnapshot, type AnyStateMachine, type NonReducibleUnknown } from "xstate";
import type { DecideEmitted } from "../machines/turn.machine.ts";
import type { TurnContext } from "../machines/turn-state.ts";
import { moves } from "../moves.ts";
import { play, type Played } from "../player.ts";

export interface DecideOptions {
  readonly model: ChatModel;
  readonly tools: readonly ToolSpec[];
  readonly replyTokens: number | undefined;
}

export function decideWith({ model, tools, replyTokens }: DecideOptions) {
  return fromPromise<Played, NonReducibleUnknown, DecideEmitted>(async ({ self, signal, emit }) => {
    const snapshot: AnyMachineSnapshot = self._parent?.getSnapshot();
    const machine: AnyStateMachine = snapshot.machine;
    const context: TurnContext = snapshot.context;
    const legal = moves(machine, snapshot);
    await Promise.resolve(); // whoever listens to the parent has been told of this actor by then
    signal.throwIfAborted();
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
      },
      accepts: (event) => snapshot.can(event),
      onEvent: (event) => {
        if (!signal.aborted && (event.type === "text-delta" || event.type === "reasoning-delta")) emit(event);
      },
    });
  });
}
