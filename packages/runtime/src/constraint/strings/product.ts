/**
 * Strings of both languages. In: two languages. Out: pairs of their states. Law: a pair is handed out only if some string completes both;
 * how much is looked at to know that has a limit.
 */
import { ConstraintError } from "../../errors.ts";
import type { Where } from "../where.ts";
import { keyOf } from "./key.ts";
import type { Edge, Language, Run } from "./language.ts";
import { overlay } from "./overlay.ts";
import { Pairs } from "./pairs.ts";

/** Pairs that a first look at a state may meet: most states are close to one that accepts. */
const GLANCE = 200;
/**
 * Edges that are looked at in all, each once for every language that is joined. What is found is kept, so that this bounds the time and the
 * memory that a language may come to take: two seconds, in which two simple languages are decided for 300,000 pairs.
 */
const MAX_WORK = 2_000_000;

const UNKNOWN = 0;
const ALIVE = 1;
const LOST = 2;

export class ProductLanguage implements Language {
  readonly key: string;
  readonly start: number;
  readonly a: Language;
  readonly b: Language;
  readonly open: boolean;
  readonly lasting: boolean;
  readonly #where: Where;
  readonly #pairs = new Pairs();
  /** By pair: is there a string that completes it? */
  readonly #fates: number[] = [];
  readonly #edges = new Map<number, readonly Edge[]>();
  /** The same with those to pairs that nothing completes. */
  readonly #raw = new Map<number, readonly Edge[]>();
  /** How many languages are joined. */
  readonly width: number;
  #work = 0;

  /**
   * @param a not empty, as `b`
   * @throws ConstraintError constraint/too-large, as does every method that steps
   */
  constructor(a: Language, b: Language, where: Where) {
    this.a = a;
    this.b = b;
    this.open = a.open && b.open && (a.lasting || b.lasting);
    this.lasting = a.lasting && b.lasting;
    this.width = widthOf(a) + widthOf(b);
    this.#where = where;
    this.key = keyOf("and", [a.key, b.key]);
    this.start = this.#alive(this.#pairs.intern(a.start, b.start));
  }

  step(state: number, codePoint: number): number {
    const next = this.#stepped(state, codePoint);
    return next < 0 ? -1 : this.#alive(next);
  }

  /** A step to a pair of which nothing is known. A product within this one need not say whether its own pairs live. */
  #stepped(state: number, codePoint: number): number {
    const go = (language: Language, one: number) =>
      language instanceof ProductLanguage ? language.#stepped(one, codePoint) : language.step(one, codePoint);
    const a = go(this.a, this.#pairs.first(state));
    const b = a < 0 ? -1 : go(this.b, this.#pairs.second(state));
    return b < 0 ? -1 : this.#pairs.intern(a, b);
  }

  accepts(state: number): boolean {
    return this.a.accepts(this.#pairs.first(state)) && this.b.accepts(this.#pairs.second(state));
  }

  ends(state: number): boolean {
    return this.accepts(state) && this.edges(state).length === 0;
  }

  edges(state: number): readonly Edge[] {
    let edges = this.#edges.get(state);
    if (!edges) {
      edges = this.#all(state).filter(({ next }) => this.#alive(next) >= 0);
      this.#edges.set(state, edges);
    }
    return edges;
  }

  free(state: number, count: number, run: Run = "any"): boolean {
    if (this.open) return true;
    const a = this.#pairs.first(state);
    const b = this.#pairs.second(state);
    if (this.b.universal(b)) return this.a.free(a, count, run);
    return this.a.universal(a) && this.b.free(b, count, run);
  }

  universal(state: number): boolean {
    return this.a.universal(this.#pairs.first(state)) && this.b.universal(this.#pairs.second(state));
  }

  canonical(state: number, count: number): number {
    const a = this.#pairs.first(state);
    const b = this.#pairs.second(state);
    // Elsewhere, whether a pair lives may depend on more than the next `count` code points of each.
    if (this.b.universal(b)) return this.#pairs.intern(this.a.canonical(a, count), b);
    if (this.a.universal(a)) return this.#pairs.intern(a, this.b.canonical(b, count));
    return state;
  }

  least(state: number): number {
    return Math.max(this.a.least(this.#pairs.first(state)), this.b.least(this.#pairs.second(state)));
  }

  most(state: number): number {
    return Math.min(this.a.most(this.#pairs.first(state)), this.b.most(this.#pairs.second(state)));
  }

  /** Edges to pairs of which nothing is known. */
  #all(pair: number): readonly Edge[] {
    let edges = this.#raw.get(pair);
    if (!edges) {
      const of = (language: Language, one: number) => (language instanceof ProductLanguage ? language.#all(one) : language.edges(one));
      edges = overlay(of(this.a, this.#pairs.first(pair)), of(this.b, this.#pairs.second(pair)), (a, b) =>
        a < 0 || b < 0 ? -1 : this.#pairs.intern(a, b),
      );
      this.#raw.set(pair, edges);
    }
    return edges;
  }

  /** The pair itself, or −1 when nothing completes it. */
  #alive(pair: number): number {
    if (this.#fate(pair) === UNKNOWN && !this.#glance(pair)) this.#explore(pair);
    return this.#fates[pair] === ALIVE ? pair : -1;
  }

  /** Of a product within a product all pairs are met. */
  #lives(language: Language, state: number): boolean {
    return !(language instanceof ProductLanguage) || language.#alive(state) >= 0;
  }

  /** What can be said without following an edge. */
  #fate(pair: number): number {
    const known = this.#fates[pair] ?? UNKNOWN;
    if (known !== UNKNOWN) return known;
    return (this.#fates[pair] = this.#judge(pair));
  }

  #judge(pair: number): number {
    if (this.accepts(pair)) return ALIVE;
    // What completes the one that may reject can be read by the other before, or behind, what completes that.
    if (this.open) return ALIVE;
    const a = this.#pairs.first(pair);
    const b = this.#pairs.second(pair);
    if (this.b.universal(b)) return this.#lives(this.a, a) ? ALIVE : LOST;
    if (this.a.universal(a)) return this.#lives(this.b, b) ? ALIVE : LOST;
    return this.least(pair) > this.most(pair) ? LOST : UNKNOWN;
  }

  /** Goes straight for the nearest end; true once the pair's fate is known. */
  #glance(pair: number): boolean {
    const path = [{ pair, edges: this.#near(pair) }];
    const seen = new Set([pair]);
    while (path.length > 0 && seen.size < GLANCE) {
      const top = path.at(-1)!;
      const next = top.edges.pop();
      if (next === undefined) path.pop();
      else if (!seen.has(next)) {
        seen.add(next);
        const fate = this.#fate(next);
        if (fate === ALIVE) {
          for (const step of path) this.#fates[step.pair] = ALIVE;
          return true;
        }
        if (fate === UNKNOWN) path.push({ pair: next, edges: this.#near(next) });
      }
    }
    if (path.length > 0) return false;
    for (const one of seen) if (this.#fates[one] === UNKNOWN) this.#fates[one] = LOST;
    return true;
  }

  /** The pairs that follow, the one that seems nearest to an end last. */
  #near(pair: number): number[] {
    const next = [...new Set(this.#looked(pair).map((edge) => edge.next))];
    return next.sort((x, y) => this.#away(y) - this.#away(x));
  }

  /** What is missing in all, as if nothing could be shared: a step towards the end of one is a step towards the end of all. */
  #away(pair: number): number {
    const away = (language: Language, state: number) =>
      language instanceof ProductLanguage ? language.#away(state) : language.least(state);
    return away(this.a, this.#pairs.first(pair)) + away(this.b, this.#pairs.second(pair));
  }

  /** Decides the fate of everything that can be reached from the pair. */
  #explore(pair: number): void {
    const back = new Map<number, number[]>([[pair, []]]);
    const open = [pair];
    const alive: number[] = [];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      for (const { next } of this.#looked(at)) {
        const sources = back.get(next);
        if (sources) {
          sources.push(at);
          continue;
        }
        back.set(next, [at]);
        const fate = this.#fate(next);
        if (fate === ALIVE) alive.push(next);
        else if (fate === UNKNOWN) open.push(next);
      }
    }
    for (let at = alive.pop(); at !== undefined; at = alive.pop())
      for (const source of back.get(at)!)
        if (this.#fates[source] === UNKNOWN) {
          this.#fates[source] = ALIVE;
          alive.push(source);
        }
    for (const one of back.keys()) if (this.#fates[one] === UNKNOWN) this.#fates[one] = LOST;
  }

  /** The edges of a pair on the way to an end. */
  #looked(pair: number): readonly Edge[] {
    const edges = this.#all(pair);
    this.#work += edges.length * (this.width - 1);
    if (this.#work <= MAX_WORK) return edges;
    const { subject, pointer } = this.#where;
    throw new ConstraintError("constraint/too-large", `${subject}: the strings at '${pointer}' are found among too many states`, {
      pointer,
      hint: "combine fewer patterns, or simpler ones",
    });
  }
}

function widthOf(language: Language): number {
  return language instanceof ProductLanguage ? language.width : 1;
}
