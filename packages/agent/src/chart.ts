/**
 * The chart of an agent: phases and hand-written states, joined with its tools and rules. In: a description. Out: a machine that needs
 * its actors. Law: everything that may happen is in the machine; nothing about legality is kept elsewhere.
 */
import type { JsonObject, JsonSchema, ToolCall } from "@orrery/chat";
import { AgentError, errorFacts } from "./errors.ts";
import { agrees, core, firstContext, type Budget, type ChartMachine, type CoreOptions } from "./machines/core.ts";
import { Phase, phaseState, type PhaseChart, type StateConfig } from "./machines/phase.ts";
import type { Learn, RunContext } from "./machines/chart-state.ts";
import { permitted, rulebook, verdictOf, type Approval, type Policy } from "./policy.ts";
import { intersect } from "./schema.ts";
import type { MoveContext, Tool } from "./tool.ts";

export interface Limits {
  /** Decisions that may call tools or leave a phase; after them the only legal move is to answer. Default 8. */
  readonly steps?: number;
  /**
   * Calls in one reply. Default 1: each decision then sees, and is narrowed by, the result of the one before, and small models choose
   * several calls at once badly. Raise it for tools that do not depend on one another.
   */
  readonly parallel?: number;
  /** Tokens computed in a run, of prompts and replies; after them the only legal move is to answer. Default: no limit. */
  readonly tokens?: number;
  /** Milliseconds in model and tools; after them the only legal move is to answer. Default: no limit. */
  readonly timeMs?: number;
  /** Tokens of one reply. Default: the model's. */
  readonly replyTokens?: number;
  /** Milliseconds that one attempt of a call may take, where its tool does not say. Default 60,000. */
  readonly toolTimeoutMs?: number;
}

export interface ChartOptions {
  readonly tools: readonly Tool[];
  /** Phases, `act`s and states of your own; the first is the initial one. `answered`, `cancelled` and `failed` are added. */
  readonly states: Readonly<Record<string, Phase | StateConfig>>;
  /** What the chart keeps beside the conversation, and what calls and exits change in it, by name. */
  readonly facts?: { readonly initial: JsonObject; readonly learn?: Learn };
  /** Guards that hand-written states and `act` name. Pure. */
  readonly guards?: Readonly<Record<string, (context: MoveContext) => boolean>>;
  readonly limits?: Limits;
  readonly approval?: Approval | Policy;
}

/** A chart and what it was made of. */
export interface AgentChart {
  readonly machine: ChartMachine;
  readonly tools: readonly Tool[];
  readonly limits: Limits;
}

/**
 * @throws AgentError `agent/bad-tool` for two tools of one name, `agent/bad-limit` for a limit that is not a positive number,
 *   `agent/bad-chart` for a phase that names what is not there
 */
export function agentChart({ tools, states, facts, guards = {}, limits = {}, approval }: ChartOptions): AgentChart {
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  if (byName.size < tools.length)
    throw new AgentError("agent/bad-tool", `two tools have one name; the names are ${tools.map(({ name }) => name).join(", ")}`, {
      hint: "give each tool a name of its own",
    });
  const budget = budgetOf(limits);
  requireNames(states, byName);
  const rules = rulebook(approval);
  const trust = (name: string) => byName.get(name)?.trust ?? "untrusted";
  const options = {
    facts: facts?.initial ?? {},
    learn: facts?.learn ?? {},
    trust,
    budget,
    toolTimeoutMs: limits.toolTimeoutMs ?? 60_000,
    verdict: (call: ToolCall, { untrusted }: RunContext) => {
      const tool = byName.get(call.name);
      return tool ? verdictOf(rules, call, tool, untrusted.length > 0) : "deny";
    },
    legal: (name: string, context: RunContext) => {
      const tool = byName.get(name)!;
      return permitted(rules, tool, context.untrusted.length > 0) !== false && agrees(tool.when, name, context);
    },
  };
  const chart: PhaseChart = {
    input: (name) => byName.get(name)!.input,
    accepts: (name) => byName.get(name)!.accepts,
    narrow: (name, here) => narrowing([byName.get(name)!.narrow, here?.[name], policyNarrowing(rules, byName.get(name)!)]),
    parallel: limits.parallel ?? 1,
  };
  const built = Object.entries(states).map(([name, state]) => [name, state instanceof Phase ? phaseState(state, chart) : state] as const);
  const config = {
    id: "agent",
    context: firstContext(options),
    output: ({ context }: { context: RunContext }) => context,
    initial: Object.keys(states)[0],
    on: {
      cancel: { target: ".cancelled" },
      fail: {
        target: ".failed",
        actions: { type: "fail", params: ({ event }: { event: { error: unknown } }) => ({ error: event.error }) },
      },
    },
    states: {
      ...Object.fromEntries(built),
      answered: { type: "final", entry: "close" },
      cancelled: { type: "final", entry: "close" },
      failed: { type: "final", entry: "close" },
    },
  };
  const machine = machineOf(options, config);
  const named = Object.fromEntries(
    Object.entries(guards).map(([name, holds]) => [name, ({ context }: { context: RunContext }) => holds(context)]),
  );
  return { machine: machine.provide({ guards: named as never }) as ChartMachine, tools, limits };
}

/** States come as data, so TypeScript cannot know them: targets are checked here, the names of guards and actions by `orrery check`. */
function machineOf(options: CoreOptions, config: object): ChartMachine {
  try {
    return core(options).createMachine(config as never) as unknown as ChartMachine;
  } catch (thrown) {
    throw new AgentError("agent/bad-chart", errorFacts(thrown, "").message.replaceAll("\n", " "), {
      hint: "correct the target: a sibling's name, `.child`, or `#agent.state`",
      cause: thrown,
    });
  }
}

function budgetOf(limits: Limits): Budget {
  const { steps = 8, parallel = 1, replyTokens = 1, toolTimeoutMs = 60_000, tokens = Infinity, timeMs = Infinity } = limits;
  for (const [name, value] of Object.entries({ steps, parallel, replyTokens, toolTimeoutMs }))
    if (!Number.isSafeInteger(value) || value < 1) throw badLimit(name, value, "an integer of at least 1");
  for (const [name, value] of Object.entries({ tokens, timeMs })) if (!(value > 0)) throw badLimit(name, value, "above 0");
  return { steps, tokens, timeMs };
}

function badLimit(name: string, value: number, expected: string): AgentError {
  return new AgentError("agent/bad-limit", `limits.${name} must be ${expected}, found ${value}`, {
    hint: "correct the limit, or leave it out",
  });
}

/** Phases name tools, and exits name states: XState checks neither. */
function requireNames(states: ChartOptions["states"], tools: ReadonlyMap<string, Tool>): void {
  const endings = ["answered", "cancelled", "failed"];
  const targets = new Set([...Object.keys(states), ...endings]);
  const bad = (message: string): AgentError =>
    new AgentError("agent/bad-chart", message, {
      hint: `the tools are ${[...tools.keys()].join(", ") || "none"}; the states are ${[...targets].join(", ")}`,
    });
  if (Object.keys(states).length === 0) throw bad("a chart needs a state");
  const taken = endings.find((name) => Object.hasOwn(states, name));
  if (taken !== undefined) throw bad(`the state '${taken}' is the chart's own`);
  for (const [state, found] of Object.entries(states)) {
    if (!(found instanceof Phase)) continue;
    const { tools: named = [], when = {}, narrow = {}, exits = {}, otherwise } = found.options;
    const unknown = [...named, ...Object.keys(when), ...Object.keys(narrow)].find((name) => !tools.has(name));
    if (unknown !== undefined) throw bad(`phase '${state}' names the tool '${unknown}', which the chart does not have`);
    const clash = Object.keys(exits).find((name) => tools.has(name));
    if (clash !== undefined) throw bad(`phase '${state}' has an exit '${clash}', which is a tool's name`);
    const lost = [...Object.values(exits).map(({ target }) => target), ...(otherwise === undefined ? [] : [otherwise])].find(
      (target) => !targets.has(target),
    );
    if (lost !== undefined) throw bad(`phase '${state}' leads to '${lost}', which is not a state of the chart`);
  }
}

type Narrow = ((context: MoveContext) => JsonSchema | false) | undefined;

function narrowing(all: readonly Narrow[]): Narrow {
  const narrows = all.filter((narrow) => narrow !== undefined);
  if (narrows.length === 0) return undefined;
  if (narrows.length === 1) return narrows[0];
  return (context) =>
    narrows.reduce<JsonSchema | false>((schema, narrow) => {
      if (schema === false) return false;
      const more = narrow(context);
      return more === false ? false : intersect(schema, more);
    }, {});
}

/** Only where rules look at the input do they narrow; else they are guards. */
function policyNarrowing(rules: ReturnType<typeof rulebook>, tool: Tool): Narrow {
  if (!rules.rules.some(({ input }) => input !== undefined) || !rules.rules.some(({ verdict }) => verdict === "deny")) return undefined;
  return ({ untrusted }) => permitted(rules, tool, untrusted.length > 0);
}
