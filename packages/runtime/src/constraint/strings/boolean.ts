/**
 * Intersection, union and complement. In: languages. Out: a language. Law: exact; finite lists are filtered, tables are multiplied, bounds
 * of length are arithmetic, and only what is left of that becomes a product that is built as it is met.
 */
import type { Where } from "../where.ts";
import { combined } from "./combine.ts";
import { counted, CountedLanguage, length, type Bounds } from "./counted.ts";
import { codePointsOf } from "./code-points.ts";
import { complementOf, Dfa, EVERY_STRING, NO_STRING } from "./dfa.ts";
import type { Language, Measured } from "./language.ts";
import { ListLanguage } from "./list.ts";
import { has } from "./members.ts";
import { ProductLanguage } from "./product.ts";
import { strings, tableOf } from "./strings.ts";
import { UnionLanguage } from "./union.ts";
import { isEndless, WithoutLanguage } from "./without.ts";

/**
 * The strings of all the languages; every string when there are none.
 * @throws ConstraintError constraint/too-large
 */
export function intersection(languages: readonly Language[], where: Where): Language {
  const missing: string[] = [];
  const parts = languages.flatMap((language) => split(language, missing));
  const all = intersectionOf(parts, where);
  const list = strings(missing.filter((text) => has(all, text)));
  if (list.start < 0) return all;
  if (isEndless(all)) return new WithoutLanguage(all, list);
  return intersectionOf([...parts, complementOfList(list)], where);
}

/** The strings of the language that are not in the list. @throws ConstraintError constraint/too-large */
export function without(language: Language, list: readonly string[], where: Where): Language {
  return intersection([language, complement(strings(list), where)], where);
}

/** A language, and the list that it is without. */
function split(language: Language, missing: string[]): readonly Language[] {
  if (!(language instanceof WithoutLanguage && language.missing instanceof ListLanguage)) return [language];
  for (const text of language.missing.members) missing.push(text);
  return split(language.base, missing);
}

/** None of them is one without a list. */
function intersectionOf(languages: readonly Language[], where: Where): Language {
  const bounds = { min: 0, max: Infinity };
  const parts = distinct(languages.flatMap((language) => factors(language, bounds))).filter((part) => part.key !== EVERY_STRING.key);
  if (parts.some((part) => part.start < 0) || bounds.min > bounds.max) return NO_STRING;
  const [shortest, ...lists] = parts.filter((part) => part instanceof ListLanguage).sort((a, b) => a.members.length - b.members.length);
  if (shortest) {
    const others = [...lists, ...parts.filter((part) => !(part instanceof ListLanguage))];
    return strings(shortest.members.filter((text) => within(text, bounds) && others.every((other) => has(other, text))));
  }
  const tables = multiplied(
    parts.filter((part) => part instanceof Dfa),
    "and",
  );
  if (tables.some((table) => table.start < 0)) return NO_STRING;
  const rest: Language[] = [...tables, ...parts.filter((part) => !(part instanceof Dfa))];
  const measured = rest.find(isMeasured) ?? EVERY_STRING;
  const bounded = counted(measured, bounds, where);
  return rest.filter((part) => part !== measured).reduce((all, part) => (all.start < 0 ? all : product(all, part, where)), bounded);
}

/**
 * The strings of any of the languages; none when there are none.
 * @throws ConstraintError constraint/too-large
 */
export function union(languages: readonly Language[], where: Where): Language {
  const parts = joinedBounds(distinct(languages.flatMap(summands).map(tabled)), where);
  if (parts.some((part) => part.universal(part.start))) return EVERY_STRING;
  const open = parts.filter((part) => !(part instanceof ListLanguage));
  const listed = parts.flatMap((part) => (part instanceof ListLanguage ? part.members : []));
  const list = strings(listed.filter((text) => !open.some((part) => has(part, text))));
  if (open.length === 0 || list.start >= 0) open.push(list);
  // A short list joins the tables, if there are any.
  const joinable = open.some((part) => part instanceof Dfa)
    ? open.map((part) => (part instanceof ListLanguage && tableOf(part)) || part)
    : open;
  const tables = multiplied(
    joinable.filter((part) => part instanceof Dfa),
    "or",
  );
  const rest = [...tables, ...joinable.filter((part) => !(part instanceof Dfa))];
  if (rest.some((part) => part.start >= 0 && part.universal(part.start))) return EVERY_STRING;
  return rest.reduce((all, part) => new UnionLanguage(all, part));
}

/**
 * The strings that are not in the language.
 * @throws ConstraintError constraint/too-large
 */
export function complement(language: Language, where: Where): Language {
  if (language instanceof Dfa) return complementOf(language);
  if (language instanceof WithoutLanguage) return union([complement(language.base, where), language.missing], where);
  if (language instanceof CountedLanguage) {
    const { min, max } = language.bounds;
    return union([complement(language.language, where), length(0, min - 1), length(max + 1, Infinity)], where);
  }
  if (language instanceof UnionLanguage) return intersection([complement(language.a, where), complement(language.b, where)], where);
  if (language instanceof ProductLanguage) return union([complement(language.a, where), complement(language.b, where)], where);
  // Of a list that one, too, is a table where others need it.
  return language.start < 0 ? EVERY_STRING : new WithoutLanguage(EVERY_STRING, language);
}

/** All strings but those of a list, as a table where the list is short. */
function complementOfList(list: Language): Language {
  const table = list instanceof ListLanguage ? tableOf(list) : undefined;
  return table ? complementOf(table) : new WithoutLanguage(EVERY_STRING, list);
}

/** What an intersection is made of; bounds of length go into `bounds`. */
function factors(language: Language, bounds: { min: number; max: number }): Language[] {
  if (language instanceof ProductLanguage) return [...factors(language.a, bounds), ...factors(language.b, bounds)];
  if (!(language instanceof CountedLanguage)) return [language];
  bounds.min = Math.max(bounds.min, language.bounds.min);
  bounds.max = Math.min(bounds.max, language.bounds.max);
  return [language.language];
}

/** What a union is made of, without what is empty. */
function summands(language: Language): Language[] {
  if (language instanceof UnionLanguage) return [...summands(language.a), ...summands(language.b)];
  return language.start < 0 ? [] : [language];
}

/** A table where the language lacks a short list alone. */
function tabled(language: Language): Language {
  return language instanceof WithoutLanguage && language.base === EVERY_STRING ? complementOfList(language.missing) : language;
}

/** One of each key, in order of the keys: the same languages give the same result. */
function distinct(languages: readonly Language[]): Language[] {
  return [...new Map(languages.map((language) => [language.key, language])).values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}

function within(text: string, { min, max }: Bounds): boolean {
  const { length: count } = codePointsOf(text)!;
  return count >= min && count <= max;
}

/** Tables joined as far as they stay small. */
function multiplied(tables: readonly Dfa[], operation: "and" | "or"): Dfa[] {
  const done: Dfa[] = [];
  for (const table of [...tables].sort((a, b) => a.size - b.size)) {
    const last = done.pop();
    const both = last && combined(last, table, operation);
    if (both) done.push(both);
    else done.push(...(last ? [table, last] : [table]));
  }
  return done;
}

/** Bounds on the same language are joined where they meet. */
function joinedBounds(parts: readonly Language[], where: Where): Language[] {
  const groups = new Map<string, CountedLanguage[]>();
  const rest: Language[] = [];
  for (const part of parts) {
    if (part instanceof CountedLanguage) groups.set(part.language.key, [...(groups.get(part.language.key) ?? []), part]);
    else rest.push(part);
  }
  for (const group of groups.values()) {
    const { language } = group[0]!;
    const joined: { min: number; max: number }[] = [];
    for (const { bounds } of group.sort((a, b) => a.bounds.min - b.bounds.min)) {
      const last = joined.at(-1);
      if (last && bounds.min <= last.max + 1) last.max = Math.max(last.max, bounds.max);
      else joined.push({ ...bounds });
    }
    rest.push(...joined.map((bounds) => counted(language, bounds, where)));
  }
  return distinct(rest);
}

function isMeasured(language: Language): language is Measured {
  return "reaches" in language;
}

function product(a: Language, b: Language, where: Where): Language {
  const both = new ProductLanguage(a, b, where);
  return both.start < 0 ? NO_STRING : both;
}
