/** Lists as languages. In: strings. Out: a language, as a table where it is small. Law: a string with a lone surrogate is in no language. */
import { classesOf, codePointsOf } from "./code-points.ts";
import { Dfa, dfaOf, NO_STRING } from "./dfa.ts";
import type { Language } from "./language.ts";
import { ListLanguage } from "./list.ts";

/** Code points of a list that may become a table. */
const SMALL = 200;

/** The language of exactly these strings. */
export function strings(list: readonly string[]): Language {
  const whole = list.filter((text) => codePointsOf(text) !== undefined);
  return whole.length === 0 ? NO_STRING : new ListLanguage(whole);
}

/** The list as a table; undefined when it is long. */
export function tableOf(list: ListLanguage): Dfa | undefined {
  if (list.length > SMALL) return undefined;
  const letters = [...new Set(list.members.flatMap((text) => [...codePointsOf(text)!]))];
  const { classes } = classesOf(letters.map((letter) => [letter, letter]));
  const next: number[] = [];
  const accepting: number[] = [];
  const add = (accepts: boolean) => {
    for (let id = 0; id < classes.count; id++) next.push(-1);
    return accepting.push(accepts ? 1 : 0) - 1;
  };
  // States of the list are numbered as they are met.
  const states = [list.start];
  const places = new Map([[list.start, add(list.accepts(list.start))]]);
  for (const state of states)
    for (const edge of list.edges(state)) {
      if (!places.has(edge.next)) {
        places.set(edge.next, add(list.accepts(edge.next)));
        states.push(edge.next);
      }
      next[places.get(state)! * classes.count + classes.of(edge.first)] = places.get(edge.next)!;
    }
  return dfaOf(list.key, { classes, next: Int32Array.from(next), accepting: Uint8Array.from(accepting), start: 0 });
}
