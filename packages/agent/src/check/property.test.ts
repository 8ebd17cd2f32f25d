import type { JsonObject } from "@orrery/chat";
import { createMachine } from "xstate";
import { agentChart, type ChartOptions } from "../chart.ts";
import { act, phase } from "../machines/phase.ts";
import { tool } from "../tool.ts";
import { check, type CheckOptions } from "./check.ts";
import { approved, asked, cancelled, denied, ended, entered, moved, received, started } from "./happening.ts";
import "./jest.ts";
import { always, cancellable, ends, never, neverIn, precedes, type Property } from "./property.ts";
import type { Checkable } from "./subject.ts";
import { verdictLines } from "./text.ts";

const path = (...paths: string[]) => ({
  type: "object",
  properties: { path: { enum: paths } },
  required: ["path"],
  additionalProperties: false,
});
const read = tool({ name: "read", description: "", input: path("a"), run: () => "text" });
const write = tool({ name: "write", description: "", effects: "write", input: path("a", "b"), run: () => "ok" });
const test_ = tool({ name: "test", description: "", input: { type: "object", additionalProperties: false }, run: () => "green" });
const writes = { effects: ["write", "external"] } as const;

const chart = (states: ChartOptions["states"], more: Partial<ChartOptions> = {}) =>
  agentChart({ tools: [read, write, test_], states, limits: { steps: 2 }, ...more });
/** A model and tools that do as they should. */
const quiet: CheckOptions = { failures: false, illegal: false };
const turn = { turn: phase({ tools: ["read", "write"], answer: true }) };

const told = (given: Checkable, property: Property, options?: CheckOptions): string[] =>
  check(given, { ...options, properties: [property] })
    .properties.flatMap(verdictLines)
    .map(({ text }) => text.trim());

describe("precedes", () => {
  test("no write before it was approved: holds where the policy asks, else the shortest way is told", () => {
    const property = precedes(approved(writes), started(writes), { sameCall: true, name: "no write before approval" });
    expect(chart(turn)).toSatisfy(property);
    expect(chart(turn, { limits: { steps: 2, parallel: 2 } })).toSatisfy(property, quiet);
    expect(chart(turn, { approval: "never" })).not.toSatisfy(property);
    expect(told(chart(turn, { approval: "never" }), property)).toEqual([
      "✗ no write before approval: a tool that writes or reaches out started in the last step, and not a tool that writes or reaches out approved before",
      "begins in turn.deciding",
      '1. the model calls write {"path":"a"} → turn.acting (write starts)',
    ]);
  });

  test("call by call is more than once before", () => {
    const states = {
      one: phase({
        tools: ["write"],
        narrow: { write: () => ({ properties: { path: { const: "a" } } }) },
        exits: { go: { target: "two", when: ({ steps }) => steps.some(({ output }) => output !== undefined) } },
        otherwise: "failed",
      }),
      two: phase({ tools: ["write"], answer: true }),
    };
    const careless = chart(states, { limits: { steps: 3 }, approval: ({ input }) => input["path"] === "a" });
    expect(careless).toSatisfy(precedes(approved("write"), started("write")), quiet);
    expect(told(careless, precedes(approved("write"), started("write"), { sameCall: true }))).toEqual([
      "✗ write approved before write started, call by call: write started in the last step, and not write approved before",
      "begins in one.deciding",
      '1. the model calls write {"path":"a"} → one.waiting (a person is asked about write)',
      "2. a person approves write → one.acting (write starts)",
      "3. write returns ok → one.deciding",
      "4. the model calls go {} → two.deciding",
      '5. the model calls write {"path":"b"} → two.acting (write starts)',
    ]);
  });

  test("each kind of happening can be asked for", () => {
    const begun = chart(
      {
        start: phase({ tools: ["write"], exits: { check: { target: "work" }, pause: { target: "paused" } }, answer: true }),
        work: act({ tool: "test", next: [{ target: "start", guard: "green" }, { target: "done" }] }),
        paused: { on: { resume: "start" } },
        done: { type: "final" },
      },
      { guards: { green: ({ steps }) => steps.at(-1)?.output === "green" } },
    );
    const options = { outcomes: { test: ["green", "red"] } };
    const holding = [
      precedes(moved("check"), started("test")),
      precedes(moved("write"), asked("write")),
      precedes(asked("write"), denied("write"), { sameCall: true }),
      precedes(ended("test"), entered("done")),
      precedes(started("test"), ended("test"), { sameCall: true }),
      precedes(moved("pause"), received("resume")),
      precedes(received("resume"), started("nothing")),
      never(started("nothing")),
    ];
    expect(begun).toSatisfy(holding, options);
    const broken = [
      precedes(approved("write"), denied("write")),
      precedes(ended("test", "red"), entered("done")),
      precedes(received("resume"), entered("start")),
      never(ended("test", "error")),
      never(cancelled()),
      never(moved("answer")),
    ];
    expect(check(begun, { ...options, properties: broken }).properties.map(({ verdict }) => verdict)).toEqual(broken.map(() => "fails"));
  });
});

test("never: a state that is only passed through counts", () => {
  expect(chart(turn, { approval: "never" })).toSatisfy(never("turn.waiting"));
  expect(chart(turn)).not.toSatisfy(never("turn.waiting"));
  expect(chart(turn)).not.toSatisfy(never("turn.checking"));
  expect(told(chart(turn), never("turn"))).toEqual(["✗ never: turn entered: turn entered in the last step", "begins in turn.deciding"]);
});

test("always and neverIn look at each state at rest: what runs, the moves, the context", () => {
  const both = chart(turn, { limits: { steps: 2, parallel: 2 }, approval: "never" });
  expect(both).toSatisfy([
    always("at most two tools run", ({ running }) => running.length <= 2),
    neverIn(
      "a call is legal when the budget is spent",
      ({ context, moves }) => context.decisions >= 2 && moves?.calls.length !== 0 && !!moves,
    ),
    always("an end is one of three", ({ final, in: inside }) => !final || inside("answered") || inside("cancelled") || inside("failed")),
  ]);
  expect(
    told(
      both,
      always("one tool runs", ({ running }) => running.length <= 1),
    ),
  ).toEqual([
    "✗ one tool runs: it does not hold where the last step leads",
    "begins in turn.deciding",
    '1. the model calls read {"path":"a"} and read {"path":"a"} → turn.acting (read starts, read starts)',
  ]);
});

test("what a predicate looks at is not merged, though no guard does: how many steps there may be", () => {
  const wide = (property: Property) =>
    told(chart({ turn: phase({ tools: ["read"], answer: true }) }, { limits: { steps: 3, parallel: 2 } }), property, {
      failures: false,
      illegal: false,
    })[0];
  expect(wide(always("at most six", ({ context }) => context.steps.length <= 6))).toBe("✓ at most six");
  expect(wide(always("at most five", ({ context }) => context.steps.length <= 5))).toMatch(/^✗ at most five/);
});

test("what a predicate tells apart is not merged", () => {
  const property = neverIn("three steps", ({ context }) => context.steps.length === 3);
  expect(chart(turn, { limits: { steps: 2 } })).toSatisfy(property, quiet);
  expect(chart(turn, { limits: { steps: 3 } })).not.toSatisfy(property, quiet);
});

describe("cancellable", () => {
  test("every chart of an agent is", () => {
    expect(chart({ ...turn, paused: { on: { resume: "turn" } } })).toSatisfy(cancellable());
  });

  test("a state that does not take it", () => {
    const machine = createMachine({
      initial: "open",
      states: { open: { on: { cancel: "over", lock: "locked" } }, locked: { on: { cancel: "open" } }, over: { type: "final" } },
    });
    expect(told(machine, cancellable())).toEqual([
      "✗ cancel is always possible: here a cancellation does not end the run",
      "begins in open",
      "1. the event lock comes → locked",
    ]);
  });
});

describe("ends", () => {
  const again = (next: Parameters<typeof act>[0]["next"], guards: ChartOptions["guards"] = {}) =>
    chart({ turn: phase({ exits: { check: { target: "work" } }, answer: true }), work: act({ tool: "test", next }) }, { guards });
  const options = { outcomes: { test: ["green", "red"] } };
  const green = [{ target: "turn", guard: "green" }, { target: "work" }];
  const isGreen = ({ steps }: { steps: readonly { output?: unknown }[] }) => steps.at(-1)?.output === "green";

  test("the budget of decisions ends a turn, and what the chart does between two decisions is counted with them", () => {
    expect(chart(turn)).toSatisfy(ends());
    expect(again("turn")).toSatisfy(ends(), options);
  });

  test("a circle that no budget ends is told with the step from which it goes round", () => {
    expect(told(again(green, { green: isGreen }), ends(), options)).toEqual([
      "✗ every run ends: the run can go round for ever, and no budget ends it",
      "begins in turn.deciding",
      "1. the model calls check {} → work.acting (test starts)",
      "2. test returns red → work.acting (test starts)",
      "3. test returns red → work.acting (test starts)",
      "and so on from step 3, for ever",
    ]);
  });

  test("a counter that a guard reads is kept; an abstraction that drops it has circles that the chart does not go round", () => {
    const few = again([{ target: "work", guard: "few" }, { target: "turn" }], { few: ({ steps }) => steps.length < 4 });
    expect(few).toSatisfy(ends(), options);
    const abstraction = ({ calls }: { calls: { state: string }[] }) => calls.map(({ state }) => state);
    expect(told(few, ends(), { ...options, abstraction })).toEqual([
      "? every run ends: the counterexample of the abstraction is none of the chart: give an `abstraction` that keeps more",
    ]);
  });

  test("a state that only a cancellation leaves", () => {
    const stuck = chart({ turn: phase({ exits: { pause: { target: "paused" } }, answer: true }), paused: { on: { look: "paused" } } });
    expect(told(stuck, ends())).toEqual([
      "✗ every run ends: from here no end can be reached",
      "begins in turn.deciding",
      "1. the model calls pause {} → paused",
    ]);
  });

  test("a circle in which a person must act each time is theirs", () => {
    const paused = chart({
      turn: phase({ exits: { pause: { target: "paused" } }, answer: true }),
      paused: { on: { resume: "turn", look: "paused" } },
    });
    expect(paused).toSatisfy(ends());
  });
});

describe("budgets of tokens and time", () => {
  const limits = { steps: 3, tokens: 100, timeMs: 1000 };
  test("each may be spent by any reply or call, and then no call is legal", () => {
    const spent =
      (name: "tokens" | "ms", most: number) =>
      ({ context, moves }: { context: { spent: JsonObject }; moves: unknown }) =>
        moves !== undefined && Number(context.spent[name]) >= most && (moves as { calls: [] }).calls.length > 0;
    const one = chart(turn, { limits });
    expect(one).toSatisfy([
      neverIn("a call when tokens are spent", spent("tokens", 100)),
      neverIn("a call when time is spent", spent("ms", 1000)),
    ]);
    expect(one).not.toSatisfy(neverIn("tokens are spent", ({ context }) => context.spent.tokens >= 100));
    expect(one).not.toSatisfy(neverIn("time is spent", ({ context }) => context.toolMs >= 1000));
  });
});

describe("a property that is neither proven nor refuted", () => {
  const endless = createMachine({
    context: { n: 0 },
    initial: "a",
    states: { a: { on: { more: { actions: "count" }, cancel: "b" } }, b: { type: "final" } },
  }).provide({ actions: { count: ({ context }) => void context["n"]++ } });

  test("passes neither with `not` nor without", () => {
    const property = always("small", () => true);
    const long = chart(turn);
    const few = { maxStates: 3 };
    expect(() => expect(long).toSatisfy(property, few)).toThrow(/the exploration is not complete: `maxStates`: 3 states/);
    expect(() => expect(long).not.toSatisfy(property, few)).toThrow(/not to satisfy/);
    expect(() => expect(endless).not.toSatisfy(cancellable())).toThrow();
  });

  test("nor what an abstraction proves that merges places which go on differently", () => {
    const report = check(chart(turn), { abstraction: () => 0, properties: [never("elsewhere")] });
    expect([report.coarse > 0, report.properties]).toEqual([
      true,
      [
        {
          name: "never: elsewhere entered",
          verdict: "unknown",
          reason: "no counterexample, but the abstraction drops something that matters",
        },
      ],
    ]);
  });

  test("but what is refuted within the limit is refuted", () => {
    expect(chart(turn)).not.toSatisfy(never(moved("read")), { maxStates: 3 });
  });
});
