import type { Json } from "@orrery/chat";
import { scriptedModel } from "@orrery/chat/testing";
import { createActor, toPromise } from "xstate";
import { createAgent, type Agent } from "./agent.ts";
import { stepper, type Effect } from "./step.ts";
import { tool } from "./tool.ts";

interface Started {
  readonly src: string;
  readonly id: string;
  readonly input: Json | undefined;
}

test("a chart runs with no live actor, through JSON after every step, and XState's own actors play it to the same end", async () => {
  const add = tool({ name: "add", description: "", input: { type: "object" }, run: ({ a, b }) => Number(a) + Number(b) });
  const calls = [1, 2].map((a) => ({ name: "add", input: { a, b: 1 } }));
  const agent = (): Agent => createAgent({ model: scriptedModel([{ calls }, "2 and 3"]), tools: [add], limits: { parallel: 2 } });
  const input = { messages: [{ role: "user" as const, content: "go" }] };

  const { machine, actors } = agent();
  const { initial, next, save, restore } = stepper(machine);
  const throughJson = (snapshot: ReturnType<typeof restore>) => restore(JSON.parse(JSON.stringify(save(snapshot))));
  const perform = async (snapshot: ReturnType<typeof restore>, { src, id, input }: Started) => {
    const output = await actors()[src]!({ id, input: input as never, signal: new AbortController().signal, emit: () => {}, snapshot });
    return { type: `xstate.done.actor.${id}`, actorId: id, output };
  };
  let [snapshot, effects] = initial(input);
  const open: Started[] = [];
  const path = [snapshot.value];
  for (;;) {
    for (const { type, params } of effects) if (type === "xstate.spawnChild") open.push(started(params));
    const effect = open.pop(); // the last first: results may come in any order
    if (!effect || snapshot.status !== "active") break;
    [snapshot, effects] = next(throughJson(snapshot), await perform(snapshot, effect));
    path.push(snapshot.value);
  }
  expect(path).toEqual([{ turn: "deciding" }, { turn: "acting" }, { turn: "acting" }, { turn: "deciding" }, "answered"]);
  expect(snapshot.context).toMatchObject({ answer: "2 and 3", steps: [{ output: 2 }, { output: 3 }], decisions: 2 });

  const live = createActor(agent().machine, { input }).start();
  const { messages, steps, answer } = await toPromise(live);
  expect({ messages, steps, answer }).toEqual({
    messages: snapshot.context.messages,
    steps: snapshot.context.steps,
    answer: snapshot.context.answer,
  });
});

const started = (params: Effect["params"]): Started => {
  const { src, id, input, actorRef } = params as Started & { actorRef?: { id: string } };
  return JSON.parse(JSON.stringify({ src, id: actorRef?.id ?? id, input }));
};
