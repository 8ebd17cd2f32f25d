/**
 * A chart as boxes and arrows. In: a machine. Out: boxes within boxes, what stands in each, and the arrows among the boxes of each level.
 * Law: everything is read from the machine. What leads from a state to itself stands in its box; what leads from a state into its own
 * inside begins at a box "any state"; transitions between the same two boxes share an arrow.
 */
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from "xstate";
import { eventText, guardText, isMove, keyOf, leadsSomewhere, pathOf, transitionsOf } from "./transitions.ts";

/** A line of text that stands for transitions. */
export interface Line {
  readonly text: string;
  /** Is it a move of the model? */
  readonly move: boolean;
  /** {@link keyOf} the transitions; of a move that stays in its state, the state's path and the move's event. */
  readonly keys: readonly string[];
}

export interface Box {
  /** The state's path, dotted; of a pseudo-state its parent's path and a name that no state has. */
  readonly id: string;
  readonly name: string;
  readonly kind: "state" | "deciding" | "final" | "start" | "anywhere";
  readonly lines: readonly Line[];
  readonly boxes: readonly Box[];
  /** Among `boxes`. */
  readonly arrows: readonly Arrow[];
}

export interface Arrow {
  readonly from: string;
  readonly to: string;
  readonly lines: readonly Line[];
}

export interface GraphOptions {
  /** Levels of states that are drawn; what lies deeper is folded into its parent. Default: all. */
  readonly depth?: number;
}

/** A box under construction. */
interface Draft {
  readonly state: AnyStateNode;
  readonly boxes: Draft[];
  readonly lines: Line[];
  readonly arrows: { from: string; to: string; lines: Line[] }[];
}

export function chartGraph(machine: AnyStateMachine, { depth = Infinity }: GraphOptions = {}): Box {
  const drawn = new Map<AnyStateNode, Draft>();
  const draft = (state: AnyStateNode, level: number): Draft => {
    const inside = level < depth && !isTrivial(state) ? childrenOf(state) : [];
    const made: Draft = { state, boxes: inside.map((child) => draft(child, level + 1)), lines: [], arrows: [] };
    drawn.set(state, made);
    return made;
  };
  const root = draft(machine.root, 0);
  const boxOf = (state: AnyStateNode): Draft => {
    for (let at: AnyStateNode | undefined = state; at; at = at.parent) {
      const found = drawn.get(at);
      if (found) return found;
    }
    return root;
  };
  const visit = (state: AnyStateNode): void => {
    for (const tool of ownCalls(state)) boxOf(state).lines.push({ text: `calls ${tool}`, move: false, keys: [] });
    for (const transition of transitionsOf(state).filter(leadsSomewhere)) add(transition, boxOf(state), boxOf);
    for (const child of childrenOf(state)) visit(child);
  };
  visit(machine.root);
  return finished(root);
}

/** A state whose inside says no more than it does itself: one state and its end. */
function isTrivial(state: AnyStateNode): boolean {
  return state.parent !== undefined && childrenOf(state).filter(({ type }) => type !== "final").length === 1;
}

function add(transition: AnyTransitionDefinition, from: Draft, boxOf: (state: AnyStateNode) => Draft): void {
  const { source, target, eventType } = transition;
  const goal = target?.[0];
  const move = isMove(transition);
  if (!goal) {
    if (source.parent && (from.state === source || move)) put(from.lines, textOf(transition), move, keyOf(pathOf(source), eventType, ""));
    return;
  }
  const to = boxOf(goal);
  const key = keyOf(pathOf(source), eventType, pathOf(goal));
  if (from === to) {
    if (from.state === source) put(from.lines, `↻ ${textOf(transition)}`, move, key);
    return;
  }
  const level = commonParent(from.state, to.state);
  const [start, end] = [within(level, from.state), within(level, to.state)];
  if (!end) return put(from.lines, `${textOf(transition)} → ${to.state.key}`, move, key); // back to a state around it
  const ends = { from: start ? pathOf(start) : anywhere(level), to: pathOf(end) };
  const inner = [start === from.state || !start ? "" : `${from.state.key}: `, end === to.state ? "" : ` → ${to.state.key}`];
  const { arrows } = boxOf(level);
  let arrow = arrows.find((one) => one.from === ends.from && one.to === ends.to);
  if (!arrow) arrows.push((arrow = { ...ends, lines: [] }));
  put(arrow.lines, inner.join(textOf(transition)), move, key);
}

/** Lines of one text are one line. */
function put(lines: Line[], text: string, move: boolean, key: string): void {
  const at = lines.findIndex((line) => line.text === text && line.move === move);
  if (at < 0) lines.push({ text, move, keys: [key] });
  else lines[at] = { text, move, keys: [...lines[at]!.keys, key] };
}

/** Of a move its name: that its guard must hold is what makes it one. */
function textOf(transition: AnyTransitionDefinition): string {
  if (isMove(transition)) return transition.eventType.replace(/^call\./, "");
  const guard = guardText(transition);
  return [eventText(transition.eventType), guard && `[${guard}]`].filter(Boolean).join(" ");
}

/** Tools that the chart calls itself on entering a state (`act`). */
function ownCalls({ entry }: AnyStateNode): string[] {
  return (entry as readonly { readonly type?: string; readonly params?: { readonly tool?: string } }[]).flatMap(({ type, params }) =>
    type === "openOwn" && params?.tool !== undefined ? [params.tool] : [],
  );
}

function commonParent(a: AnyStateNode, b: AnyStateNode): AnyStateNode {
  const around = new Set<AnyStateNode>();
  for (let at: AnyStateNode | undefined = a; at; at = at.parent) around.add(at);
  let at = b;
  while (!around.has(at) && at.parent) at = at.parent;
  return at;
}

/** The child of `level` that is or holds `state`. */
function within(level: AnyStateNode, state: AnyStateNode): AnyStateNode | undefined {
  let at: AnyStateNode | undefined = state;
  while (at && at.parent !== level) at = at.parent;
  return at;
}

function finished({ state, boxes, lines, arrows }: Draft): Box {
  const inside = boxes.map(finished);
  const initial = state.initial?.target?.[0];
  const first = initial && within(state, initial);
  const starts = inside.length > 0 && first !== undefined;
  const anyone = arrows.some(({ from }) => from === anywhere(state));
  const pseudo = (id: string, kind: Box["kind"], name: string): Box => ({ id, name, kind, lines: [], boxes: [], arrows: [] });
  return {
    id: pathOf(state),
    name: state.key,
    kind: state.type === "final" ? "final" : inside.length === 0 && decides(state) ? "deciding" : "state",
    lines,
    boxes: [
      ...(starts ? [pseudo(startOf(state), "start", "")] : []),
      ...inside,
      ...(anyone ? [pseudo(anywhere(state), "anywhere", "any state")] : []),
    ],
    arrows: [...(starts ? [{ from: startOf(state), to: pathOf(first), lines: [] }] : []), ...arrows],
  };
}

/** Whether a model is asked there, or in a state that is folded into it. */
function decides(state: AnyStateNode): boolean {
  return state.invoke.some(({ src }) => src === "decide") || childrenOf(state).some(decides);
}

function childrenOf(state: AnyStateNode): AnyStateNode[] {
  return Object.values(state.states);
}

/** The arrow from it to the initial state; a state's key has no line feed. */
function startOf(state: AnyStateNode): string {
  return `${pathOf(state)}\nstart`;
}

function anywhere(state: AnyStateNode): string {
  return `${pathOf(state)}\nanywhere`;
}
