/**
 * A rendering of a template, taken apart. In: its parts, and the control tokens of a vocabulary. Out: signs: control tokens, which only the
 * template's own words give, characters of its own words, and texts from outside, each whole. Law: the signs' texts joined are the rendering.
 */
import type { Part } from "./quotation.ts";

export type Sign =
  { readonly kind: "control" | "own"; readonly text: string } | { readonly kind: "quoted"; readonly text: string; readonly owner: number };

/** The longest control token goes first where several begin. */
export function signsOf(parts: readonly Part[], control: ReadonlyMap<string, number>): Sign[] {
  const tokens = [...control.keys()].filter((token) => token !== "").sort((a, b) => b.length - a.length);
  const pattern = tokens.length > 0 ? new RegExp(tokens.map(escapeRegExp).join("|"), "g") : null;
  const signs: Sign[] = [];
  const characters = (text: string): void => {
    for (const character of text) signs.push({ kind: "own", text: character });
  };
  for (const part of parts) {
    if ("quoted" in part) {
      signs.push({ kind: "quoted", text: part.quoted, owner: part.owner });
      continue;
    }
    let end = 0;
    for (const match of pattern === null ? [] : part.own.matchAll(pattern)) {
      characters(part.own.slice(end, match.index));
      signs.push({ kind: "control", text: match[0] });
      end = match.index + match[0].length;
    }
    characters(part.own.slice(end));
  }
  return signs;
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

/** Where the texts of one owner begin and end; null where there are none. */
export function findOwn(signs: readonly Sign[], owner: number): { readonly first: number; readonly end: number } | null {
  const isOwn = (sign: Sign): boolean => sign.kind === "quoted" && sign.owner === owner;
  const first = signs.findIndex(isOwn);
  return first < 0 ? null : { first, end: signs.findLastIndex(isOwn) + 1 };
}

/** The last place before `last` where these signs stand in a row; −1 where there is none. */
export function indexOfSigns(signs: readonly Sign[], wanted: readonly Sign[], { last }: { readonly last: number }): number {
  for (let at = last - wanted.length; at >= 0; at--) if (wanted.every((sign, i) => same(sign, signs[at + i]))) return at;
  return -1;
}

export function same(a: Sign, b: Sign | undefined): boolean {
  return b !== undefined && a.kind === b.kind && a.text === b.text;
}

/** How many signs two renderings begin with in common. */
export function commonBeginning(a: readonly Sign[], b: readonly Sign[]): number {
  const differs = a.findIndex((sign, at) => !same(sign, b[at]));
  return differs < 0 ? a.length : differs;
}
