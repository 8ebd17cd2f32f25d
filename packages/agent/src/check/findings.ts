/**
 * What is wrong with a chart, whatever it is meant to do. In: a subject and its graph. Out: findings. Law: an `error` is a fault of the chart
 * in every world that was explored; what may be meant so, or was only not seen yet, is a `note`.
 */
import type { AnyStateNode } from "xstate";
import { nameOfCall, type CallEvent, type MoveMeta } from "../moves.ts";
import type { World } from "./choices.ts";
import type { Game } from "./game.ts";
import type { Graph, GraphNode } from "./explore.ts";
import { isEnding, isPhasePart, pathOf } from "./structure.ts";
import { statesOf, type Subject } from "./subject.ts";
import { replay, wayTo, type Way } from "./verify.ts";

export type FindingKind =
  "not-made" | "wrong-target" | "unknown-name" | "unreachable" | "never-legal" | "no-exit" | "no-moves" | "throws" | "not-in-mask";

export interface Finding {
  readonly kind: FindingKind;
  readonly severity: "error" | "note";
  readonly message: string;
  /** How the chart gets there. */
  readonly way?: Way;
}

interface Looking {
  readonly subject: Subject;
  readonly world: World;
  readonly graph: Graph;
  readonly game: Game;
}

export function findingsIn(looking: Looking): Finding[] {
  return [
    ...throwing(looking),
    ...withoutExit(looking),
    ...withoutMoves(looking),
    ...unreachable(looking),
    ...neverLegal(looking),
    ...besideMask(looking),
  ];
}

/** One finding for each message, with the first way. */
function once(looking: Looking, found: readonly (Omit<Finding, "way"> & { readonly node: GraphNode })[]): Finding[] {
  const first = new Map<string, (typeof found)[number]>();
  for (const one of found) if (!first.has(one.message)) first.set(one.message, one);
  return [...first.values()].map(({ node, ...finding }) => {
    const way = replay(looking.game, looking.graph, { edges: wayTo(looking.graph, node) });
    return way ? { ...finding, way } : finding;
  });
}

function throwing(looking: Looking): Finding[] {
  const { breaks, nodes } = looking.graph;
  const finding = (node: GraphNode, message: string) => ({ kind: "throws" as const, severity: "error" as const, message, node });
  return once(looking, [
    ...breaks.map(({ node, error }) => finding(nodes[node]!, `the chart breaks in ${leafOf(nodes[node]!)}: ${error.message}`)),
    ...nodes.flatMap((node) => {
      const { problem } = node.place;
      return problem && problem.code !== "agent/no-legal-move" ? [finding(node, `${leafOf(node)}: ${problem.message}`)] : [];
    }),
  ]);
}

/** Nothing runs, no timer is set, and no word of a person leads on. */
function withoutExit(looking: Looking): Finding[] {
  const stuck = looking.graph.nodes.filter(({ id, place, expanded, edges }) => {
    if (place.final || !expanded || place.running.size > 0 || place.timers.size > 0) return false;
    return !edges.some(({ choice, to }) => to !== id && !(choice.by === "person" && (choice.does === "cancel" || choice.does === "fail")));
  });
  return once(
    looking,
    stuck.map((node) => ({
      kind: "no-exit",
      severity: "error",
      message: `${leafOf(node)} has no exit: nothing runs there, and no event leads on`,
      node,
    })),
  );
}

/** The model is asked and has no move. That the budget is spent may be meant so. */
function withoutMoves(looking: Looking): Finding[] {
  const { nodes } = looking.graph;
  const empty = nodes.filter(({ place, expanded, edges }) => {
    if (!expanded || place.problem?.code !== "agent/no-legal-move") return false;
    return edges.every(({ choice, to }) => choice.by !== "model" || nodes[to]!.place.paths.includes("failed"));
  });
  return once(
    looking,
    empty.map((node) => {
      const spent = isSpent(looking.subject, node);
      const message = spent
        ? `in ${leafOf(node)} no move is left once the budget is spent, and the run fails: let the phase answer, or give it \`otherwise\``
        : `in ${leafOf(node)} no move is legal, and the run fails`;
      return { kind: "no-moves", severity: spent ? "note" : "error", message, node };
    }),
  );
}

function isSpent({ limits: { steps = 8, tokens = Infinity, timeMs = Infinity }, phaseSteps }: Subject, { place }: GraphNode): boolean {
  const { decisions, spent, phaseDecisions } = place.snapshot.context as Partial<{
    decisions: number;
    phaseDecisions: number;
    spent: { tokens: number; ms: number };
  }>;
  if (decisions === undefined || spent === undefined) return false;
  return decisions >= steps || spent.tokens >= tokens || spent.ms >= timeMs || (phaseSteps > 0 && Number(phaseDecisions) >= phaseSteps);
}

/** What was not seen is a fault only where all was looked at, in a world where all can happen. */
function whereAllWasSeen({ graph, world }: Looking): { readonly severity: Finding["severity"]; readonly but: string } {
  if (graph.limits.length > 0) return { severity: "note", but: " as far as was explored" };
  if (graph.coarse.length > 0) return { severity: "note", but: " as far as the abstraction sees" };
  if (world.failures === false || world.illegal === false)
    return { severity: "note", but: " in a world without failures or illegal moves" };
  return { severity: "error", but: "" };
}

/** The topmost states that are never entered, nor passed through. */
function unreachable(looking: Looking): Finding[] {
  const { graph, subject } = looking;
  const { severity, but } = whereAllWasSeen(looking);
  const seen = new Set(
    [graph.beginning, ...graph.nodes.flatMap(({ edges }) => edges.map(({ happenings }) => happenings))].flatMap(entered),
  );
  return statesOf(subject.machine).flatMap((state): Finding[] => {
    const { parent } = state;
    if (!parent || seen.has(pathOf(state)) || (parent.parent && !seen.has(pathOf(parent)))) return [];
    if (state.type === "history" || isPhasePart(state) || isEnding(state)) return [];
    return [{ kind: "unreachable", severity, message: `the state ${pathOf(state)} is never entered${but}` }];
  });
}

function entered(happenings: Graph["beginning"]): string[] {
  return happenings.flatMap(({ kind, name }) => (kind === "entered" ? [name] : []));
}

interface Move {
  readonly state: AnyStateNode;
  readonly name: string;
  readonly meta: NonNullable<MoveMeta["move"]>;
}

/** The moves that a chart declares, guards aside. */
function movesOf(subject: Subject): Move[] {
  return statesOf(subject.machine).flatMap((state) =>
    [...state.transitions].flatMap(([type, transitions]) =>
      transitions.flatMap(({ meta }): Move[] => {
        const move = (meta as MoveMeta | undefined)?.move;
        return move ? [{ state, name: type === "answer" ? type : nameOfCall({ type: type as CallEvent["type"] }), meta: move }] : [];
      }),
    ),
  );
}

/** Moves that no place allows, and tools that nobody can call. */
function neverLegal(looking: Looking): Finding[] {
  const { graph, subject } = looking;
  const { severity, but } = whereAllWasSeen(looking);
  const legal = new Set<string>();
  const started = new Set<string>();
  const reached = new Set<string>();
  for (const { place, edges } of graph.nodes) {
    const names = place.legal ? [...place.legal.calls.map(({ name }) => name), ...(place.legal.answer === false ? [] : ["answer"])] : [];
    for (const path of ["", ...place.paths]) {
      if (place.legal || place.problem) reached.add(path);
      for (const name of names) legal.add(`${path} ${name}`).add(name);
    }
    for (const { happenings } of edges) for (const { kind, name } of happenings) if (kind === "started") started.add(name);
  }
  for (const { kind, name } of graph.beginning) if (kind === "started") started.add(name);
  const tools = [...subject.tools.keys()].filter((name) => !legal.has(name) && !started.has(name));
  const moves = movesOf(subject).filter(
    ({ state, name }) => reached.has(pathOf(state)) && !legal.has(`${pathOf(state)} ${name}`) && !tools.includes(name),
  );
  return [
    ...tools.map((name): Finding => ({ kind: "never-legal", severity, message: `the tool ${name} is never legal${but}` })),
    ...moves.map(({ state, name }): Finding => ({
      kind: "never-legal",
      severity,
      message: `the move ${name} of ${pathOf(state) || "the chart"} is never legal${but}`,
    })),
  ];
}

/** Where the mask is wider than what the chart accepts. */
function besideMask({ graph, subject }: Looking): Finding[] {
  const note = (message: string): Finding => ({ kind: "not-in-mask", severity: "note", message });
  const accepting = movesOf(subject).filter(({ meta }) => "accepts" in meta && meta.accepts !== undefined);
  const named = new Set(accepting.map(({ name }) => name));
  const refused = new Set<string>();
  for (const { place, edges } of graph.nodes)
    for (const { choice, happenings } of edges) {
      if (choice.by !== "model" || choice.does !== "calls" || happenings.some(({ kind }) => kind === "moved")) continue;
      for (const { name } of choice.calls) if (!named.has(name)) refused.add(`${name} of ${place.paths.at(-1) ?? "the chart"}`);
    }
  const asking = [...subject.tools.values()].filter(({ approval }) => typeof approval === "function");
  return [
    ...accepting.map(({ state, name }) => note(`${name} of ${pathOf(state)} has \`accepts\`: what it refuses is in the mask`)),
    ...[...refused].map((move) => note(`an input of ${move} is in the mask and was refused: a guard reads it`)),
    ...asking.map(({ name }) => note(`the approval of ${name} is a function: what it denies is in the mask`)),
  ];
}

function leafOf({ place }: GraphNode): string {
  return place.paths.at(-1) ?? "the chart";
}
