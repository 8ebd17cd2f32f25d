/**
 * The automaton of a grammar: sets of stacks of parts, made and joined as they are met. In: the grammar's root part. Out: nodes.
 * Law: nodes and frames are immutable values; equal ones are the same object, so what is computed for one is computed once.
 */
import { CONTROL, type Part, type Reading, type Structure, type Symbol, type TellingOption, type Terminal, type UsualEnd } from "./part.ts";
import { followOf, followOfBytes, NOTHING_FOLLOWS, type Follow } from "./follow.ts";
import type { TokenMask } from "./token-mask.ts";

/** A structure waiting in `state` for the part above it to end; null is the bottom: the whole grammar is complete. */
interface Frame {
  readonly part: Structure;
  readonly state: number;
  /** Where the state depends on how the terminal above ends. */
  readonly telling: TellingOption | undefined;
  readonly below: Frame | null;
  readonly tops: Interned<Terminal, Top>;
  readonly frames: Interned<Structure, Frame>;
  follow: Follow | undefined;
}

/** A terminal that is being read, upon the frames that wait for it. */
export interface Top {
  readonly part: Terminal;
  readonly state: number;
  readonly below: Frame | null;
  readonly serial: number;
  /** It may end here, and tell how: the bytes that may follow then. */
  readonly ending: readonly number[];
}

/** In place of a terminal's state: it is over. */
export const ENDED = -1;

const NO_BYTES: readonly number[] = [];

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
  readonly #options = new Map<TellingOption, number>();
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
    const reached = new Reached();
    for (const top of node.tops) {
      this.#consume(top, symbol, reached);
      if (top.ending.includes(symbol)) for (const after of this.#after(top).tops) this.#consume(after, symbol, reached);
    }
    const next = reached.tops.size > 0 || reached.done ? this.#node(reached) : null;
    node.next.set(symbol, next);
    return next;
  }

  #consume({ part, state, below }: Top, symbol: Symbol, reached: Reached): void {
    const next = part.step(state, symbol);
    if (next >= 0) this.#read(part, next, below, reached);
  }

  /** What comes after a top that may end, which was left open because it may go on as well. */
  #after({ state, below }: Top): Reached {
    const reached = new Reached();
    this.#leave(this.#told(below!, state), reached);
    return reached;
  }

  /** The same as a node. */
  after(top: Top): Node {
    return this.#node(this.#after(top));
  }

  /** The frame that waited for a terminal which ended so. */
  #told({ part, telling, below }: Frame, end: number): Frame {
    return this.#frame(part, telling!.next(end), below);
  }

  /** For a top that will tell how it ended: a node that does not know what was read, so that it is met again and again. */
  usual({ part, state, below }: Top): { readonly node: Node; readonly usual: UsualEnd } | undefined {
    const usual = below?.telling?.usual;
    const reading = usual && part.forgetting?.(state);
    if (!reading) return undefined;
    const reached = new Reached();
    this.#read(reading.part, reading.state, this.#frame(below!.part, usual.next, below!.below), reached);
    return { node: this.#node(reached), usual };
  }

  /** The node where another terminal is read in place of a top's. */
  instead({ below }: Top, { part, state }: Reading): Node {
    return this.of([this.#top(part, state, below)]);
  }

  /** The node where a top's terminal has come to another state, or has {@link ENDED}. */
  moved({ part, below }: Top, state: number): Node {
    const reached = new Reached();
    if (state === ENDED) this.#leave(below, reached);
    else this.#read(part, state, below, reached);
    return this.#node(reached);
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

  /** The bytes that may come when the terminal of a top ends. */
  follow({ below }: Top): Follow {
    if (!below) return NOTHING_FOLLOWS;
    if (below.telling) return followOfBytes(below.telling.follow);
    if (!below.follow) {
      const reached = new Reached();
      this.#leave(below, reached);
      below.follow = followOf(reached.tops);
    }
    return below.follow;
  }

  /** Begins a part upon the frames below. */
  #enter(part: Part, below: Frame | null, reached: Reached): void {
    if (part.kind === "terminal") this.#read(part, part.start, below, reached);
    else this.#arrange(part, part.start, below, reached);
  }

  #read(part: Terminal, state: number, below: Frame | null, reached: Reached): void {
    const goesOn = !part.ends(state);
    if (goesOn) reached.tops.add(this.#top(part, state, below));
    if (!part.accepts(state)) return;
    // What follows depends on what was read: while that may go on, it waits until something does follow.
    if (!below?.telling) this.#leave(below, reached);
    else if (!goesOn) this.#leave(this.#told(below, state), reached);
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
      const { next } = option;
      if (typeof next === "function") this.#enter(option.part, this.#telling(part, option as TellingOption, below), reached);
      else {
        // A structure that can only end after this part need not wait: the stack stays short, and equal stacks stay equal.
        const last = part.over?.(next) ?? (part.complete(next) && part.options(next).length === 0);
        this.#enter(option.part, last ? below : this.#frame(part, next, below), reached);
      }
    }
    if (part.complete(state)) this.#leave(below, reached);
  }

  #top(part: Terminal, state: number, below: Frame | null): Top {
    return intern(below?.tops ?? this.#tops, part, state, () => {
      const ending = below?.telling && part.accepts(state) && !part.ends(state) ? below.telling.follow : NO_BYTES;
      return { part, state, below, serial: this.#serial++, ending };
    });
  }

  #frame(part: Structure, state: number, below: Frame | null, telling?: TellingOption): Frame {
    const make = () => ({ part, state, telling, below, tops: new Map(), frames: new Map(), follow: undefined });
    return intern(below?.frames ?? this.#frames, part, state, make);
  }

  /** States are not negative, so a negative number stands for the option. */
  #telling(part: Structure, option: TellingOption, below: Frame | null): Frame {
    let id = this.#options.get(option);
    if (id === undefined) {
      id = -1 - this.#options.size;
      this.#options.set(option, id);
    }
    return this.#frame(part, id, below, option);
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
  for (const { part, state, ending } of tops) {
    const symbol = ending.length > 0 ? -1 : part.only(state);
    if (symbol < 0 || (only >= 0 && symbol !== only)) return -1;
    only = symbol;
  }
  return only;
}

/** The ids of the control tokens that may follow. */
export function controlsOf(node: Node): Set<number> {
  return new Set(node.tops.flatMap(({ part, state }) => part.controls(state).map((symbol) => symbol - CONTROL)));
}
