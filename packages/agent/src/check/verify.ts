/**
 * Decides properties. In: a graph and its game. Out: a verdict, with a shortest counterexample that was played again on the chart itself.
 * Law: `holds` is said only of a complete graph whose abstraction showed no flaw; `fails` only of a way that the chart really goes.
 */
import type { Tool } from "../tool.ts";
import type { Choice } from "./choices.ts";
import type { Edge, Graph, GraphNode } from "./explore.ts";
import type { Game, Outcome, Place } from "./game.ts";
import { matches, patternText, type Happening } from "./happening.ts";
import { circleIn, nearest, stuckIn } from "./graph.ts";
import type { Property } from "./property.ts";

/** A way through a chart: choices and where they lead; of a circle, the step from which it goes round. */
export interface Way {
  readonly start: Place;
  readonly steps: readonly { readonly choice: Choice; readonly happenings: readonly Happening[]; readonly place: Place }[];
  readonly circleFrom?: number;
}

export interface Verdict {
  readonly name: string;
  readonly verdict: "holds" | "fails" | "unknown";
  /** Why it fails, or why it is not known. */
  readonly reason?: string;
  readonly counterexample?: Way;
}

interface Deciding {
  readonly graph: Graph;
  readonly game: Game;
  readonly tools: ReadonlyMap<string, Tool>;
}

/** What of a property has been seen so far, as text; false once it is broken. */
type Monitor = (seen: string, happenings: readonly Happening[], place: Place) => string | false;

interface Found {
  readonly edges: readonly Edge[];
  readonly circle?: readonly Edge[];
  readonly reason: string;
}

export function verify(property: Property, { graph, game, tools }: Deciding): Verdict {
  const { name } = property;
  const monitor = monitorOf(property, tools);
  const found = monitor ? broken(graph, monitor, reasonOf(property)) : property.kind === "ends" ? endless(graph) : notCancellable(graph);
  if (found) {
    const way = replay(game, graph, found);
    const real = way && (!monitor || breaks(monitor, graph, way));
    if (real) return { name, verdict: "fails", reason: found.reason, counterexample: way };
    return {
      name,
      verdict: "unknown",
      reason: "the counterexample of the abstraction is none of the chart: give an `abstraction` that keeps more",
    };
  }
  const reason = doubt(graph);
  return reason === undefined ? { name, verdict: "holds" } : { name, verdict: "unknown", reason };
}

/** Why what was not found may still be there. */
export function doubt({ limits, coarse }: Graph): string | undefined {
  if (limits.length > 0) return `no counterexample, but the exploration is not complete: ${limits.join("; ")}`;
  return coarse.length > 0 ? "no counterexample, but the abstraction drops something that matters" : undefined;
}

function monitorOf(property: Property, tools: ReadonlyMap<string, Tool>): Monitor | undefined {
  if (property.kind === "always") return (_, _happenings, place) => (property.holds(place) ? "" : false);
  if (property.kind === "never") return (_, happenings) => (happenings.some((one) => matches(property.pattern, one, tools)) ? false : "");
  if (property.kind !== "precedes") return undefined;
  const { first, second, sameCall } = property;
  return (seen, happenings) => {
    const done = new Set(seen === "" ? [] : seen.split(" "));
    for (const one of happenings) {
      const key = sameCall ? String(one.call) : "any";
      if (one.kind === "closed" && sameCall) done.delete(key);
      if (matches(second, one, tools) && !done.has(key)) return false;
      if (matches(first, one, tools)) done.add(key);
    }
    return [...done].sort().join(" ");
  };
}

function reasonOf(property: Property): string {
  if (property.kind === "never") return `${patternText(property.pattern)} in the last step`;
  if (property.kind === "precedes")
    return `${patternText(property.second)} in the last step, and not ${patternText(property.first)} before`;
  return "it does not hold where the last step leads";
}

/** The shortest way on which a monitor breaks. */
function broken(graph: Graph, monitor: Monitor, reason: string): Found | undefined {
  const first = monitor("", graph.beginning, graph.nodes[0]!.place);
  if (first === false) return { edges: [], reason };
  interface Seen {
    readonly node: GraphNode;
    readonly seen: string;
    readonly before: Seen | undefined;
    readonly edge: Edge | undefined;
  }
  const edgesTo = ({ before, edge }: Seen): Edge[] => (before && edge ? [...edgesTo(before), edge] : []);
  const queue: Seen[] = [{ node: graph.nodes[0]!, seen: first, before: undefined, edge: undefined }];
  const known = new Set([`0 ${first}`]);
  for (let i = 0; i < queue.length; i++) {
    const here = queue[i]!;
    for (const edge of here.node.edges) {
      const node = graph.nodes[edge.to]!;
      const seen = monitor(here.seen, edge.happenings, node.place);
      if (seen === false) return { edges: [...edgesTo(here), edge], reason };
      const key = `${edge.to} ${seen}`;
      if (known.has(key)) continue;
      known.add(key);
      queue.push({ node, seen, before: here, edge });
    }
  }
  return undefined;
}

/** The chart's own word: after `cancel` the run is over. */
function notCancellable(graph: Graph): Found | undefined {
  const node = graph.nodes.find(
    ({ place, expanded, edges }) =>
      expanded && !place.final && !edges.some(({ choice, to }) => isCancel(choice) && graph.nodes[to]!.place.final),
  );
  return node && { edges: wayTo(graph, node), reason: "here a cancellation does not end the run" };
}

function isCancel(choice: Choice): boolean {
  return choice.by === "person" && choice.does === "cancel";
}

/** What must not be needed for a run to end. */
function isMishap(choice: Choice): boolean {
  if (choice.by === "person") return choice.does === "cancel" || choice.does === "fail";
  return choice.by === "model" && (choice.does === "errs" || choice.does === "fails");
}

function endless(graph: Graph): Found | undefined {
  const stuck = stuckIn(graph, ({ choice }) => !isMishap(choice));
  const circle = circleIn(graph, ({ choice }) => choice.by !== "person");
  const least = nearest(stuck, circle?.[0] && graph.nodes[circle[0].from]);
  if (!least) return undefined;
  if (least === stuck) return { edges: wayTo(graph, stuck), reason: "from here no end can be reached" };
  return {
    edges: wayTo(graph, least),
    circle: circle!.map(({ edge }) => edge),
    reason: "the run can go round for ever, and no budget ends it",
  };
}

/** The first way that was found to a node: a shortest one. */
export function wayTo(graph: Graph, node: GraphNode): Edge[] {
  const edges: Edge[] = [];
  for (let at: GraphNode = node; at.from; at = graph.nodes[at.from.node]!) edges.push(at.from.edge);
  return edges.reverse();
}

/** Rounds that a circle is played: one that a counter of the chart ends is none. */
const ROUNDS = 50;

/** Plays a way on the chart from its start. Undefined where the chart comes elsewhere. */
export function replay(game: Game, graph: Graph, { edges, circle = [] }: Pick<Found, "edges" | "circle">): Way | undefined {
  let here: Outcome = game.begin();
  const start = here.place;
  const steps: Way["steps"][number][] = [];
  const play = ({ choice, to }: Edge): boolean => {
    const next = game.play(here.place, choice);
    if (next?.key !== graph.nodes[to]!.key) return false;
    here = next;
    return true;
  };
  for (const edge of [...edges, ...circle]) {
    if (!play(edge)) return undefined;
    steps.push({ choice: edge.choice, happenings: here.happenings, place: here.place });
  }
  for (let round = 1; round < ROUNDS && circle.length > 0; round++) if (!circle.every(play)) return undefined;
  return { start, steps, ...(circle.length > 0 ? { circleFrom: edges.length } : {}) };
}

function breaks(monitor: Monitor, graph: Graph, { start, steps }: Way): boolean {
  let seen = monitor("", graph.beginning, start);
  for (const { happenings, place } of steps) {
    if (seen === false) return true;
    seen = monitor(seen, happenings, place);
  }
  return seen === false;
}
