/** What a language holds. In: a language. Out: yes or no, a count, examples. Law: every state is alive, so a circle means infinitely many. */
import { codePointsOf, countOf } from "./code-points.ts";
import type { Edge, Language } from "./language.ts";
import { ListLanguage } from "./list.ts";

/** States that are looked at to count; a language with more counts as endless. */
const MAX_COUNTED = 20_000;
/** Steps that are taken to find examples. */
const MAX_STEPS = 200_000;

export function isEmpty(language: Language): boolean {
  return language.start < 0;
}

/** Is the text in the language? */
export function has(language: Language, text: string): boolean {
  const codePoints = codePointsOf(text);
  let state = codePoints ? language.start : -1;
  for (let i = 0; state >= 0 && i < codePoints!.length; i++) state = language.step(state, codePoints![i]!);
  return state >= 0 && language.accepts(state);
}

/** How many strings there are; Infinity when they have no end or are more than can be counted. */
export function cardinality(language: Language): number {
  if (isEmpty(language)) return 0;
  if (language instanceof ListLanguage) return language.members.length;
  const counts = new Map<number, number>();
  const path: { readonly state: number; readonly edges: readonly Edge[]; at: number; sum: number }[] = [];
  const enter = (state: number) => {
    counts.set(state, Infinity); // while it is open: meeting it again is a circle
    path.push({ state, edges: language.edges(state), at: 0, sum: language.accepts(state) ? 1 : 0 });
  };
  enter(language.start);
  for (;;) {
    const top = path.at(-1)!;
    const edge = top.edges[top.at];
    if (!edge) {
      counts.set(top.state, top.sum);
      path.pop();
      if (path.length === 0) return top.sum;
      continue;
    }
    const known = counts.get(edge.next);
    if (known === undefined) {
      if (counts.size >= MAX_COUNTED) return Infinity;
      enter(edge.next);
      continue;
    }
    top.sum += known * countOf(edge.first, edge.last);
    if (top.sum > Number.MAX_SAFE_INTEGER) return Infinity;
    top.at++;
  }
}

interface Prefix {
  readonly text: string;
  /** Code points of the text. */
  readonly read: number;
  readonly state: number;
  /** Nothing is to be added. */
  readonly whole: boolean;
}

/** Up to `count` strings, shorter ones first where {@link Language.least} is exact; letters and digits before other characters. */
export function some(language: Language, count: number): string[] {
  const found: string[] = [];
  /** By the length that they can come to at least. */
  const open: Prefix[][] = [];
  const push = (length: number, prefix: Prefix) => (open[length] ??= []).push(prefix);
  if (!isEmpty(language)) push(language.least(language.start), { text: "", read: 0, state: language.start, whole: false });
  let steps = 0;
  for (let length = 0; length < open.length && found.length < count; length++) {
    for (let prefix = open[length]?.pop(); prefix && found.length < count; prefix = open[length]?.pop()) {
      if (prefix.whole) {
        found.push(prefix.text);
        continue;
      }
      if (++steps > MAX_STEPS) return found;
      const { text, read, state } = prefix;
      const samples = language
        .edges(state)
        .flatMap((edge) => sample(edge, count).map((codePoint) => ({ codePoint, state: edge.next, least: language.least(edge.next) })))
        .sort((a, b) => b.least - a.least || oddness(b.codePoint) - oddness(a.codePoint));
      for (const { codePoint, state, least } of samples.slice(-count))
        push(read + 1 + least, { text: text + String.fromCodePoint(codePoint), read: read + 1, state, whole: false });
      if (language.accepts(state)) push(read, { ...prefix, whole: true });
    }
  }
  return found;
}

/** Up to `count` code points of an edge, letters and digits among them. */
function sample({ first, last }: Edge, count: number): number[] {
  const found = new Set<number>();
  for (const begin of [0x61, 0x41, 0x30, 0x20, first])
    for (let one = Math.max(begin, first); one <= last && found.size < count; one++) if (countOf(one, one) === 1) found.add(one);
  return [...found];
}

function oddness(codePoint: number): number {
  if (codePoint >= 0x61 && codePoint <= 0x7a) return 0;
  if ((codePoint >= 0x41 && codePoint <= 0x5a) || (codePoint >= 0x30 && codePoint <= 0x39)) return 1;
  return codePoint > 0x20 && codePoint < 0x7f ? 2 : 3;
}
