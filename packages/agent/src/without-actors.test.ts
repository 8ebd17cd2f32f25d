import type { ChatModel, Json } from "@orrery/chat";
import { scriptedModel } from "@orrery/chat/testing";
import { initialTransition, transition, type EventFromLogic, type SnapshotFrom } from "xstate";
import { createAgent, type Agent, type TurnChart } from "./agent.ts";
import type { ToolCallInput } from "./machines/tool-call.machine.ts";
import type { CallResult } from "./machines/turn-state.ts";
import { moves } from "./moves.ts";
import { play } from "./player.ts";
import { tool } from "./tool.ts";

type Snapshot = SnapshotFrom<TurnChart>;
interface Effect {
  readonly src: string;
  readonly id: string;
  readonly input: Json | undefined;
}

/** What a crash would leave: value and context, as text. */
const throughJson = (machine: TurnChart, { value, context }: Snapshot): Snapshot =>
  machine.resolveState(JSON.parse(JSON.stringify({ value, context })));

async function perform(
  { machine, model, tools }: Agent,
  snapshot: Snapshot,
  { src, id, input }: Effect,
): Promise<EventFromLogic<TurnChart>> {
  const output = src === "decide" ? await decide(machine, snapshot, model, tools) : await act(tools, input as never);
  return { type: `xstate.done.actor.${id}`, actorId: id, output } as EventFromLogic<TurnChart>;
}
const decide = (machine: TurnChart, snapshot: Snapshot, model: ChatModel, tools: Agent["tools"]) =>
  play({ model, request: { messages: snapshot.context.messages, tools, moves: moves(machine, snapshot) } });
const act = async (tools: Agent["tools"], { call }: ToolCallInput): Promise<CallResult> => {
  const run = tools.find(({ name }) => name === call.name)!.run;
  return { output: await run(call.input, { signal: new AbortController().signal, callId: call.id }) };
};

test("the chart and the player run a turn with no live actor, through JSON after every step", async () => {
  const add = tool({ name: "add", description: "", input: { type: "object" }, run: ({ a, b }) => Number(a) + Number(b) });
  const calls = [1, 2].map((a) => ({ name: "add", input: { a, b: 1 } }));
  const agent = createAgent({ model: scriptedModel([{ calls }, "2 and 3"]), tools: [add], limits: { parallel: 2 } });

  let [snapshot, actions] = initialTransition(agent.machine, { messages: [{ role: "user", content: "go" }] });
  const open: Effect[] = [];
  const path = [snapshot.value];
  for (;;) {
    for (const { type, params } of actions) if (type === "xstate.spawnChild") open.push(JSON.parse(JSON.stringify(params)));
    const effect = open.pop(); // the last first: results may come in any order
    if (!effect || snapshot.status !== "active") break;
    [snapshot, actions] = transition(agent.machine, throughJson(agent.machine, snapshot), await perform(agent, snapshot, effect));
    path.push(snapshot.value);
  }
  expect(path).toEqual(["deciding", "acting", "acting", "deciding", "answered"]);
  expect(snapshot.context).toMatchObject({ answer: "2 and 3", steps: [{ output: 2 }, { output: 3 }], decisions: 2 });
});
