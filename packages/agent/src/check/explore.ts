/**
 * Everything a chart can do. In: a game and the world around it. Out: a graph of places, and what was left out. Law: breadth first, so that
 * the first way to a place is a shortest one; nothing is executed; whatever bounds the exploration is named in what it returns.
 */
import { errorFacts, type ErrorFacts } from "../errors.ts";
import { choicesOf, type Choice, type World } from "./choices.ts";
import type { Game, Outcome, Place } from "./game.ts";
import type { Happening } from "./happening.ts";
import { isObject, type Subject } from "./subject.ts";

export interface Edge {
  readonly choice: Choice;
  readonly happenings: readonly Happening[];
  readonly to: number;
}

export interface GraphNode {
  readonly id: number;
  readonly place: Place;
  readonly key: string;
  /** The way here: the node before, and what was chosen there. Undefined for the first. */
  readonly from: { readonly node: number; readonly edge: Edge } | undefined;
  readonly edges: readonly Edge[];
  /** False where the exploration stopped before it looked further. */
  readonly expanded: boolean;
}

/** The chart broke: a guard or an action threw. */
export interface Break {
  readonly node: number;
  readonly choice: Choice;
  readonly error: ErrorFacts;
}

/** The same place on two ways, from which the chart goes on differently: the abstraction drops something that matters. */
export interface Coarse {
  readonly node: number;
  readonly choice: Choice;
}

export interface Graph {
  readonly nodes: readonly GraphNode[];
  /** What happens before the first choice. */
  readonly beginning: readonly Happening[];
  readonly breaks: readonly Break[];
  /** What kept the exploration from being complete, in words. */
  readonly limits: readonly string[];
  /** Moves of which not every input was played. */
  readonly sampled: readonly string[];
  /** What else was taken for enough, in words. */
  readonly assumed: readonly string[];
  readonly coarse: readonly Coarse[];
  /** Places that were merged and looked at again. */
  readonly probed: number;
}

export interface Exploring {
  readonly subject: Subject;
  readonly game: Game;
  readonly world: World;
  readonly maxStates: number;
  readonly probe: boolean;
}

type Growing = { -readonly [K in keyof GraphNode]: GraphNode[K] } & { edges: Edge[] };

/** @throws what the chart throws before its first place */
export function explore({ subject, game, world, maxStates, probe }: Exploring): Graph {
  const nodes: Growing[] = [];
  const byKey = new Map<string, Growing>();
  const others = new Map<number, Place>();
  const breaks: Break[] = [];
  const limits = new Set<string>();
  const sampled = new Set<string>();
  const assumed = new Set<string>();

  const add = ({ place, key }: Outcome): Growing => {
    const node: Growing = { id: nodes.length, place, key, from: undefined, edges: [], expanded: place.final };
    nodes.push(node);
    byKey.set(key, node);
    return node;
  };
  const expand = (node: Growing): void => {
    const { all, sampled: some, unplayed, assumed: more } = choicesOf(subject, node.place, world);
    some.forEach((name) => sampled.add(name));
    unplayed.forEach((name) => limits.add(`no valid input was found for ${name}: give some in \`inputs\``));
    more.forEach((text) => assumed.add(text));
    for (const choice of all) {
      try {
        const outcome = game.play(node.place, choice);
        if (!outcome) continue;
        const known = byKey.get(outcome.key);
        const target = known ?? add(outcome);
        const edge: Edge = { choice, happenings: outcome.happenings, to: target.id };
        node.edges.push(edge);
        if (!known) target.from = { node: node.id, edge };
        else if (differs(known.place, outcome.place)) others.set(known.id, outcome.place);
      } catch (thrown) {
        breaks.push({ node: node.id, choice, error: errorFacts(thrown, "agent/chart-failed") });
      }
    }
    node.expanded = true;
  };

  const first = game.begin();
  add(first);
  for (let next = 0; next < nodes.length; next++) {
    const node = nodes[next]!;
    if (node.expanded) continue;
    if (nodes.length >= maxStates) {
      limits.add(`\`maxStates\`: ${maxStates} states`);
      break;
    }
    expand(node);
  }
  const coarse = probe ? [...others].flatMap(([id, place]) => differences(game, nodes, nodes[id]!, place)) : [];
  return {
    nodes,
    beginning: first.happenings,
    breaks,
    limits: [...limits],
    sampled: [...sampled].sort(),
    assumed: [...assumed],
    coarse,
    probed: probe ? others.size : 0,
  };
}

/** Are there more steps behind one than behind the other, or other ones? */
function differs(a: Place, b: Place): boolean {
  return historyText(a) !== historyText(b);
}

function historyText({ snapshot: { context } }: Place): string {
  if (!isObject(context) || !Array.isArray(context["steps"])) return "";
  return `${context["steps"].length} ${JSON.stringify(context["steps"].at(-1))}`;
}

/** Plays what was played at a node once more, where another way led to it. */
function differences(game: Game, nodes: readonly GraphNode[], node: GraphNode, other: Place): Coarse[] {
  for (const { choice, to } of node.edges) {
    let key: string | undefined;
    try {
      key = game.play(other, choice)?.key;
    } catch {
      key = undefined;
    }
    if (key !== nodes[to]!.key) return [{ node: node.id, choice }];
  }
  return [];
}
