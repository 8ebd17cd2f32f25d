/** For tests: the laws of a language, checked along random texts. */
import { codePointsOf } from "./code-points.ts";
import type { Language } from "./language.ts";
import { has, some } from "./members.ts";

/** What may follow a state. */
export function rest(language: Language, state: number): Language {
  return {
    key: `${language.key} after ${state}`,
    start: state,
    open: language.open,
    lasting: language.lasting,
    step: (at, codePoint) => language.step(at, codePoint),
    accepts: (at) => language.accepts(at),
    ends: (at) => language.ends(at),
    edges: (at) => language.edges(at),
    free: (at, count, run) => language.free(at, count, run),
    universal: (at) => language.universal(at),
    canonical: (at, count) => language.canonical(at, count),
    least: (at) => language.least(at),
    most: (at) => language.most(at),
  };
}

function after(language: Language, state: number, text: string): number {
  let at = state;
  for (const codePoint of codePointsOf(text)!) at = at < 0 ? -1 : language.step(at, codePoint);
  return at;
}

/** What is broken at the states along `text`, with `runs` as what might follow; empty when nothing is. */
export function faults(language: Language, text: string, runs: readonly string[]): string[] {
  const found: string[] = [];
  let state = language.start;
  let read = "";
  const probes = [...new Set([0, 0x22, 0x5c, 0x61, 0x2028, 0xe000, 0xffff, 0x10000, 0x10ffff, ...codePointsOf(text + runs.join(""))!])];
  for (const character of [...text, ""]) {
    if (state < 0) break;
    const where = `after ${JSON.stringify(read)}`;
    const examples = some(rest(language, state), 1);
    if (examples.length === 0) found.push(`${where}: nothing completes it`);
    for (const example of examples) if (!has(rest(language, state), example)) found.push(`${where}: ${example} is no example`);
    const edges = language.edges(state);
    if (language.ends(state) !== (edges.length === 0)) found.push(`${where}: ends`);
    if (language.ends(state) && !language.accepts(state)) found.push(`${where}: ends without accepting`);
    for (const [i, edge] of edges.entries()) {
      if (edge.last < edge.first || (i > 0 && edges[i - 1]!.last >= edge.first)) found.push(`${where}: edges out of order`);
      if (edge.next < 0) found.push(`${where}: a dead edge`);
    }
    for (const probe of probes) {
      const edge = edges.find(({ first, last }) => first <= probe && probe <= last);
      if ((edge?.next ?? -1) !== language.step(state, probe)) found.push(`${where}: edge and step differ at ${probe}`);
    }
    for (const run of runs) {
      const { length: count } = codePointsOf(run)!;
      const next = after(language, state, run);
      const line = !/[\p{Cc}"\\\u2028\u2029]/u.test(run);
      if (next < 0 && (language.free(state, count) || (line && language.free(state, count, "line"))))
        found.push(`${where}: free, but not for ${JSON.stringify(run)}`);
      if (language.universal(state) && (next < 0 || !language.accepts(next))) found.push(`${where}: universal, but not for ${run}`);
      if (language.open && next < 0) found.push(`${where}: open, but not for ${run}`);
      if (language.lasting && language.accepts(state) && !(next >= 0 && language.accepts(next)))
        found.push(`${where}: lasting, but not for ${run}`);
      const same = after(language, language.canonical(state, count), run);
      if (same < 0 !== next < 0 || (next >= 0 && language.accepts(next) !== language.accepts(same)))
        found.push(`${where}: the canonical state differs at ${JSON.stringify(run)}`);
      if (next >= 0 && language.accepts(next) && (count < language.least(state) || count > language.most(state)))
        found.push(`${where}: lengths exclude ${JSON.stringify(run)}`);
    }
    if (character !== "") state = language.step(state, character.codePointAt(0)!);
    read += character;
  }
  return found;
}
