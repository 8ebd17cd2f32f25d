/**
 * A part as one terminal that remembers what it read. In: a part. Out: a terminal whose end state knows its symbols: for items that
 * must differ. Law: it reads exactly what the part reads.
 */
import { Automaton, controlsOf, type Node, type Top } from "../automaton.ts";
import { CONTROL, type Part, type Reader, type Symbol, type Terminal } from "../part.ts";

export interface Recorded extends Terminal {
  /** What was read on the way to a state. */
  symbols(state: number): readonly Symbol[];
}

interface State {
  readonly node: Node;
  readonly before: number;
  readonly symbol: Symbol;
  readonly next: Map<Symbol, number>;
}

export function recorded(part: Part): Recorded {
  const automaton = automatonOf(part);
  const states: State[] = [{ node: automaton.start, before: -1, symbol: -1, next: new Map() }];
  const nodeOf = (id: number) => states[id]!.node;
  return {
    kind: "terminal",
    position: "string",
    start: 0,
    step(id, symbol) {
      const state = states[id]!;
      let next = state.next.get(symbol);
      if (next === undefined) {
        const node = automaton.step(state.node, symbol);
        next = node ? states.push({ node, before: id, symbol, next: new Map() }) - 1 : -1;
        state.next.set(symbol, next);
      }
      return next;
    },
    accepts: (id) => nodeOf(id).done,
    ends: (id) => nodeOf(id).done && nodeOf(id).tops.length === 0,
    only: (id) => (nodeOf(id).done ? -1 : nodeOf(id).only),
    controls: (id) => [...controlsOf(nodeOf(id))].map((control) => CONTROL + control),
    canonical: (id) => id,
    readers: (id) => readersAt(automaton, nodeOf(id)),
    free: () => undefined,
    symbols(id) {
      const read: Symbol[] = [];
      for (let at = id; at > 0; at = states[at]!.before) read.push(states[at]!.symbol);
      return read.reverse();
    },
  };
}

function readersAt(automaton: Automaton, node: Node): readonly Reader[] {
  return node.tops.flatMap((top) => [
    ...readersOf(automaton, top),
    ...(top.ending.length > 0 ? readersAt(automaton, automaton.after(top)) : []),
  ]);
}

function readersOf(automaton: Automaton, top: Top): readonly Reader[] {
  const { part, state } = top;
  const { has } = automaton.follow(top);
  const follow = [...has.keys()].filter((byte) => has[byte] === 1);
  const readers = part.readers?.(state) ?? [{ ...(part.forgetting?.(state) ?? { part, state }), follow: [] }];
  return readers.map((reader) => ({ ...reader, follow: [...new Set([...reader.follow, ...follow])] }));
}

const automata = new WeakMap<Part, Automaton>();

function automatonOf(part: Part): Automaton {
  let automaton = automata.get(part);
  if (!automaton) {
    automaton = new Automaton(part);
    automata.set(part, automaton);
  }
  return automaton;
}
