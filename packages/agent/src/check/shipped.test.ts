import { assign } from "xstate";
import { createAgent, type AgentOptions } from "../agent.ts";
import { agentChart } from "../chart.ts";
import { Drive } from "../driver.ts";
import { act, phase } from "../machines/phase.ts";
import { toolCallMachine, type ToolCallContext } from "../machines/tool-call.machine.ts";
import { pick, randomFrom } from "../random-instance.ts";
import { randomModel } from "../testing.ts";
import { tool } from "../tool.ts";
import { exploreAll, type CheckOptions } from "./check.ts";
import { approved, moved, started } from "./happening.ts";
import "./jest.ts";
import { always, cancellable, ends, never, precedes } from "./property.ts";

const object = (properties: Record<string, { type: string } | { enum: string[] }>, required = Object.keys(properties)) => ({
  type: "object",
  properties,
  required,
  additionalProperties: false,
});
const read = tool({ name: "read", description: "", input: object({ path: { enum: ["a", "b"] } }), run: () => "text" });
const web = tool({ name: "web", description: "", trust: "untrusted", input: object({}), run: () => "page" });
const write = tool({ name: "write", description: "", effects: "write", input: object({ path: { enum: ["a", "b"] } }), run: () => "ok" });
const send = tool({ name: "send", description: "", effects: "external", input: object({}), run: () => "sent" });
const tests = tool({ name: "tests", description: "", input: object({}), run: () => "green" });

const writes = { effects: ["write", "external"] } as const;
const promises = [cancellable(), ends(), precedes(approved(writes), started(writes), { sameCall: true, name: "no write before approval" })];

const turn = (options: Partial<AgentOptions> = {}) =>
  createAgent({ model: randomModel(1), tools: [read, web, write], limits: { steps: 3 }, ...options });

/** Read before editing, test after; red tests lead back. */
const coder = agentChart({
  tools: [read, write, tests],
  limits: { steps: 4 },
  facts: {
    initial: { read: [] },
    learn: {
      read: (facts, { input, error }) =>
        error || (facts["read"] as string[]).includes(String(input["path"]))
          ? facts
          : { read: [...(facts["read"] as string[]), String(input["path"])].sort() },
    },
  },
  guards: { green: ({ steps }) => steps.at(-1)?.output === "green" },
  states: {
    exploring: phase({
      tools: ["read"],
      exits: { edit: { target: "editing", when: ({ facts }) => (facts["read"] as []).length > 0 } },
      otherwise: "answering",
    }),
    editing: phase({
      tools: ["read", "write"],
      narrow: { write: ({ facts }) => ({ properties: { path: { enum: facts["read"] as string[] } } }) },
      exits: { verify: { target: "testing" } },
      otherwise: "answering",
    }),
    testing: act({ tool: "tests", next: [{ target: "answering", guard: "green" }, { target: "editing" }] }),
    answering: phase({ answer: true }),
  },
});
const world: CheckOptions = { outcomes: { tests: ["green", "red"] } };

describe("what every chart promises", () => {
  test.each([
    ["a turn", turn()],
    ["a turn with calls in parallel", turn({ limits: { steps: 2, parallel: 2 } })],
    ["a turn with an answer under a schema", turn({ output: object({ ok: { enum: ["yes", "no"] } }) })],
    ["a turn that asks for all", turn({ approval: "always" })],
    ["a turn with budgets of tokens and time", turn({ limits: { steps: 2, tokens: 10, timeMs: 10 } })],
    ["a turn without tools", turn({ tools: [] })],
  ])("%s: cancel is always possible, every run ends, no write before approval", (_, chart) => {
    expect(chart).toSatisfy(promises, world);
  });

  test("a chart that asks for nothing still ends and can be cancelled, and is found out", () => {
    expect(turn({ approval: "never" })).toSatisfy([cancellable(), ends()]);
    expect(turn({ approval: "never" })).not.toSatisfy(promises[2]!);
  });
});

test("once untrusted text was read, what is denied then never starts", () => {
  const rules = { whenTainted: { deny: ["external"] }, otherwise: "never" } as const;
  const tainted = createAgent({ model: randomModel(1), tools: [web, send], limits: { steps: 3 }, approval: rules });
  const sending = always(
    "no external call in a tainted run",
    ({ context, running }) => context.untrusted.length === 0 || !running.includes("send"),
  );
  expect(tainted).toSatisfy([sending, ...promises.slice(0, 2)]);
  expect(createAgent({ model: randomModel(1), tools: [web, send], limits: { steps: 3 }, approval: "never" })).not.toSatisfy(sending);
});

test("phases keep all that, and their order: nothing is written before something was read, and only what was read", () => {
  expect(coder).toSatisfy(
    [
      ...promises,
      precedes(started("read"), started("write")),
      precedes(moved("verify"), started("tests")),
      always("what is written was read", ({ context }) =>
        context.calls.every(
          ({ call }) => call.name !== "write" || (context.facts["read"] as string[]).includes(String(call.input["path"])),
        ),
      ),
    ],
    world,
  );
});

describe("the tool-call chart", () => {
  const call = { id: "1", name: "read", input: {} };
  const machine = (problem: string | null) => toolCallMachine.provide({ actions: { check: assign({ problem }) } });
  const input = { call, timeoutMs: 10, attempts: 3, delayMs: 5 };

  test("ends whatever the tool does, and tries as often as it may", () => {
    const tries = always<ToolCallContext>("at most three attempts", ({ context }) => context.tried <= 3);
    expect(machine(null)).toSatisfy([ends(), tries], { input });
    expect(machine(null)).not.toSatisfy(
      always<ToolCallContext>("two", ({ context }) => context.tried <= 2),
      { input },
    );
  });

  test("runs nothing whose input is not valid", () => {
    expect(machine("bad")).toSatisfy([ends(), never("running")], { input });
  });
});

describe("random play stays within what was explored", () => {
  const agents = [
    ["turn", turn({ limits: { steps: 3, parallel: 2 } }), {}],
    ["phases", createAgent({ model: randomModel(1), chart: coder }), world],
  ] as const;

  test.each(agents)("%s", async (_, agent, options) => {
    const { nodes, limits } = exploreAll(agent, options);
    expect(limits).toEqual([]);
    const place = (
      value: unknown,
      context: { decisions: number; untrusted: readonly string[]; illegal: { inARow: number } },
      calls: readonly string[],
    ) => JSON.stringify([value, context.decisions, [...context.untrusted].sort(), context.illegal.inARow, calls]);
    const calls = (context: { calls: readonly { call: { name: string }; state: string }[] }) =>
      context.calls.map((open) => `${open.call.name} ${open.state}`);
    const explored = new Set(nodes.map(({ place: { snapshot } }) => place(snapshot.value, snapshot.context, calls(snapshot.context))));
    const values = new Set(nodes.map(({ place: { snapshot } }) => JSON.stringify(snapshot.value)));
    const reached = new Set<string>();
    const strange = new Set<string>();
    for (let seed = 1; seed <= 60; seed++)
      await wander(agent, seed, ({ value, status, context }) => {
        reached.add(JSON.stringify(value));
        const here = place(value, context, calls(context));
        // Ends are merged whatever led there.
        if (status === "active" && !explored.has(here)) strange.add(here);
      });
    expect([...strange]).toEqual([]);
    expect([...reached].filter((value) => !values.has(value))).toEqual([]);
    expect([...values].filter((value) => !reached.has(value) && value !== '"failed"')).toEqual([]);
  });
});

/** Plays an agent with a random model, random words of a person and now and then a cancellation; a tool fails one time in four. */
async function wander(agent: ReturnType<typeof turn>, seed: number, look: (snapshot: Drive["snapshot"]) => void): Promise<void> {
  const random = randomFrom(seed);
  const { actors } = createAgent({
    model: randomModel(seed, { illegal: 0.15 }),
    chart: {
      machine: agent.machine,
      limits: agent.limits,
      tools: agent.tools.map((one) => ({
        ...one,
        run: async () => {
          if (random() < 0.25) throw new Error("failed");
          return one.name === "tests" ? pick(random, ["green", "red"]) : "ok";
        },
      })),
    },
  });
  const drive: Drive = new Drive({
    machine: agent.machine,
    actors: actors(),
    onStep: (snapshot) => {
      look(snapshot);
      if (snapshot.status !== "active") return;
      const asked = (snapshot.context as { calls: { call: { id: string }; state: string }[] }).calls.filter(
        ({ state }) => state === "asked",
      );
      if (random() < 0.03) queueMicrotask(() => drive.send({ type: "cancel" }));
      else if (asked[0]) {
        const event = { type: random() < 0.7 ? "approve" : "deny", callId: pick(random, asked).call.id };
        queueMicrotask(() => drive.send(event));
      }
    },
  });
  await drive.start({ messages: [{ role: "user", content: "go" }] }).ended;
}
