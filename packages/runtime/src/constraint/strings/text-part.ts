/**
 * A language as a terminal: the bytes of its strings, plain or as the inside of a JSON string. In: a language. Out: states over bytes.
 * Law: a byte may come only if a character that the language allows begins so; each string has one spelling, that of `JSON.stringify`.
 */
import { JSON_SPELLING, LINE_TEXT, PLAIN_TEXT } from "../alphabet.ts";
import type { Almost, Symbol, Terminal } from "../part.ts";
import type { PartPosition } from "../position.ts";
import { beginningWithin } from "../stays.ts";
import { Dfa } from "./dfa.ts";
import { ESCAPE_PREFIXES, isEscaped } from "./escapes.ts";
import { holdsText } from "./holds-text.ts";
import type { Edge, Language } from "./language.ts";
import { ListLanguage } from "./list.ts";
import { cardinality } from "./members.ts";
import { WithoutLanguage } from "./without.ts";

/** How the strings are written. `json`: what stands between the quotes. */
export type Spelling = "json" | "plain";

/** Strings of a table that still count as listed values. */
const MAX_ENUM = 1_000;

/** A state is the language's times this, plus what was read of the next character. */
const INSIDES = 2 ** 15;
/** Between characters. */
const BETWEEN = 0;
/** 1, 2, 3: so many further bytes, whichever they are; the language is in the state behind them already. */
const LONGEST_REST = 3;
/** By bytes that are still missing: where the leading bits of the character begin. */
const LEADING = [0, 1_024, 512, 256];
/** Beginnings of escapes. */
const ESCAPE = 2 ** 14 + 2 ** 13;

const NO_CONTROLS: readonly Symbol[] = [];
const BACKSLASH = 0x5c;

/**
 * @param language not empty
 * @param position by default `enum` for a list and for a table of few strings, else `string`
 */
export function textPart(language: Language, spelling: Spelling, position: PartPosition = positionOf(language)): Terminal {
  if (holdsText(language)) return new TextTerminal(language, spelling, position);
  const key = `${spelling} ${position} ${language.key}`;
  const terminal = kept.get(key) ?? new TextTerminal(language, spelling, position);
  kept.delete(key);
  kept.set(key, terminal);
  if (kept.size > MAX_KEPT) kept.delete(kept.keys().next().value!);
  return terminal;
}

/** Terminals kept, least recently used first: schemas share a few languages, above all that of every string. None with a text of its own. */
const MAX_KEPT = 256;
const kept = new Map<string, Terminal>();

function positionOf(language: Language): PartPosition {
  return language instanceof ListLanguage || (language instanceof Dfa && cardinality(language) <= MAX_ENUM) ? "enum" : "string";
}

/** Is the terminal between characters, where any string may follow? */
export function isUniversal(terminal: Terminal, state: number): boolean {
  return terminal instanceof TextTerminal && terminal.universal(state);
}

class TextTerminal implements Terminal {
  readonly kind = "terminal";
  readonly position: PartPosition;
  readonly start: number;
  readonly #language: Language;
  readonly #json: boolean;
  #base: Terminal | undefined;
  #missing: Terminal | undefined;

  constructor(language: Language, spelling: Spelling, position: PartPosition) {
    this.#language = language;
    this.#json = spelling === "json";
    this.position = position;
    this.start = language.start * INSIDES;
  }

  step(state: number, symbol: Symbol): number {
    if (symbol > 0xff) return -1;
    const inside = state % INSIDES;
    const outer = (state - inside) / INSIDES;
    if (inside === BETWEEN) return this.#begin(outer, symbol);
    if (inside <= LONGEST_REST) return symbol >> 6 === 2 ? state - 1 : -1;
    if (inside >= ESCAPE) return this.#escape(outer, inside - ESCAPE, symbol);
    return symbol >> 6 === 2 ? this.#continue(outer, inside, symbol) : -1;
  }

  universal(state: number): boolean {
    return state % INSIDES === BETWEEN && this.#language.universal(state / INSIDES);
  }

  accepts(state: number): boolean {
    return state % INSIDES === BETWEEN && this.#language.accepts(state / INSIDES);
  }

  ends(state: number): boolean {
    return state % INSIDES === BETWEEN && this.#language.ends(state / INSIDES);
  }

  only(state: number): Symbol {
    const inside = state % INSIDES;
    const outer = (state - inside) / INSIDES;
    if (inside === BETWEEN) return this.#onlyFirst(this.#language.edges(outer));
    if (inside <= LONGEST_REST) return -1;
    if (inside >= ESCAPE) return this.#onlyEscape(outer, inside - ESCAPE);
    const { base, missing } = characterOf(inside);
    const [first, last] = reach(this.#language.edges(outer), lowest(base, missing), base + 64 ** missing - 1)!;
    const shift = 6 * (missing - 1);
    return first >> shift === last >> shift ? 0x80 | ((first >> shift) & 0x3f) : -1;
  }

  controls(): readonly Symbol[] {
    return NO_CONTROLS;
  }

  canonical(state: number, longest: number): number {
    const inside = state % INSIDES;
    return this.#language.canonical((state - inside) / INSIDES, longest) * INSIDES + inside;
  }

  free(state: number, longest: number) {
    if (state % INSIDES !== BETWEEN) return undefined;
    const outer = state / INSIDES;
    if (this.#language.free(outer, longest)) return this.#json ? JSON_SPELLING : PLAIN_TEXT;
    return this.#language.free(outer, longest, "line") ? LINE_TEXT : undefined;
  }

  stays(state: number): Uint8Array | undefined {
    const outer = state / INSIDES;
    if (state % INSIDES !== BETWEEN) return undefined;
    const back = this.#language.edges(outer).filter(({ next }) => next === outer);
    return back.length > 0 ? beginningWithin(back.map(({ first, last }) => [first, last])) : undefined;
  }

  almost(state: number): Almost | undefined {
    const language = this.#language;
    if (!(language instanceof WithoutLanguage)) return undefined;
    const inside = state % INSIDES;
    const outer = (state - inside) / INSIDES;
    const spelling = this.#json ? "json" : "plain";
    this.#base ??= textPart(language.base, spelling, this.position);
    this.#missing ??= textPart(language.missing, spelling, this.position);
    const missing = language.missingState(outer);
    return {
      part: this.#base,
      state: language.baseState(outer) * INSIDES + inside,
      missing: missing < 0 ? undefined : { part: this.#missing, state: missing * INSIDES + inside },
    };
  }

  /** The first byte of a character. */
  #begin(outer: number, byte: number): number {
    if (this.#json && byte === BACKSLASH) {
      const some = ESCAPE_PREFIXES[0]!.codePoints.some((codePoint) => this.#language.step(outer, codePoint) >= 0);
      return some ? outer * INSIDES + ESCAPE : -1;
    }
    if (byte < 0x80) {
      const next = this.#json && isEscaped(byte) ? -1 : this.#language.step(outer, byte);
      return next < 0 ? -1 : next * INSIDES;
    }
    if (byte < 0xc2 || byte > 0xf4) return -1;
    const missing = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    return this.#read(outer, (byte & (0x3f >> missing)) << (6 * missing), missing);
  }

  /** One more byte of a character. */
  #continue(outer: number, inside: number, byte: number): number {
    const { base, missing } = characterOf(inside);
    const next = base | ((byte & 0x3f) << (6 * (missing - 1)));
    if (next + 64 ** (missing - 1) <= lowest(base, missing)) return -1; // spelt with too many bytes
    if (missing > 1) return this.#read(outer, next, missing - 1);
    const state = this.#language.step(outer, next);
    return state < 0 ? -1 : state * INSIDES;
  }

  /** The state once the leading bits of a character are known, when some character begins so. */
  #read(outer: number, base: number, missing: number): number {
    const edges = this.#language.edges(outer);
    const last = base + 64 ** missing - 1;
    const edge = edges[firstEdge(edges, base)];
    if (edge && edge.first <= base && edge.last >= last && lowest(base, missing) === base) return edge.next * INSIDES + missing;
    if (!reach(edges, lowest(base, missing), last)) return -1;
    return outer * INSIDES + LEADING[missing]! + (base >> (6 * missing));
  }

  #escape(outer: number, prefix: number, byte: number): number {
    const next = ESCAPE_PREFIXES[prefix]!.next.get(byte);
    if (!next) return -1;
    if ("codePoint" in next) {
      const state = this.#language.step(outer, next.codePoint);
      return state < 0 ? -1 : state * INSIDES;
    }
    const some = ESCAPE_PREFIXES[next.prefix]!.codePoints.some((codePoint) => this.#language.step(outer, codePoint) >= 0);
    return some ? outer * INSIDES + ESCAPE + next.prefix : -1;
  }

  #onlyFirst(edges: readonly Edge[]): Symbol {
    if (edges.length === 0) return -1;
    const first = this.#firstByte(edges[0]!.first);
    if (first !== this.#firstByte(edges.at(-1)!.last)) return -1;
    // Escaped characters are not neighbours; all others that begin alike are.
    const alike =
      first !== BACKSLASH || !this.#json || edges.every(({ first, last }) => isEscaped(first) && (last < 0x20 || first === last));
    return alike ? first : -1;
  }

  #firstByte(codePoint: number): number {
    if (this.#json && isEscaped(codePoint)) return BACKSLASH;
    if (codePoint < 0x80) return codePoint;
    if (codePoint < 0x800) return 0xc0 | (codePoint >> 6);
    return codePoint < 0x10000 ? 0xe0 | (codePoint >> 12) : 0xf0 | (codePoint >> 18);
  }

  #onlyEscape(outer: number, prefix: number): Symbol {
    const open = [...ESCAPE_PREFIXES[prefix]!.next.keys()].filter((byte) => this.#escape(outer, prefix, byte) >= 0);
    return open.length === 1 ? open[0]! : -1;
  }
}

/** The leading bits of a character, the others 0, and how many bytes are missing. */
function characterOf(inside: number): { readonly base: number; readonly missing: number } {
  const missing = inside >= LEADING[1]! ? 1 : inside >= LEADING[2]! ? 2 : 3;
  return { base: (inside - LEADING[missing]!) << (6 * missing), missing };
}

/** The lowest code point with these leading bits: a shorter spelling is the only one of lower ones. */
function lowest(base: number, missing: number): number {
  if (base > 0 || missing === 1) return base;
  return missing === 2 ? 0x800 : 0x10000;
}

/** The lowest and the highest code point of the edges within bounds. */
function reach(edges: readonly Edge[], low: number, high: number): readonly [number, number] | undefined {
  const first = edges[firstEdge(edges, low)];
  if (!first || first.first > high) return undefined;
  const after = firstEdge(edges, high);
  const last = (edges[after]?.first ?? Infinity) <= high ? edges[after]! : edges[after - 1]!;
  return [Math.max(first.first, low), Math.min(last.last, high)];
}

/** The index of the first edge that ends at `codePoint` or later. */
function firstEdge(edges: readonly Edge[], codePoint: number): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (edges[middle]!.last < codePoint) low = middle + 1;
    else high = middle;
  }
  return low;
}
