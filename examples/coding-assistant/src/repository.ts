/**
 * The repository that is worked on. In: a folder. Out: what stands in it, as JSON that a chart can keep: its text files, and which of
 * them each test reaches. Law: nothing below `node_modules`, `.git` or behind a link is part of it.
 */
import { listFiles, openWorkspace, type Workspace } from "@orrery/files";
import { posix } from "node:path";
import { testsIn } from "./source.ts";

/** What a chart knows of a repository before it begins. */
export interface Repository {
  readonly workspace: Workspace;
  /** Text files that fit into a conversation. */
  readonly files: readonly string[];
  /** Of each test file: the files that it imports, directly or by way of others; no tests among them. */
  readonly reaches: Readonly<Record<string, readonly string[]>>;
  /** Of each test file, by the names of its tests: the names in them. */
  readonly cases: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}

/** Characters of a file that may be read: about 2,000 tokens. */
export const MAX_READ = 8_000;
/** Files of a repository that are known; this is an assistant for small ones. */
const MAX_FILES = 500;

/** Tests say what the code should do; they are read, never edited. */
export function isTest(path: string): boolean {
  return /(^|\/)tests?\/|\.test\.[cm]?[jt]sx?$/.test(path);
}

/** Files that decide what runs on a machine: nothing that the repository says is a reason to edit them. */
export function isProtected(path: string): boolean {
  return isTest(path) || /(^|\/)(\.[^/]*|package(-lock)?\.json)(\/|$)/.test(path);
}

/** @throws FileError `tool/not-found`, `tool/not-a-folder` */
export async function openRepository(folder: string): Promise<Repository> {
  const workspace = await openWorkspace(folder);
  const texts = new Map<string, string>();
  for (const path of await listFiles(workspace, MAX_FILES)) {
    const text = await workspace.read(path).catch(() => undefined); // binary, too large or not readable
    if (text !== undefined && text.length <= MAX_READ) texts.set(path, text);
  }
  const tests = [...texts.keys()].filter(isTest);
  return {
    workspace,
    files: [...texts.keys()],
    reaches: Object.fromEntries(tests.map((path) => [path, reachedFrom(path, texts).filter((found) => !isTest(found))])),
    cases: Object.fromEntries(tests.map((path) => [path, testsIn(texts.get(path)!)])),
  };
}

/** Breadth first: what is imported directly comes first. */
function reachedFrom(start: string, texts: ReadonlyMap<string, string>): string[] {
  const found = [start];
  for (const path of found)
    for (const [, name] of (texts.get(path) ?? "").matchAll(/(?:\bfrom|\bimport)\s*\(?\s*["'](\.[^"'\n]+)["']/g)) {
      const target = posix.join(posix.dirname(path), name ?? "");
      const known = [target, `${target}.js`, target.replace(/\.js$/, ".ts")].find((each) => texts.has(each));
      if (known !== undefined && !found.includes(known)) found.push(known);
    }
  return found.slice(1);
}
