/**
 * A part as one terminal that remembers what it read. In: a part. Out: a terminal whose end state knows its symbols: for items that
 * must differ. Law: it reads exactly what the part reads.
 */
import { Automaton, controlsOf, ENDED, type Node, type Top } from "../automaton.ts";
import { CONTROL, type Part, type Reader, type Symbol, type Terminal } from "../part.ts";

export interface Recorded extends Terminal {
  /** What was read on the way to a state. */
  symbols(state: number): readonly Symbol[];
}

interface State {
  readonly node: Node;
  readonly before: number;
  readonly symbol: Symbol;
  /** The first symbol that was read; −1: none yet. */
  readonly first: Symbol;
  readonly next: Map<Symbol, number>;
}

/** @param delimiter What begins and ends a string: within one, there is a terminal that reads the same and remembers nothing */
export function recorded(part: Part, delimiter: Symbol): Recorded {
  const { automaton, forgetful, stateOf } = readingOf(part);
  const states: State[] = [{ node: automaton.start, before: -1, symbol: -1, first: -1, next: new Map() }];
  const nodeOf = (id: number) => states[id]!.node;
  return {
    ...terminalOf(automaton, nodeOf),
    start: 0,
    step(id, symbol) {
      const state = states[id]!;
      let next = state.next.get(symbol);
      if (next === undefined) {
        const node = automaton.step(state.node, symbol);
        const first = state.first < 0 ? symbol : state.first;
        next = node ? states.push({ node, before: id, symbol, first, next: new Map() }) - 1 : -1;
        state.next.set(symbol, next);
      }
      return next;
    },
    canonical: (id) => id,
    readers: (id) => readersAt(automaton, nodeOf(id)),
    forgetting: (id) => (states[id]!.first === delimiter ? { part: forgetful, state: stateOf(nodeOf(id)) } : undefined),
    symbols(id) {
      const read: Symbol[] = [];
      for (let at = id; at > 0; at = states[at]!.before) read.push(states[at]!.symbol);
      return read.reverse();
    },
  };
}

/** What a terminal over nodes says of its states, whatever they remember. */
function terminalOf(automaton: Automaton, nodeOf: (state: number) => Node) {
  return {
    kind: "terminal",
    position: "string",
    accepts: (state: number) => nodeOf(state).done,
    ends: (state: number) => nodeOf(state).done && nodeOf(state).tops.length === 0,
    only: (state: number) => (nodeOf(state).done ? -1 : nodeOf(state).only),
    controls: (state: number) => [...controlsOf(nodeOf(state))].map((control) => CONTROL + control),
    free: () => undefined,
  } as const;
}

function readersAt(automaton: Automaton, node: Node): readonly Reader[] {
  return node.tops.flatMap((top) => [
    ...readersOf(automaton, top),
    ...(top.ending.length > 0 ? readersAt(automaton, automaton.after(top)) : []),
  ]);
}

function readersOf(automaton: Automaton, top: Top): readonly Reader[] {
  const { part, state, below } = top;
  const { has } = automaton.follow(top);
  const follow = [...has.keys()].filter((byte) => has[byte] === 1);
  const last = !below?.telling && automaton.moved(top, ENDED).done;
  const inner = part.readers?.(state);
  if (!inner) return [{ ...(part.forgetting?.(state) ?? { part, state }), follow, last }];
  return inner.map((reader) => (reader.last ? { ...reader, follow: [...new Set([...reader.follow, ...follow])], last } : reader));
}

/** A part's automaton, and a terminal whose states are its nodes. */
interface PartReading {
  readonly automaton: Automaton;
  readonly forgetful: Terminal;
  stateOf(node: Node): number;
}

const readings = new WeakMap<Part, PartReading>();

function readingOf(part: Part): PartReading {
  let reading = readings.get(part);
  if (!reading) {
    reading = makeReading(part);
    readings.set(part, reading);
  }
  return reading;
}

function makeReading(part: Part): PartReading {
  const automaton = new Automaton(part);
  const nodes: Node[] = [];
  const states = new Map<Node, number>();
  const nodeOf = (state: number) => nodes[state]!;
  function stateOf(node: Node): number {
    let state = states.get(node);
    if (state === undefined) {
      state = nodes.push(node) - 1;
      states.set(node, state);
    }
    return state;
  }
  const forgetful: Terminal = {
    ...terminalOf(automaton, nodeOf),
    start: stateOf(automaton.start),
    step(state, symbol) {
      const next = automaton.step(nodeOf(state), symbol);
      return next ? stateOf(next) : -1;
    },
    canonical: (state, longest) => stateOf(automaton.canonical(nodeOf(state), longest)),
    // Within a string nothing has to be told, so that a reader's end leads to one node.
    readers: (state) =>
      nodeOf(state).tops.flatMap((top) =>
        readersOf(automaton, top).map((reader) => ({ ...reader, after: stateOf(automaton.moved(top, ENDED)) })),
      ),
  };
  return { automaton, forgetful, stateOf };
}
