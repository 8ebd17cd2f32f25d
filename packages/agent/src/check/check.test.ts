import { assign, createMachine, enqueueActions, type AnyEventObject } from "xstate";
import { agentChart, type ChartOptions } from "../chart.ts";
import { act, phase } from "../machines/phase.ts";
import { tool, type Tool } from "../tool.ts";
import { check, type CheckOptions } from "./check.ts";
import type { Checkable } from "./subject.ts";
import { wayText } from "./text.ts";

const named = (name: string, more: Partial<Tool> = {}): Tool => ({
  ...tool({ name, description: "", input: { type: "object", properties: {}, additionalProperties: false }, run: () => null }),
  ...more,
});
const read = named("read");
const chart = (states: ChartOptions["states"], more: Partial<ChartOptions> = {}) =>
  agentChart({ tools: [read], states, limits: { steps: 2 }, ...more });
const turn = phase({ tools: ["read"], answer: true });

const found = (given: Checkable | (() => Checkable), options?: CheckOptions) =>
  check(given, options).findings.map(({ kind, severity, message }) => `${severity} ${kind}: ${message}`);

test("a chart without fault has no findings", () => {
  const report = check(chart({ turn }));
  expect(report).toMatchObject({ ok: true, complete: true, limits: [], coarse: 0, findings: [], sampled: [], assumed: [] });
});

test("wrong targets: of an arrow when the chart is made, of an initial state", () => {
  expect(found(() => chart({ work: act({ tool: "read", next: "nowhere" }) }))).toEqual([
    expect.stringMatching(/^error wrong-target: .*'nowhere' does not exist/),
  ]);
  expect(found(createMachine({ initial: "gone", states: { here: {} } }))).toEqual([
    expect.stringMatching(/^error wrong-target: .*"gone" not found/),
  ]);
  expect(
    found(createMachine({ initial: "here", states: { here: { on: { go: "there" } }, there: { initial: "x", states: { y: {} } } } })),
  ).toContainEqual(expect.stringMatching(/^error wrong-target: .*"x" not found/));
});

test("a chart that cannot be made for another reason is told so", () => {
  expect(found(() => chart({ turn }, { limits: { steps: 0 } }))).toEqual([expect.stringMatching(/^error not-made: limits.steps/)]);
});

test("a state that nothing leads to, and only the topmost of them", () => {
  expect(found(chart({ turn, island: phase({ tools: ["read"], answer: true }) }))).toEqual([
    "error unreachable: the state island is never entered",
  ]);
});

test("a state behind a guard that never holds", () => {
  const states = { turn: phase({ exits: { go: { target: "rest", when: () => false } }, answer: true }), rest: phase({ answer: true }) };
  expect(found(chart(states, { tools: [] }))).toEqual([
    "error unreachable: the state rest is never entered",
    "error never-legal: the move go of turn is never legal",
  ]);
});

test("tools that are never legal: by their guard, by the policy, because no phase has them; what the chart calls itself is none", () => {
  const tools = [read, named("shy", { when: () => false }), named("forbidden", { approval: "deny" }), named("left-out"), named("own")];
  const states = {
    turn: phase({ tools: ["read", "shy", "forbidden"], exits: { go: { target: "work" } }, answer: true }),
    work: act({ tool: "own", next: "turn" }),
  };
  expect(found(chart(states, { tools }))).toEqual([
    "error never-legal: the tool shy is never legal",
    "error never-legal: the tool forbidden is never legal",
    "error never-legal: the tool left-out is never legal",
  ]);
});

test("a tool that is legal in one phase and never in another", () => {
  const states = {
    one: phase({ tools: ["read"], exits: { go: { target: "two" } } }),
    two: phase({ tools: ["read"], when: { read: ({ steps }) => steps.length === 0 }, answer: true }),
  };
  expect(found(chart(states))).toContain("error never-legal: the move read of two.deciding is never legal");
});

test("a state without exit, and how the chart gets there", () => {
  const states = { turn: phase({ tools: ["read"], exits: { pause: { target: "paused" } }, answer: true }), paused: {} };
  const { findings } = check(chart(states));
  expect(findings.map(({ kind, message }) => [kind, message])).toEqual([
    ["no-exit", "paused has no exit: nothing runs there, and no event leads on"],
  ]);
  expect(wayText(findings[0]!.way!)).toEqual(["   begins in turn.deciding", "1. the model calls pause {} → paused"]);
  const { ok } = check(chart({ ...states, paused: { on: { resume: "turn" } } }));
  expect(ok).toBe(true);
});

test("an actor that ended and led nowhere runs no more", () => {
  const machine = createMachine({ initial: "a", states: { a: { invoke: { id: "work", src: "work" } } } });
  expect(found(machine, { failures: false })).toContain("error no-exit: a has no exit: nothing runs there, and no event leads on");
});

test("a deciding state without a move is a fault, unless the budget is spent or the phase says where to go", () => {
  const stuck = (otherwise?: string) =>
    chart({
      turn: phase({ tools: ["read"], when: { read: ({ steps }) => steps.length === 0 }, ...(otherwise ? { otherwise } : {}) }),
      rest: phase({ answer: true }),
    });
  expect(found(stuck())).toContain("error no-moves: in turn.deciding no move is legal, and the run fails");
  expect(found(stuck("rest"))).toEqual([]);
  for (let maxStates = 1; maxStates < 20; maxStates++)
    expect(found(stuck("rest"), { maxStates }).filter((text) => text.includes("no-moves"))).toEqual([]);
  expect(found(chart({ turn: phase({ tools: ["read"], exits: { go: { target: "rest" } } }), rest: phase({ answer: true }) }))).toEqual([
    "note no-moves: in turn.deciding no move is left once the budget is spent, and the run fails: let the phase answer, or give it `otherwise`",
  ]);
});

test.each<[string, () => Checkable, RegExp]>([
  [
    "a guard that throws",
    () => chart({ a: { always: { guard: "bad", target: "b" } }, b: { type: "final" } }, { guards: { bad: boom } }),
    /boom/,
  ],
  ["a `when` that throws", () => chart({ turn }, { tools: [named("read", { when: boom })] }), /boom/],
  [
    "a `when` that is a promise",
    () => chart({ turn }, { tools: [named("read", { when: (async () => true) as never })] }),
    /must return true or false/,
  ],
  ["a narrowing that throws", () => chart({ turn }, { tools: [named("read", { narrow: boom })] }), /boom/],
  ["a learner that throws", () => chart({ turn }, { facts: { initial: {}, learn: { read: boom } } }), /breaks in turn.acting: boom/],
  [
    "a circle that never rests",
    () =>
      chart({
        turn: phase({ tools: ["read"], exits: { go: { target: "a" } }, answer: true }),
        a: { always: "b" },
        b: { always: "a" },
      }),
    /breaks in turn.deciding: Infinite loop/,
  ],
])("%s is found", (_, make, message) => {
  const { ok, findings } = check(make());
  expect([ok, findings.filter(({ kind }) => kind === "throws").map((finding) => finding.message)]).toEqual([
    false,
    expect.arrayContaining([expect.stringMatching(message)]),
  ]);
});

function boom(): never {
  throw new Error("boom");
}

test("names that nobody implements", () => {
  const machine = createMachine({
    initial: "a",
    states: {
      a: { entry: "greet", invoke: { src: "work", onDone: "b" }, on: { GO: { guard: "may", target: "b" } } },
      b: { type: "final" },
    },
  });
  expect(found(machine)).toEqual(
    expect.arrayContaining([
      "error unknown-name: a names the guard 'may', which nobody implements",
      "error unknown-name: a names the action 'greet', which nobody implements",
      "note unknown-name: a names the actor 'work', which nobody implements",
    ]),
  );
});

test("where the mask is not exact is listed, and is no fault", () => {
  const picky = named("picky", { accepts: () => "no" });
  const asking = named("asking", { approval: () => "allow" });
  const report = check(chart({ turn: phase({ tools: ["picky", "asking"], answer: true }) }, { tools: [picky, asking] }));
  expect([report.ok, report.findings.map(({ message }) => message)]).toEqual([
    true,
    [
      "picky of turn.deciding has `accepts`: what it refuses is in the mask",
      "the approval of asking is a function: what it denies is in the mask",
    ],
  ]);
});

test("a guard of a chart of one's own that reads the payload is listed", () => {
  const input = { type: "object", properties: { n: { enum: [1, 2] } }, required: ["n"], additionalProperties: false };
  const again = { target: "deciding", reenter: true };
  const raiseAll = enqueueActions(({ event, enqueue }) =>
    (event as AnyEventObject)["output"].events.forEach((each: AnyEventObject) => enqueue.raise(each)),
  );
  const machine = createMachine({
    initial: "deciding",
    states: {
      deciding: {
        invoke: {
          id: "decide",
          src: "decide",
          onDone: { actions: raiseAll as never },
          onError: again,
        },
        on: {
          "call.pick": { guard: ({ event }) => event["input"]?.n !== 2, target: "done", meta: { move: { input } } },
          refused: again,
          fail: again,
        },
      },
      done: { type: "final" },
    },
  });
  expect(found(machine)).toContain("note not-in-mask: an input of pick of deciding is in the mask and was refused: a guard reads it");
});

test("what was not seen yet is no fault", () => {
  const endless = createMachine({
    context: { n: 0 },
    initial: "a",
    states: { a: { on: { more: { actions: assign({ n: ({ context }) => context.n + 1 }) } } }, b: {} },
  });
  const report = check(endless, { maxStates: 10 });
  expect(report).toMatchObject({ complete: false, limits: ["`maxStates`: 10 states"] });
  expect(report.findings.map(({ severity, message }) => [severity, message])).toEqual([
    ["note", "the state b is never entered as far as was explored"],
  ]);
});

test("an input for which no sample is found is a limit, and can be given", () => {
  const coded = tool({
    name: "coded",
    description: "",
    input: { type: "object", properties: { code: { type: "string", pattern: "^[A-Z]{3}-[0-9]{4}$" } }, required: ["code"] },
    run: () => null,
  });
  const one = chart({ turn: phase({ tools: ["coded"], answer: true }) }, { tools: [coded] });
  expect(check(one).limits).toEqual(["no valid input was found for coded: give some in `inputs`"]);
  expect(check(one, { inputs: { coded: [{ code: "ABC-1234" }] } })).toMatchObject({ ok: true, complete: true, sampled: ["coded"] });
});

test("tools fail with the codes that are given", () => {
  const states = {
    turn: phase({
      tools: ["read"],
      exits: { later: { target: "rest", when: ({ steps }) => steps.at(-1)?.error?.code === "tool/timeout" } },
      answer: true,
    }),
    rest: phase({ answer: true }),
  };
  expect(found(chart(states))).toContain("error unreachable: the state rest is never entered");
  expect(found(chart(states), { failures: ["tool/failed", "tool/timeout"] })).toEqual([]);
});

test("what is not played of the batches of calls is said", () => {
  const many = tool({
    name: "many",
    description: "",
    input: { type: "object", properties: { n: { enum: [1, 2, 3, 4, 5] } }, required: ["n"], additionalProperties: false },
    run: () => null,
  });
  const wide = chart({ turn: phase({ tools: ["many"], answer: true }) }, { tools: [many], limits: { steps: 1, parallel: 3 } });
  const kind = { failures: false, illegal: false, probes: 0 };
  expect(check(wide, kind)).toMatchObject({ limits: [], assumed: ["at most 2 calls in one reply are played, where 3 are legal"] });
  expect(check(wide, { ...kind, parallel: 3 }).assumed).toEqual(["batches of calls are samples"]);
  expect(check(chart({ turn }, { limits: { steps: 1, parallel: 3 } }), { ...kind, parallel: 3 }).assumed).toEqual([]);
});

test("what cannot be checked, and a limit that is none, are errors", () => {
  expect(() => check({} as never)).toThrow(expect.objectContaining({ code: "agent/not-checkable" }));
  expect(() => check(chart({ turn }), { maxStates: 0 })).toThrow(expect.objectContaining({ code: "agent/bad-limit" }));
});
