/**
 * The path that a run took through its chart. In: the spans of its trace. Out: what was visited and taken, and when. Law: only what the
 * trace says; spans of other runs in the same trace are left out.
 */
import type { Json } from "@orrery/chat";
import type { Span } from "../trace/span.ts";
import { keyOf } from "./transitions.ts";

export interface RunPath {
  /** Paths of the states that were entered, and of those around them. */
  readonly states: ReadonlySet<string>;
  /** {@link keyOf} the transitions that lead to a state, in the order in which they were taken. */
  readonly transitions: readonly string[];
  /** How often a move was chosen in a state, by {@link keyOf} the state and the move, whether it leads to another state or not. */
  readonly moves: ReadonlyMap<string, number>;
  /** The state that the run stands in now. */
  readonly end: string | undefined;
}

/**
 * @param spans of a trace, as an observer got them or read from JSON lines
 * @example toSvg(agent.machine, { path: runPath(spans) })
 */
export function runPath(spans: readonly Span[]): RunPath {
  const states = new Set<string>();
  const transitions: string[] = [];
  const moves = new Map<string, number>();
  const enter = (paths: Json | undefined): void => {
    for (const path of typeof paths === "string" ? paths.split(",") : [])
      for (let at = path; at !== ""; at = at.slice(0, Math.max(0, at.lastIndexOf(".")))) states.add(at);
  };
  const stretches = stretchesOf(spans);
  const own = new Set(stretches.map(({ spanId }) => spanId));
  for (const { attributes, events = [] } of stretches) {
    enter(attributes["orrery.state.start"]);
    for (const { name, attributes: told } of events) {
      if (name !== "orrery.transition") continue;
      const { "orrery.source": source, "orrery.event": event = "", "orrery.target": target } = told;
      transitions.push(keyOf(String(source), String(event), String(target)));
      for (const path of [source, target, told["orrery.state"]]) enter(path);
    }
  }
  for (const { attributes, parentSpanId = "", name } of spans) {
    const chosen = attributes["orrery.chosen"];
    if (!own.has(parentSpanId) || !name.startsWith("chat ") || attributes["error.type"] !== undefined || !Array.isArray(chosen)) continue;
    for (const move of chosen) {
      const key = keyOf(String(attributes["orrery.state"]), `call.${move}`, "");
      moves.set(key, (moves.get(key) ?? 0) + 1);
    }
  }
  const last = stretches.at(-1)?.attributes["orrery.state"];
  return { states, transitions, moves, end: typeof last === "string" ? last : undefined };
}

/** The spans of the run itself, first stretch first. */
function stretchesOf(spans: readonly Span[]): Span[] {
  const runs = spans.filter(({ attributes }) => attributes["gen_ai.operation.name"] === "invoke_agent");
  const known = new Set(runs.map(({ spanId }) => spanId));
  const first =
    runs.find(({ parentSpanId }) => parentSpanId === undefined) ?? runs.find(({ parentSpanId = "" }) => !known.has(parentSpanId));
  return runs
    .filter(({ spanId, parentSpanId }) => spanId === first?.spanId || parentSpanId === first?.spanId)
    .sort((a, b) => (a.startTimeUnixNano < b.startTimeUnixNano ? -1 : 1));
}
