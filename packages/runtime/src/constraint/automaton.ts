/**
 * The automaton of a grammar: sets of stacks of parts, made and joined as they are met. In: the grammar's root part. Out: nodes.
 * Law: nodes and frames are immutable values; equal ones are the same object, so what is computed for one is computed once.
 */
import { CONTROL, type Part, type Structure, type Symbol, type Terminal } from "./part.ts";
import type { TokenMask } from "./token-mask.ts";

/** A structure waiting in `state` for the part above it to end; null is the bottom: the whole grammar is complete. */
interface Frame {
  readonly part: Structure;
  readonly state: number;
  readonly below: Frame | null;
  readonly tops: Interned<Terminal, Top>;
  readonly frames: Interned<Structure, Frame>;
}

/** A terminal that is being read, upon the frames that wait for it. */
export interface Top {
  readonly part: Terminal;
  readonly state: number;
  readonly below: Frame | null;
  readonly serial: number;
}

type Interned<Key, Value> = Map<Key, Map<number, Value>>;

/** Where a reply may be: one or more tops. */
export interface Node {
  readonly tops: readonly Top[];
  /** The grammar is complete. */
  readonly done: boolean;
  readonly next: Map<Symbol, Node | null>;
  /** The one symbol that may follow, or −1. */
  readonly only: Symbol;
  mask: TokenMask | undefined;
}

export class Automaton {
  readonly start: Node;
  readonly #nodes = new Map<string, Node>();
  readonly #tops: Interned<Terminal, Top> = new Map();
  readonly #frames: Interned<Structure, Frame> = new Map();
  #serial = 0;

  constructor(root: Part) {
    const reached = new Reached();
    this.#enter(root, null, reached);
    this.start = this.#node(reached);
  }

  /** Nodes made so far. */
  get size(): number {
    return this.#nodes.size;
  }

  /** The node after `symbol`, or null when it may not come. */
  step(node: Node, symbol: Symbol): Node | null {
    if (node.only >= 0 && node.only !== symbol) return null;
    const known = node.next.get(symbol);
    if (known !== undefined) return known;
    let reached: Reached | undefined;
    for (const { part, state, below } of node.tops) {
      const next = part.step(state, symbol);
      if (next < 0) continue;
      reached ??= new Reached();
      this.#read(part, next, below, reached);
    }
    const next = reached ? this.#node(reached) : null;
    node.next.set(symbol, next);
    return next;
  }

  /** The node after a run of bytes, or null. */
  run(node: Node, bytes: Uint8Array): Node | null {
    let at: Node | null = node;
    for (let i = 0; at && i < bytes.length; i++) at = this.step(at, bytes[i]!);
    return at;
  }

  /** The node of these tops alone. */
  of(tops: readonly Top[]): Node {
    const reached = new Reached();
    for (const top of tops) reached.tops.add(top);
    return this.#node(reached);
  }

  /** A node that allows the same tokens when none is longer than `longest` bytes. */
  canonical(node: Node, longest: number): Node {
    const reached = new Reached();
    for (const { part, state, below } of node.tops) reached.tops.add(this.#top(part, part.canonical(state, longest), below));
    reached.done = node.done;
    return this.#node(reached);
  }

  /** Begins a part upon the frames below. */
  #enter(part: Part, below: Frame | null, reached: Reached): void {
    if (part.kind === "terminal") this.#read(part, part.start, below, reached);
    else this.#arrange(part, part.start, below, reached);
  }

  #read(part: Terminal, state: number, below: Frame | null, reached: Reached): void {
    if (!part.ends(state)) reached.tops.add(this.#top(part, state, below));
    if (part.accepts(state)) this.#leave(below, reached);
  }

  #leave(below: Frame | null, reached: Reached): void {
    if (!below) reached.done = true;
    else if (!reached.left.has(below)) {
      reached.left.add(below);
      this.#arrange(below.part, below.state, below.below, reached);
    }
  }

  #arrange(part: Structure, state: number, below: Frame | null, reached: Reached): void {
    for (const option of part.options(state)) {
      // A structure that can only end after this part need not wait: the stack stays short, and equal stacks stay equal.
      const last = part.complete(option.next) && part.options(option.next).length === 0;
      this.#enter(option.part, last ? below : this.#frame(part, option.next, below), reached);
    }
    if (part.complete(state)) this.#leave(below, reached);
  }

  #top(part: Terminal, state: number, below: Frame | null): Top {
    return intern(below?.tops ?? this.#tops, part, state, () => ({ part, state, below, serial: this.#serial++ }));
  }

  #frame(part: Structure, state: number, below: Frame | null): Frame {
    return intern(below?.frames ?? this.#frames, part, state, () => ({ part, state, below, tops: new Map(), frames: new Map() }));
  }

  #node({ tops, done }: Reached): Node {
    const sorted = [...tops].sort((a, b) => a.serial - b.serial);
    const key = `${done ? "!" : ""}${sorted.map((top) => top.serial).join()}`;
    let node = this.#nodes.get(key);
    if (!node) {
      node = { tops: sorted, done, next: new Map(), only: onlySymbol(sorted), mask: undefined };
      this.#nodes.set(key, node);
    }
    return node;
  }
}

/** What one step leads to. */
class Reached {
  readonly tops = new Set<Top>();
  readonly left = new Set<Frame>();
  done = false;
}

function intern<Key, Value>(table: Interned<Key, Value>, key: Key, state: number, make: () => Value): Value {
  let states = table.get(key);
  if (!states) {
    states = new Map();
    table.set(key, states);
  }
  let value = states.get(state);
  if (value === undefined) {
    value = make();
    states.set(state, value);
  }
  return value;
}

function onlySymbol(tops: readonly Top[]): Symbol {
  let only = -1;
  for (const { part, state } of tops) {
    const symbol = part.only(state);
    if (symbol < 0 || (only >= 0 && symbol !== only)) return -1;
    only = symbol;
  }
  return only;
}

/** The ids of the control tokens that may follow. */
export function controlsOf(node: Node): Set<number> {
  return new Set(node.tops.flatMap(({ part, state }) => part.controls(state).map((symbol) => symbol - CONTROL)));
}
