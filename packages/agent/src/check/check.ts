/**
 * Checks a chart: explores all it can do and decides what is asked of it. In: a machine, chart or agent. Out: a report. Law: says what it
 * looked at, and claims no more than that.
 */
import { AgentError, errorFacts } from "../errors.ts";
import { abstractionOf, KEPT_FOR_MOVES, type Abstraction } from "./abstraction.ts";
import type { World } from "./choices.ts";
import { explore, type Graph } from "./explore.ts";
import { findingsIn, type Finding } from "./findings.ts";
import { gameOf, type Game, type Place } from "./game.ts";
import type { Property } from "./property.ts";
import { Reads } from "./reads.ts";
import { faultsOf, readsUnwatched } from "./structure.ts";
import { subjectOf, type Checkable, type Subject } from "./subject.ts";
import { verify, type Verdict } from "./verify.ts";

export interface CheckOptions extends World {
  /** What shall hold. Default: nothing is asked. */
  readonly properties?: readonly Property[];
  /** What the chart is started with. Default: a conversation of one user message. */
  readonly input?: unknown;
  /** What of a context matters. Default: `defaultAbstraction`, and whatever functions of the chart and of the properties look at. */
  readonly abstraction?: Abstraction;
  /** At most about this many states. Default 20,000. */
  readonly maxStates?: number;
  /** At most so many transitions are played again in random runs, to see whether the abstraction merges what differs. Default 500. */
  readonly probes?: number;
}

export interface Report {
  /** No finding is an error, and every property holds. */
  readonly ok: boolean;
  readonly states: number;
  readonly transitions: number;
  /** Was everything looked at? */
  readonly complete: boolean;
  /** What kept it from being complete. */
  readonly limits: readonly string[];
  /** States that were seen to merge what goes on differently. If there are any, no property is said to hold. */
  readonly coarse: number;
  /** Transitions that were played again in random runs. */
  readonly probed: number;
  /** Moves whose inputs were sampled: their schemas allow others. */
  readonly sampled: readonly string[];
  /** What else was taken for enough, in words. */
  readonly assumed: readonly string[];
  readonly findings: readonly Finding[];
  readonly properties: readonly Verdict[];
}

/**
 * @param given a machine, chart or agent; or a function that makes one, so that a chart that cannot be made is a finding
 * @throws AgentError `agent/not-checkable`, `agent/bad-limit`
 */
export function check(given: Checkable | (() => Checkable), options: CheckOptions = {}): Report {
  const { properties = [] } = options;
  const found: Finding[] = [];
  const undecided = (thrown: unknown, kind: Finding["kind"]): Report => {
    const message = errorFacts(thrown, "agent/bad-chart").message;
    const same = found.some((finding) => finding.message === message);
    return reportOf(
      NOTHING,
      same ? found : [...found, { kind, severity: "error", message }],
      properties.map(({ name }) => ({ name, verdict: "unknown", reason: "the chart cannot begin" })),
    );
  };
  const reads = new Reads();
  let subject: Subject;
  try {
    subject = watched(typeof given === "function" ? given() : given, reads);
  } catch (thrown) {
    if (typeof given !== "function") throw thrown;
    return undecided(thrown, isWrongTarget(thrown) ? "wrong-target" : "not-made");
  }
  found.push(...faultsOf(subject.machine));
  const game = gameFor(subject, options, reads);
  const maxStates = maxStatesOf(options);
  let graph: Graph;
  try {
    graph = explore({ subject, game, world: options, maxStates, probes: options.probes ?? 500 });
  } catch (thrown) {
    return undecided(thrown, "throws");
  }
  found.push(...findingsIn({ subject, world: options, graph, game }));
  return reportOf(
    graph,
    found,
    properties.map((property) => verify(property, { graph, game, tools: subject.tools })),
  );
}

/**
 * All that a chart can do, as a graph, for those who want to look around in it.
 * @throws AgentError `agent/not-checkable`, `agent/bad-limit`; else what the chart throws before its first state
 */
export function exploreAll(given: Checkable, options: CheckOptions = {}): Graph {
  const reads = new Reads();
  const subject = watched(given, reads);
  const maxStates = maxStatesOf(options);
  return explore({ subject, game: gameFor(subject, options, reads), world: options, maxStates, probes: options.probes ?? 500 });
}

/** Its guards hand a context to functions of the chart's author: what those read is noted. */
function watched(given: Checkable, reads: Reads): Subject {
  const subject = subjectOf(
    given,
    (guard) => (args, params) => guard({ ...args, context: reads.view(args.context, KEPT_FOR_MOVES) }, params),
  );
  if (readsUnwatched(subject.machine)) reads.note("steps:list", "steps:input", "steps:error", "messages");
  return subject;
}

const INPUT = { messages: [{ role: "user", content: "the task" }] };

function gameFor(subject: Subject, { input = INPUT, abstraction, properties = [] }: CheckOptions, reads: Reads): Game {
  const asks = properties.flatMap((property) =>
    property.kind === "always" ? [(place: Place) => property.holds(place, abstraction ? undefined : reads)] : [],
  );
  return gameOf({ subject, reads, abstraction: abstraction ?? (abstractionOf(subject, reads) as Abstraction), input, asks });
}

function maxStatesOf({ maxStates = 20_000 }: CheckOptions): number {
  if (Number.isSafeInteger(maxStates) && maxStates > 0) return maxStates;
  throw new AgentError("agent/bad-limit", `maxStates must be an integer of at least 1, found ${maxStates}`, { hint: "correct the limit" });
}

/** Words of XState, which has no codes. */
function isWrongTarget(thrown: unknown): boolean {
  return /does not exist on|Invalid transition definition/.test(errorFacts(thrown, "").message);
}

const NOTHING: Graph = { nodes: [], beginning: [], breaks: [], limits: [], sampled: [], assumed: [], coarse: [], probed: 0 };

function reportOf(graph: Graph, findings: readonly Finding[], properties: readonly Verdict[]): Report {
  const { nodes, limits, sampled, assumed, coarse, probed } = graph;
  return {
    ok: findings.every(({ severity }) => severity === "note") && properties.every(({ verdict }) => verdict === "holds"),
    states: nodes.length,
    transitions: nodes.reduce((sum, { edges }) => sum + edges.length, 0),
    complete: nodes.length > 0 && limits.length === 0,
    limits,
    coarse: coarse.length,
    probed,
    sampled,
    assumed,
    findings,
    properties,
  };
}
