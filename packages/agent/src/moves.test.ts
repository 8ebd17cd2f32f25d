import { initialTransition, setup } from "xstate";
import { moves, type MoveMeta } from "./moves.ts";

const schema = { type: "object", properties: { id: { type: "string" } }, required: ["id"] };
interface Context {
  readonly ids: readonly string[];
}
const charts = setup({
  types: { context: {} as Context, input: {} as Context, events: {} as { type: string }, meta: {} as MoveMeta },
  guards: {
    hasIds: ({ context }) => context.ids.length > 0,
    broken: () => {
      throw new Error("no such thing");
    },
  },
});
const oneOfIds = ({ ids }: Context) => ids.length > 1 && { properties: { id: { enum: ids } } };
const legal = (machine: Parameters<typeof moves>[0], ids: readonly string[]) => moves(machine, initialTransition(machine, { ids })[0]);
const from = (on: object, more: object = {}) =>
  charts.createMachine({ context: ({ input }) => input, initial: "deciding", states: { deciding: { on, ...more }, end: {} } });

test("moves are the transitions that carry one, parents included; events of the world are not", () => {
  const machine = charts.createMachine({
    context: ({ input }) => input,
    initial: "deciding",
    on: { answer: { target: ".end", meta: { move: { answer: true } } }, cancel: ".end" },
    states: {
      deciding: { meta: { parallel: 3 }, on: { "call.read": { target: "end", meta: { move: { input: schema } } }, tick: "end" } },
      end: {},
    },
  });
  expect(legal(machine, [])).toEqual({ answer: true, calls: [{ name: "read", input: schema }], parallel: 3 });
});

test("a guard over context removes the move, a narrowing changes it or removes it", () => {
  const machine = from({
    answer: { target: "end", meta: { move: { answer: { schema } } } },
    "call.read": { target: "end", guard: "hasIds", meta: { move: { input: schema } } },
    "call.open": { target: "end", meta: { move: { input: schema, narrow: oneOfIds } } },
  });
  expect(legal(machine, [])).toEqual({ answer: { schema }, calls: [], parallel: 1 });
  expect(legal(machine, ["a"]).calls.map(({ name }) => name)).toEqual(["read"]);
  const narrowed = { ...schema, properties: { id: { type: "string", enum: ["a", "b"] } } };
  expect(legal(machine, ["a", "b"]).calls).toEqual([
    { name: "read", input: schema },
    { name: "open", input: narrowed },
  ]);
});

test("of several transitions for one event, the one that would be taken gives the move", () => {
  const [few, many] = [schema, { ...schema, properties: { id: { type: "string", maxLength: 1 } } }];
  const machine = from({
    "call.read": [
      { target: "end", guard: "hasIds", meta: { move: { input: many } } },
      { target: "end", meta: { move: { input: few } } },
    ],
  });
  expect([legal(machine, ["a"]).calls[0]?.input, legal(machine, []).calls[0]?.input]).toEqual([many, few]);
});

test.each([
  ["no move", {}, "agent/no-legal-move"],
  ["only guarded moves", { "call.read": { guard: "hasIds", target: "end", meta: { move: { input: schema } } } }, "agent/no-legal-move"],
  ["a guard that throws", { answer: { guard: "broken", target: "end", meta: { move: { answer: true } } } }, "agent/bad-guard"],
  [
    "a narrowing that throws",
    {
      "call.a": {
        target: "end",
        meta: {
          move: {
            input: schema,
            narrow: () => {
              throw new Error("x");
            },
          },
        },
      },
    },
    "agent/bad-narrowing",
  ],
  [
    "a narrowing that is no schema",
    { "call.a": { target: "end", meta: { move: { input: schema, narrow: () => true } } } },
    "agent/bad-narrowing",
  ],
])("%s is a typed error", (_, on, code) => {
  expect(() => legal(from(on), [])).toThrow(expect.objectContaining({ code }));
});
