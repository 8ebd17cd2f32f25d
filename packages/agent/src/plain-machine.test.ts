/** A machine that is written with XState alone, with a table of moves in its transitions: live actors, and the driver, play it. */
import type { ChatModel, JsonSchema, Message } from "@orrery/chat";
import { scriptedModel } from "@orrery/chat/testing";
import { assign, createActor, enqueueActions, setup, toPromise } from "xstate";
import { decide, decider } from "./actors/decide.ts";
import { Drive, type ActorFunction } from "./driver.ts";
import { nameOfCall, type CallEvent, type MoveMeta } from "./moves.ts";
import type { Played } from "./player.ts";
import type { SavedSnapshot } from "./step.ts";

interface Pawn {
  readonly column: number;
  readonly path: readonly string[];
}

const by: JsonSchema = {
  type: "object",
  properties: { by: { type: "integer", minimum: 1, maximum: 7 } },
  required: ["by"],
  additionalProperties: false,
};
const tools = ["left", "right"].map((name) => ({ name, description: `Move ${name}.`, input: by }));
const said = ({ column, path }: Pawn): Message[] => [{ role: "user", content: `You stand on ${column}. Path: ${path.join(" ")}` }];

/** A pawn on a row of eight: it may not leave the row, and answers where it stands on the last column. */
const game = (model: ChatModel) =>
  setup({
    types: { context: {} as Pawn, events: {} as CallEvent | { type: "answer"; text: string } | { type: "decided" }, meta: {} as MoveMeta },
    actors: { decide: decider({ model, tools, messages: said }) },
    guards: { atTheEnd: ({ context }) => context.column === 7 },
    actions: {
      play: enqueueActions(({ enqueue }, { events }: Played) => {
        for (const event of events) enqueue.raise(event as CallEvent);
      }),
      step: assign(({ context, event }) => {
        const { input, type } = event as CallEvent;
        const way = nameOfCall({ type }) === "left" ? -1 : 1;
        return {
          column: context.column + way * Number(input["by"]),
          path: [...context.path, `${nameOfCall({ type })} ${String(input["by"])}`],
        };
      }),
    },
  }).createMachine({
    context: { column: 0, path: [] },
    initial: "deciding",
    output: ({ context }) => context.path,
    states: {
      deciding: {
        invoke: { id: "decide", src: "decide", onDone: { actions: { type: "play", params: ({ event }) => event.output } } },
        on: {
          "call.left": {
            target: "deciding",
            reenter: true,
            actions: "step",
            meta: { move: { input: by, narrow: ({ column }: Pawn) => column > 0 && { properties: { by: { maximum: column } } } } },
          },
          "call.right": {
            target: "deciding",
            reenter: true,
            actions: "step",
            meta: { move: { input: by, narrow: ({ column }: Pawn) => column < 7 && { properties: { by: { maximum: 7 - column } } } } },
          },
          answer: { guard: "atTheEnd", target: "done", meta: { move: { answer: true } } },
        },
      },
      done: { type: "final" },
    },
  });

const script = () =>
  scriptedModel([
    { calls: [{ name: "right", input: { by: 5 } }] },
    { calls: [{ name: "left", input: { by: 1 } }] },
    (request) => {
      expect(request.moves).toMatchObject({
        answer: false,
        calls: [{ input: { properties: { by: { maximum: 4 } } } }, { input: { properties: { by: { maximum: 3 } } } }],
      });
      return { calls: [{ name: "right", input: { by: 3 } }] };
    },
    (request) => {
      expect(request.moves).toMatchObject({ answer: true, calls: [{ name: "left" }] });
      return "here";
    },
  ]);
const path = ["right 5", "left 1", "right 3"];

test("with live actors", async () => {
  expect(await toPromise(createActor(game(script())).start())).toEqual(path);
});

test("with the driver, from JSON after each move", async () => {
  const model = script();
  const actors: Record<string, ActorFunction> = { decide: (args) => decide({ model, tools, messages: said }, args) };
  const machine = game(model);
  const oneMove = (saved: SavedSnapshot | undefined): Promise<SavedSnapshot> =>
    new Promise((resolve) => {
      const drive: Drive = new Drive({
        machine,
        actors,
        onStep: (_, { type }) => {
          if (type !== "xstate.done.actor.decide") return;
          resolve(JSON.parse(JSON.stringify(drive.save())));
          drive.stop();
        },
      });
      if (saved) drive.resume(saved);
      else drive.start(undefined);
    });
  let saved: SavedSnapshot | undefined;
  do saved = await oneMove(saved);
  while (saved.status === "active");
  expect(saved.context).toMatchObject({ path });
});
