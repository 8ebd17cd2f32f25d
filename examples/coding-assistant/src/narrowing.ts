/**
 * What may be read and edited now, as JSON Schemas over the facts. Law: pure; a path is one that exists, a text to replace is one that
 * stands exactly once in a file that was read.
 */
import type { MoveContext } from "@orrery/agent";
import type { JsonSchema } from "@orrery/chat";
import { factsOf, type Facts } from "./facts.ts";
import { repairsOf } from "./repairs.ts";
import { isProtected, isTest } from "./repository.ts";
import { declarationsOf, namesIn, usedBy } from "./source.ts";

/**
 * Reading goes outward: the files that the task names; if it names none, those that the failing tests reach; then what a search found;
 * then any. The first of these circles that has a file is all there is to read.
 */
export function readable(context: MoveContext): JsonSchema | false {
  const { files, tests, reaches, found, texts } = factsOf(context);
  const circles = [
    files.filter((path) => names(taskOf(context), path)),
    (tests?.failures ?? []).flatMap(({ file }) => reaches[file] ?? []),
    found.filter((path) => files.includes(path)),
    files.filter((path) => !isTest(path)),
  ];
  const circle = circles.find(({ length }) => length > 0) ?? [];
  const left = [...new Set(circle)].filter((path) => !Object.hasOwn(texts, path));
  return left.length > 0 && { properties: { path: { enum: left } } };
}

function taskOf({ messages }: MoveContext): string {
  return messages.flatMap((message) => (message.role === "user" ? [message.content] : [])).join("\n");
}

/** A file is named by its path or by its last part. */
function names(task: string, path: string): boolean {
  return task.includes(path) || task.includes(path.split("/").at(-1)!);
}

/** Files that were read and may be edited. */
function open({ texts }: Facts): readonly (readonly [string, string])[] {
  return Object.entries(texts).filter(([path, text]) => !isProtected(path) && text !== "");
}

/** Any edit: one branch for each file, its path and a text that stands in it exactly once. */
export function editable(context: MoveContext): JsonSchema | false {
  const branches = open(factsOf(context)).map(([path, text]) => ({
    properties: { path: { const: path }, old: { uniqueSubstringOf: text } },
  }));
  return branches.length > 0 && { anyOf: branches };
}

/**
 * Edits that are one small change and were not tried: one branch for each piece of text. Where to look widens like reading does: what the
 * task names, put in where the task says; anything there; where all failing tests pass through, and where one does; anywhere. Only the
 * first of these circles that has a change left is legal.
 */
export function repairable(context: MoveContext): JsonSchema | false {
  const facts = factsOf(context);
  const files = open(facts);
  const texts = files.map(([, text]) => text);
  const task = taskOf(context);
  const failures = facts.tests?.failures ?? [];
  const told = failures.flatMap(({ test, expected = "", actual = "", error = "" }) => [test, expected, actual, error]).join("\n");
  const uses = failures.map(({ file, test }) => usedBy(facts.cases[file]?.[test] ?? [], texts));
  const named = namesIn(task);
  const all = files.flatMap(([path, text]) => {
    const declared = declarationsOf(text);
    return repairsOf(text, { task, told })
      .filter((repair) => !facts.edits.some((edit) => edit.path === path && edit.old === repair.old && edit.new === repair.new))
      .map((repair) => ({
        ...repair,
        path,
        text,
        within: declared.find(({ from, to }) => from <= repair.at && repair.at < to)?.name ?? "",
      }));
  });
  const circles: readonly ((repair: (typeof all)[number]) => boolean)[] = [
    ({ within, said }) => named.has(within) && said,
    ({ within }) => named.has(within),
    ({ within, said }) => said && uses.some((used) => used.has(within)),
    ({ within }) => uses.length > 0 && uses.every((used) => used.has(within)),
    ({ within }) => uses.some((used) => used.has(within)),
    () => true,
  ];
  const circle = circles.map((inside) => all.filter(inside)).find(({ length }) => length > 0) ?? [];
  const pieces = new Map<string, { path: string; text: string; old: string; news: string[] }>();
  for (const { path, text, old, new: made } of circle) {
    const key = `${path}\n${old}`;
    const piece = pieces.get(key) ?? { path, text, old, news: [] };
    pieces.set(key, { ...piece, news: [...piece.news, made] });
  }
  const branches = [...pieces.values()].map(({ path, text, old, news }) => ({
    properties: { path: { const: path }, old: { const: old, uniqueSubstringOf: text }, new: { enum: [...new Set(news)] } },
  }));
  return branches.length > 0 && { anyOf: branches };
}
