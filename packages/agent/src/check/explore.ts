/**
 * Everything a chart can do. In: a game and the world around it. Out: a graph of places, and what was left out. Law: breadth first, so that
 * the first way to a place is a shortest one; nothing is executed; whatever bounds the exploration is named in what it returns.
 */
import { errorFacts, type ErrorFacts } from "../errors.ts";
import { pick, randomFrom } from "../random-instance.ts";
import { choicesOf, type Choice, type World } from "./choices.ts";
import type { Game, Outcome, Place } from "./game.ts";
import type { Happening } from "./happening.ts";
import type { Subject } from "./subject.ts";

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

/** A place from which a run went on differently than the graph has it: the abstraction drops something that matters. */
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
  /** Transitions that were played again in random runs. */
  readonly probed: number;
}

export interface Exploring {
  readonly subject: Subject;
  readonly game: Game;
  readonly world: World;
  readonly maxStates: number;
  /** Transitions that are played again in random runs. */
  readonly probes: number;
}

type Growing = { -readonly [K in keyof GraphNode]: GraphNode[K] } & { edges: Edge[] };

/** @throws what the chart throws before its first place */
export function explore(exploring: Exploring): Graph {
  for (;;) {
    const graph = attempt(exploring);
    if (graph) return graph;
  }
}

/** Undefined where something was read that was not compared until then: all over again, with it. */
function attempt({ subject, game, world, maxStates, probes }: Exploring): Graph | undefined {
  const { reads } = game;
  const before = reads.size;
  const nodes: Growing[] = [];
  const byKey = new Map<string, Growing>();
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
    if (reads.size > before) return undefined;
  }
  const walked = walk(game, nodes, Math.min(probes, 2 * nodes.reduce((sum, { edges }) => sum + edges.length, 0)));
  if (reads.size > before) return undefined;
  return {
    nodes,
    beginning: first.happenings,
    breaks,
    limits: [...limits],
    sampled: [...sampled].sort(),
    assumed: [...assumed],
    ...walked,
  };
}

/** Longer runs are not played again. */
const MAX_RUN = 100;

/**
 * Plays random runs on the chart itself, along the graph: where a choice leads elsewhere than the graph has it, places were merged that go
 * on differently.
 */
function walk(game: Game, nodes: readonly GraphNode[], probes: number): { readonly coarse: Coarse[]; readonly probed: number } {
  const random = randomFrom(1);
  const coarse = new Map<number, Coarse>();
  let probed = 0;
  while (probed < probes && nodes[0]!.edges.length > 0) {
    let node = nodes[0]!;
    let { place } = game.begin();
    for (let length = 0; length < MAX_RUN && node.edges.length > 0 && probed < probes; length++, probed++) {
      const going = node.edges.filter(({ to }) => !nodes[to]!.place.final);
      const { choice, to } = pick(random, going.length > 0 && random() < 0.9 ? going : node.edges);
      const outcome = played(game, place, choice);
      if (outcome?.key !== nodes[to]!.key) {
        coarse.set(node.id, { node: node.id, choice });
        break;
      }
      node = nodes[to]!;
      place = outcome.place;
    }
  }
  return { coarse: [...coarse.values()], probed };
}

function played(game: Game, place: Place, choice: Choice): Outcome | undefined {
  try {
    return game.play(place, choice);
  } catch {
    return undefined;
  }
}
