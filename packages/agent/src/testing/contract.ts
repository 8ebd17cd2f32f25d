/**
 * What every agent promises, as checks. In: how to make the agent. Out: cases for any test runner; a promise that is broken is an
 * AssertionError. Law: nothing is assumed of model, chart or tools; each case says how much it has seen, so that a case which saw
 * nothing is not taken for a proof.
 */
import assert from "node:assert/strict";
import type { Agent } from "../agent.ts";
import type { Limits } from "../chart.ts";
import type { Approval } from "../policy.ts";
import type { RunEvent, RunOptions, RunResult } from "../result.ts";
import { resume, start } from "../run.ts";
import type { Run } from "../runner.ts";
import type { SavedRun } from "../saved-run.ts";
import { requireLegal, requireOrder, requireWhole } from "./contract-rules.ts";

/** What a case needs of the agent: to be spread into `createAgent` or `agentChart`. */
export interface ContractSettings {
  readonly limits?: Limits;
  readonly approval?: Approval;
}

/** Makes the agent anew, its model and its tools included: each run has its own. */
export type MakeAgent = (settings: ContractSettings) => Agent<unknown> | Promise<Agent<unknown>>;

export interface ContractOptions {
  readonly task: string;
  /** Of the events of a run, at how many it is saved and cancelled: each, or some that lie evenly. Default: each. */
  readonly samples?: number;
}

/** What a case has seen. */
export interface ContractCounts {
  readonly runs: number;
  readonly events: number;
  /** Calls that a model made. */
  readonly moves: number;
  /** Calls that were put to a person. */
  readonly asked: number;
}

export interface ContractCase {
  readonly name: string;
  /** @throws AssertionError for a promise that is broken */
  check(): Promise<ContractCounts>;
}

/**
 * @example
 * const cases = agentContract((settings) => createAgent({ model: scriptedModel([…]), tools, ...settings }), { task: "…" });
 * test.each(cases)("$name", ({ check }) => check());
 */
export function agentContract(make: MakeAgent, { task, samples = Infinity }: ContractOptions): readonly ContractCase[] {
  const contracted = (name: string, check: (watch: Watch) => Promise<void>): ContractCase => ({
    name,
    check: async () => {
      const watch = new Watch(make, task);
      await check(watch);
      return watch.counts;
    },
  });
  return [
    contracted("a run ends with exactly one finish, its last event, which has its result", async (watch) => {
      const { result } = await watch.run();
      assert.ok(ENDINGS.has(result.status), `the run is ${result.status}`);
    }),
    contracted("no action is illegal", async (watch) => {
      const { result } = await watch.run();
      assert.equal(result.illegal, 0, `${result.illegal} replies were not legal moves`);
    }),
    contracted("the conversation is whole at every event, and only grows", async (watch) => {
      let before: RunResult["messages"] = [];
      const look = (messages: RunResult["messages"]): void => {
        requireWhole(messages);
        assert.deepEqual(messages.slice(0, before.length).filter(isNoSystem), before.filter(isNoSystem), "a message was changed");
        before = messages;
      };
      const { result } = await watch.run({ at: (_, running) => look(running.snapshot().context.messages) });
      look(result.messages);
    }),
    contracted("events come in their order", async (watch) => {
      const { result, events } = await watch.run();
      requireOrder(events, result);
    }),
    contracted("a snapshot of any event goes on to an end", async (watch) => {
      const saved: string[] = [];
      await watch.run({ at: ({ type }, running) => void (type === "finish" || saved.push(JSON.stringify(running.snapshot()))) });
      for (const text of spread(saved, samples)) {
        const snapshot = JSON.parse(text) as SavedRun;
        const { result } = await watch.resume(snapshot);
        assert.ok(ENDINGS.has(result.status), `the resumed run is ${result.status}`);
        assert.deepEqual(result.messages.slice(0, snapshot.context.messages.length), snapshot.context.messages, "the past was changed");
      }
    }),
    contracted("cancelled at any event, a run ends as cancelled and decides no more", async (watch) => {
      const { events: all } = await watch.run();
      const places = spread([...all.keys()].slice(0, -1), samples);
      for (const place of places) {
        const stop = new AbortController();
        let seen = 0;
        let since: number | undefined;
        const { result, events } = await watch.run({
          signal: stop.signal,
          at: ({ type }, running) => {
            if (seen++ !== place || type === "finish") return;
            since = seen;
            if (place % 2 === 0) running.cancel();
            else stop.abort();
          },
        });
        if (since === undefined) continue; // this run was shorter than the first
        assert.equal(result.status, "cancelled", `cancelled at event ${place} (${events[place]?.type}), the run is ${result.status}`);
        assert.ok(!events.slice(since).some(({ type }) => type === "decision"), "it went on to decide after it was cancelled");
      }
    }),
    contracted("a call that waits for a person runs when, and only when, it is allowed", async (watch) => {
      for (const allowed of [true, false]) {
        const asked = new Set<string>();
        const begun = await watch.run({ approve: undefined, settings: { approval: "always" } });
        let { result, events } = begun;
        const heard = [...events];
        for (let rounds = 0; result.status === "waiting"; rounds++) {
          assert.ok(rounds < MAX_ROUNDS, `the run still asks after ${rounds} rounds`);
          const { pending = [], snapshot } = result;
          assert.ok(pending.length > 0 && snapshot, "a run that waits says for what, and can be saved");
          for (const { id } of pending) assert.ok(!startsOf(heard, id), `${id} ran before anybody allowed it`);
          for (const { id } of pending) asked.add(id);
          const words = Object.fromEntries(pending.map(({ id }) => [id, allowed]));
          ({ result, events } = await watch.resume(JSON.parse(JSON.stringify(snapshot)) as SavedRun, words, { approval: "always" }));
          heard.push(...events);
        }
        for (const id of asked) {
          const starts = startsOf(heard, id);
          assert.equal(starts, allowed ? 1 : 0, `${id} was ${allowed ? "allowed" : "denied"} and ran ${starts} times`);
        }
        // What a model called and what has no word of its own is asked for; a call that the chart makes itself is not.
        const silent = begun.agent.tools.filter(({ approval }) => approval === undefined).map(({ name }) => name);
        for (const event of heard)
          if (event.type === "move" && silent.includes(event.call.name) && startsOf(heard, event.call.id) > 0)
            assert.ok(asked.has(event.call.id), `${event.call.id} ran, and nobody was asked`);
      }
    }),
    contracted("budgets hold: of steps, and of tokens where the model counts them", async (watch) => {
      const few = await watch.run({ settings: { limits: { steps: 1 } } });
      const deciding = decisions(few.events).filter((made) => made.some(({ type }) => type === "move"));
      assert.ok(deciding.length <= 1, `${deciding.length} decisions called tools, and 1 may`);
      const { events, result } = await watch.run({ settings: { limits: { tokens: 1 } } });
      if (result.usage.computedTokens + result.usage.replyTokens === 0) return;
      for (const [first] of decisions(events).slice(1))
        assert.deepEqual(
          first?.type === "decision" && first.moves.calls.filter(({ alone }) => !alone),
          [],
          "the tokens are spent, and a call is still legal",
        );
    }),
  ];
}

const ENDINGS: ReadonlySet<string> = new Set(["answered", "ended", "cancelled", "failed"]);

/** Rounds of questions to a person after which a run is taken to be without end. */
const MAX_ROUNDS = 100;

/** Instructions may still be added to it while nobody has replied. */
function isNoSystem({ role }: { readonly role: string }): boolean {
  return role !== "system";
}

function startsOf(events: readonly RunEvent[], id: string): number {
  return events.filter((event) => event.type === "tool-start" && event.call.id === id).length;
}

/** The events of a run, cut before each decision. */
function decisions(events: readonly RunEvent[]): readonly (readonly RunEvent[])[] {
  const cuts = [...events.keys()].filter((i) => events[i]!.type === "decision");
  return cuts.map((from, i) => events.slice(from, cuts[i + 1]));
}

/** At most `count` of them, first and last included. */
function spread<T>(all: readonly T[], count: number): readonly T[] {
  if (all.length <= count) return all;
  return Array.from({ length: count }, (_, i) => all[Math.round((i * (all.length - 1)) / Math.max(1, count - 1))]!);
}

interface Watching extends Pick<RunOptions, "signal"> {
  readonly settings?: ContractSettings;
  readonly approve?: RunOptions["approve"];
  readonly at?: (event: RunEvent, running: Run<unknown>) => void;
}

interface Watched {
  readonly agent: Agent<unknown>;
  readonly result: RunResult<unknown>;
  readonly events: readonly RunEvent[];
}

/** Runs the agent, and holds every run to what all promise. */
class Watch {
  readonly #make: MakeAgent;
  readonly #task: string;
  #counts: ContractCounts = { runs: 0, events: 0, moves: 0, asked: 0 };

  constructor(make: MakeAgent, task: string) {
    this.#make = make;
    this.#task = task;
  }

  get counts(): ContractCounts {
    return this.#counts;
  }

  async run({ settings = {}, at, signal, ...given }: Watching = {}): Promise<Watched> {
    const agent = await this.#make(settings);
    const events: RunEvent[] = [];
    let broken: unknown;
    const approve = "approve" in given ? given.approve : () => true;
    let begun = false;
    const running: Run<unknown> = start(agent, this.#task, {
      ...(approve ? { approve } : {}),
      ...(signal ? { signal } : {}),
      onEvent: (event) => {
        events.push(event);
        if (begun) tell(event);
      },
    });
    const tell = (event: RunEvent): void => {
      try {
        at?.(event, running);
      } catch (thrown) {
        broken ??= thrown;
      }
    };
    begun = true;
    events.forEach(tell); // those that came before `start` gave the run back
    const result = await running.result;
    if (broken) throw broken;
    return this.#seen({ agent, result, events });
  }

  async resume(saved: SavedRun, words: Readonly<Record<string, boolean>> = {}, settings: ContractSettings = {}): Promise<Watched> {
    const agent = await this.#make(settings);
    const events: RunEvent[] = [];
    const approve = settings.approval === undefined ? { approve: () => true } : {};
    const result = await resume(agent, saved, words, { ...approve, onEvent: (event) => void events.push(event) });
    return this.#seen({ agent, result, events });
  }

  #seen(watched: Watched): Watched {
    const { agent, result, events } = watched;
    const count = (type: RunEvent["type"]): number => events.filter((event) => event.type === type).length;
    assert.equal(count("finish"), 1, `the run told ${count("finish")} finishes`);
    const last = events.at(-1);
    assert.ok(last?.type === "finish" && last.result === result, "the last event is the finish, with the result");
    requireWhole(result.messages);
    requireLegal(agent, events);
    const { runs, events: seen, moves, asked } = this.#counts;
    this.#counts = { runs: runs + 1, events: seen + events.length, moves: moves + count("move"), asked: asked + count("approval") };
    return watched;
  }
}
