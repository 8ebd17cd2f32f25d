import { require, TASK } from "./task.mjs";

const { assign, createActor, fromPromise, setup, toPromise } = require("xstate");

/** What a person would write with XState alone: no schema, no budget, no approval, no moves. */
const loop = setup({
  actors: {
    think: fromPromise(async ({ input: messages }) =>
      messages.at(-1).role === "user" ? { call: { name: "add", input: { a: 1, b: 2 } } } : { answer: "3" },
    ),
    act: fromPromise(async ({ input: call }) => call.input.a + call.input.b),
  },
  guards: { calls: ({ event }) => event.output.call !== undefined },
}).createMachine({
  context: { messages: [{ role: "user", content: TASK }], call: null, answer: "" },
  initial: "thinking",
  states: {
    thinking: {
      invoke: {
        src: "think",
        input: ({ context }) => context.messages,
        onDone: [
          { guard: "calls", target: "acting", actions: assign(({ event }) => ({ call: event.output.call })) },
          { target: "done", actions: assign(({ event }) => ({ answer: event.output.answer })) },
        ],
      },
    },
    acting: {
      invoke: {
        src: "act",
        input: ({ context }) => context.call,
        onDone: {
          target: "thinking",
          actions: assign(({ context, event }) => ({ messages: [...context.messages, { role: "tool", output: event.output }] })),
        },
      },
    },
    done: { type: "final" },
  },
  output: ({ context }) => context.answer,
});
export const one = () => toPromise(createActor(loop).start());
