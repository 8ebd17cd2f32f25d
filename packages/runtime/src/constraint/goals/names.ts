/**
 * Sets of property names: finite, all but finitely many, or a language. In: names and patterns of a schema. Out: sets closed under
 * complement, intersection and union. Law: only what needs an automaton becomes one; most objects never do.
 */
import * as text from "../strings/index.ts";
import type { Language } from "../strings/index.ts";
import { ConstraintError } from "../../errors.ts";
import type { Where } from "../where.ts";

export type NameSet =
  | { readonly kind: "these"; readonly names: ReadonlySet<string> }
  | { readonly kind: "others"; readonly names: ReadonlySet<string> }
  | { readonly kind: "language"; readonly language: Language };

export const EVERY_NAME: NameSet = { kind: "others", names: new Set() };
export const these = (names: Iterable<string>): NameSet => ({ kind: "these", names: new Set(names) });
export const allBut = (names: Iterable<string>): NameSet => ({ kind: "others", names: new Set(names) });
export const matching = (language: Language): NameSet => ({ kind: "language", language });

/** Equal keys mean equal sets. */
export function keyOf(set: NameSet): string {
  return set.kind === "language" ? `language ${set.language.key}` : `${set.kind} ${JSON.stringify([...set.names].sort())}`;
}

export function hasName(set: NameSet, name: string): boolean {
  if (set.kind === "language") return text.has(set.language, name);
  return set.names.has(name) === (set.kind === "these");
}

export function languageOf(set: NameSet, where: Where): Language {
  if (set.kind === "language") return set.language;
  const listed = text.strings([...set.names]);
  if (set.kind === "these") return listed;
  return set.names.size === 0 ? text.EVERY_STRING : text.complement(listed, where);
}

/** The names of the set but for these. */
export function languageBut(set: NameSet, names: readonly string[], where: Where): Language {
  if (set.kind === "these") return text.strings([...set.names].filter((name) => !names.includes(name)));
  if (set.kind === "others") return text.without(text.EVERY_STRING, [...set.names, ...names], where);
  return text.without(set.language, names, where);
}

export function complementOf(set: NameSet, where: Where): NameSet {
  if (set.kind === "language") return matching(text.complement(set.language, where));
  return { kind: set.kind === "these" ? "others" : "these", names: set.names };
}

export function intersectionOf(a: NameSet, b: NameSet, where: Where): NameSet {
  if (a.kind === "these") return these([...a.names].filter((name) => hasName(b, name)));
  if (b.kind === "these") return these([...b.names].filter((name) => hasName(a, name)));
  if (a.kind === "others" && b.kind === "others") return allBut([...a.names, ...b.names]);
  return matching(text.intersection([languageOf(a, where), languageOf(b, where)], where));
}

export function unionOf(a: NameSet, b: NameSet, where: Where): NameSet {
  if (a.kind === "these" && b.kind === "these") return these([...a.names, ...b.names]);
  if (a.kind === "others") return allBut([...a.names].filter((name) => !hasName(b, name)));
  if (b.kind === "others") return allBut([...b.names].filter((name) => !hasName(a, name)));
  return matching(text.union([languageOf(a, where), languageOf(b, where)], where));
}

export function isEmptySet(set: NameSet): boolean {
  if (set.kind === "language") return text.isEmpty(set.language);
  return set.kind === "these" && set.names.size === 0;
}

/** How many names there are; perhaps Infinity. */
export function sizeOf(set: NameSet): number {
  if (set.kind === "language") return text.cardinality(set.language);
  return set.kind === "these" ? set.names.size : Infinity;
}

/** Names that are alike, and the sets that they are in. */
export interface Part {
  readonly names: NameSet;
  readonly within: readonly number[];
}

/** Things said of sets of names, found by name: of thousands of finite sets only those that list it are looked at. */
export class ByName<Thing extends { readonly names: NameSet }> {
  readonly #listed = new Map<string, Thing[]>();
  readonly #others: Thing[] = [];

  constructor(things: Iterable<Thing>) {
    for (const thing of things) {
      if (thing.names.kind !== "these") this.#others.push(thing);
      else
        for (const name of thing.names.names) {
          const listed = this.#listed.get(name);
          if (listed) listed.push(thing);
          else this.#listed.set(name, [thing]);
        }
    }
  }

  /** Those whose sets have the name. */
  of(name: string): readonly Thing[] {
    const others = this.#others.filter(({ names }) => hasName(names, name));
    return [...(this.#listed.get(name) ?? []), ...others];
  }
}

const MAX_PARTS = 64;

/** All names, split by the sets: those that are in the same sets are one part. */
export function splitBy(sets: readonly NameSet[], where: Where): readonly Part[] {
  const listed = new Set(sets.flatMap((set) => (set.kind === "language" ? [] : [...set.names])));
  const indexed = new ByName(sets.map((names, index) => ({ names, index })));
  const groups = new Map<string, { readonly names: string[]; readonly within: readonly number[] }>();
  for (const name of listed) {
    const within = indexed
      .of(name)
      .map(({ index }) => index)
      .sort((a, b) => a - b);
    const group = groups.get(within.join());
    if (group) group.names.push(name);
    else groups.set(within.join(), { names: [name], within });
  }
  return [...[...groups.values()].map(({ names, within }) => ({ names: these(names), within })), ...partition(allBut(listed), sets, where)];
}

/**
 * `rest` split by the sets. It has none of the names that a set lists.
 * @throws ConstraintError `constraint/too-large`
 */
export function partition(rest: NameSet, sets: readonly NameSet[], where: Where): readonly Part[] {
  let parts: Part[] = [{ names: rest, within: [] }];
  for (const [index, set] of sets.entries()) {
    if (set.kind === "these") continue;
    if (set.kind === "others") parts = parts.map(({ names, within }) => ({ names, within: [...within, index] }));
    else {
      parts = parts.flatMap(({ names, within }) => [
        { names: intersectionOf(names, set, where), within: [...within, index] },
        { names: intersectionOf(names, complementOf(set, where), where), within },
      ]);
      parts = parts.filter(({ names }) => !isEmptySet(names));
    }
    if (parts.length > MAX_PARTS)
      throw new ConstraintError(
        "constraint/too-large",
        `${where.subject}: an object has more than ${MAX_PARTS} classes of property names`,
        {
          pointer: where.pointer,
          hint: "use fewer patterns in patternProperties",
        },
      );
  }
  return parts;
}
