/**
 * What can be copied from texts: their substrings that do not cut a word. In: texts. Out: a language. Law: a state stands for all places
 * where what was read occurs; they are told apart only as far as somebody asks, so that a long text costs one look to begin with.
 *
 * A copy begins and ends at boundaries, does not cross from one text into another, and is not all white space. A boundary is every place
 * in a text that is not inside a word.
 */
import { keyOf } from "./key.ts";
import { NO_STRING } from "./dfa.ts";
import type { Edge, Language, Measured } from "./language.ts";

/** The end of a text; also a lone surrogate, which no copy holds. */
const BREAK = -2;

/** Letters, numbers and `_` make words. */
const WORD = 1;
/** Scripts that set no space between words, or none between a word and its particles: a word may begin and end beside each letter. */
const UNSPACED = 2;
/** Belongs to the character before. */
const MARK = 4;
/** Belongs to the characters on both sides. */
const JOINER = 8;
const BLANK = 16;

const WHITE_SPACE = /\p{White_Space}/u;
const KINDS: readonly (readonly [number, RegExp])[] = [
  [WORD, /[\p{L}\p{N}_]/u],
  [
    UNSPACED,
    /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u,
  ],
  [MARK, /[\p{M}\p{Emoji_Modifier}]/u],
  [JOINER, /[\u200c\u200d]/u],
  [BLANK, WHITE_SPACE],
];

/** Every string that can be copied from one of the texts. */
export function copiedFrom(texts: readonly string[]): Language {
  const language = new CopiedLanguage(keyOf("copied", texts), new Scan(texts));
  return language.completion === 0 ? NO_STRING : language;
}

/**
 * The texts, one after another, and where words end. Inside a word is the place between two word characters, unless one of them is of a
 * script without spaces; before a mark; and on both sides of a joiner.
 */
class Scan {
  readonly text: Int32Array;
  /** By place: the next boundary, this place included. */
  readonly boundary: Int32Array;
  /** By place: the next character of the same text that is not white space; where there is none: a place behind the text. */
  readonly ink: Int32Array;
  /** By place: the end of its text. */
  readonly end: Int32Array;
  /** Where copies begin. */
  readonly starts: Int32Array;

  constructor(texts: readonly string[]) {
    this.text = joined(texts);
    const size = this.text.length;
    const kinds = new Map<number, number>();
    const inside = new Uint8Array(size);
    const blank = new Uint8Array(size);
    let before = 0;
    this.text.forEach((codePoint, at) => {
      const kind = codePoint === BREAK ? 0 : kindOf(codePoint, kinds);
      const attached = codePoint !== BREAK && at > 0 && this.text[at - 1] !== BREAK && ((kind & (MARK | JOINER)) | (before & JOINER)) !== 0;
      inside[at] = attached || (before & kind & WORD && !((before | kind) & UNSPACED)) ? 1 : 0;
      blank[at] = kind & BLANK;
      before = kind & (MARK | JOINER) ? (before & (WORD | UNSPACED)) | (kind & JOINER) : kind;
    });
    this.boundary = new Int32Array(size);
    this.ink = new Int32Array(size);
    this.end = new Int32Array(size);
    let starts = 0;
    for (let at = size - 1; at >= 0; at--) {
      const ends = this.text[at] === BREAK;
      this.end[at] = ends ? at : this.end[at + 1]!;
      this.boundary[at] = inside[at] === 1 ? this.boundary[at + 1]! : at;
      this.ink[at] = ends ? at : blank[at] === 0 ? at : this.ink[at + 1]!;
      if (this.#begins(at)) starts++;
    }
    this.starts = new Int32Array(starts);
    for (let at = 0, i = 0; at < size; at++) if (this.#begins(at)) this.starts[i++] = at;
  }

  #begins(at: number): boolean {
    return this.boundary[at] === at && this.ink[at]! < this.end[at]!;
  }
}

function joined(texts: readonly string[]): Int32Array {
  const all = new Int32Array(texts.reduce((sum, text) => sum + text.length + 1, 0));
  let size = 0;
  for (const text of texts) {
    for (let i = 0; i < text.length; i++) {
      const codePoint = text.codePointAt(i)!;
      if (codePoint > 0xffff) i++;
      all[size++] = codePoint >= 0xd800 && codePoint < 0xe000 ? BREAK : codePoint;
    }
    all[size++] = BREAK;
  }
  return all.subarray(0, size);
}

function kindOf(codePoint: number, known: Map<number, number>): number {
  let kind = known.get(codePoint);
  if (kind === undefined) {
    const character = String.fromCodePoint(codePoint);
    kind = KINDS.reduce((sum, [flag, members]) => (members.test(character) ? sum | flag : sum), 0);
    known.set(codePoint, kind);
  }
  return kind;
}

interface Range {
  /** The beginnings of the occurrences: these places of {@link CopiedLanguage.#starts}. */
  readonly first: number;
  readonly end: number;
  /** Code points that were read. */
  readonly depth: number;
  /** Was only white space read? */
  readonly blank: boolean;
  edges: readonly Edge[] | undefined;
  least: number;
  most: number;
}

export class CopiedLanguage implements Measured {
  readonly open = false;
  readonly lasting = false;
  readonly key: string;
  readonly start = 0;
  readonly endless = false;
  readonly completion: number;
  readonly #scan: Scan;
  /** Those of one range stand together; their order within it is that of the ranges that it was divided into. */
  readonly #starts: Int32Array;
  readonly #ranges: Range[] = [];

  constructor(key: string, scan: Scan) {
    this.key = key;
    this.#scan = scan;
    this.#starts = scan.starts;
    this.completion = scan.starts.length === 0 ? 0 : scan.text.length;
    this.#add(0, scan.starts.length, 0, true);
  }

  step(state: number, codePoint: number): number {
    const edges = this.edges(state);
    let low = 0;
    let high = edges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (edges[middle]!.first < codePoint) low = middle + 1;
      else high = middle;
    }
    const edge = edges[low];
    return edge?.first === codePoint ? edge.next : -1;
  }

  accepts(state: number): boolean {
    return this.least(state) === 0;
  }

  ends(state: number): boolean {
    return this.most(state) === 0;
  }

  edges(state: number): readonly Edge[] {
    const range = this.#ranges[state]!;
    return (range.edges ??= this.#divide(range));
  }

  free(_state: number, count: number): boolean {
    return count === 0;
  }

  universal(): boolean {
    return false;
  }

  canonical(state: number): number {
    return state;
  }

  least(state: number): number {
    return this.#measured(state).least;
  }

  most(state: number): number {
    return this.#measured(state).most;
  }

  reaches(state: number, min: number, max: number): boolean {
    const { first, end, depth, blank } = this.#ranges[state]!;
    for (let i = first; i < end; i++) {
      const at = this.#starts[i]! + depth;
      if (at + min <= this.#scan.end[at]! && this.#next(at, Math.max(at + min, this.#soonest(at, blank))) <= max) return true;
    }
    return false;
  }

  #measured(state: number): Range {
    const range = this.#ranges[state]!;
    if (range.most >= 0) return range;
    range.least = Infinity;
    for (let i = range.first; i < range.end; i++) {
      const at = this.#starts[i]! + range.depth;
      range.least = Math.min(range.least, this.#next(at, this.#soonest(at, range.blank)));
      range.most = Math.max(range.most, this.#scan.end[at]! - at);
    }
    return range;
  }

  /** Where a copy that was read up to `at` may end at the earliest, if words allow it. */
  #soonest(at: number, blank: boolean): number {
    return blank ? this.#scan.ink[at]! + 1 : at;
  }

  /** Code points from `at` to the first boundary from `soonest` on. */
  #next(at: number, soonest: number): number {
    return this.#scan.boundary[soonest]! - at;
  }

  /** Puts occurrences that go on alike side by side. */
  #divide({ first, end, depth, blank }: Range): Edge[] {
    const { text } = this.#scan;
    const starts = this.#starts;
    const counts = new Map<number, number>();
    for (let i = first; i < end; i++) {
      const codePoint = text[starts[i]! + depth]!;
      counts.set(codePoint, (counts.get(codePoint) ?? 0) + 1);
    }
    const places = new Map<number, number>();
    const edges: Edge[] = [];
    let place = first;
    for (const codePoint of [...counts.keys()].sort((a, b) => a - b)) {
      places.set(codePoint, place);
      const from = place;
      place += counts.get(codePoint)!;
      if (codePoint !== BREAK)
        edges.push({
          first: codePoint,
          last: codePoint,
          next: this.#add(from, place, depth + 1, blank && WHITE_SPACE.test(String.fromCodePoint(codePoint))),
        });
    }
    if (places.size > 1) {
      for (const start of starts.slice(first, end)) {
        const to = places.get(text[start + depth]!)!;
        starts[to] = start;
        places.set(text[start + depth]!, to + 1);
      }
    }
    return edges;
  }

  #add(first: number, end: number, depth: number, blank: boolean): number {
    return this.#ranges.push({ first, end, depth, blank, edges: undefined, least: -1, most: -1 }) - 1;
  }
}
