/**
 * Walks a folder for the list and search tools. In: a workspace and a start. Out: entries in a fixed order. Law: links are never
 * followed, folders of other tools (.git, node_modules) are not entered, and every count has a limit.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { FileError } from "./file-error.ts";
import type { Workspace } from "./workspace.ts";

/** Names shown of one folder: about 400 tokens, what a small model still reads. */
const MAX_LISTED = 60;
/** Files looked at by one search. */
const MAX_FILES = 5_000;
/** Folders within folders. */
const MAX_DEPTH = 24;
/** Lines found by one search. */
const MAX_MATCHES = 20;
/** Characters shown of a line. */
const MAX_LINE_LENGTH = 160;
/** Bytes read by one search. */
const MAX_SEARCH_BYTES = 50_000_000;
const SKIPPED = new Set([".git", "node_modules"]);

export type Listing = {
  /** Names, folders with a trailing `/`, sorted. */
  readonly files: readonly string[];
  /** How many names were left out; absent when none was. */
  readonly more?: number;
};

/** The entries of one folder. @throws FileError `tool/not-found`, `tool/outside`, `tool/not-a-folder` */
export async function listFolder(workspace: Workspace, dir: string): Promise<Listing> {
  const folder = await workspace.existing(dir);
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => {
    throw new FileError("tool/not-a-folder", "not a folder");
  });
  const names = entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name)).sort(compare);
  const more = names.length - MAX_LISTED;
  return more > 0 ? { files: names.slice(0, MAX_LISTED), more } : { files: names };
}

export type Match = {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly text: string;
};

export type Matches = {
  readonly matches: readonly Match[];
  /** Set when a limit ended the search before all files were read. */
  readonly incomplete?: true;
};

/** Lines below the root that contain `query` as plain text, without regard to case. @throws FileError `tool/bad-query` */
export async function searchFiles(workspace: Workspace, query: string, signal: AbortSignal): Promise<Matches> {
  const wanted = query.toLowerCase();
  if (wanted.trim() === "") throw new FileError("tool/bad-query", "nothing to search for");
  const matches: Match[] = [];
  let files = 0;
  let bytes = 0;
  for await (const path of filesBelow(workspace.root, 0)) {
    signal.throwIfAborted();
    if (++files > MAX_FILES || bytes > MAX_SEARCH_BYTES) return { matches, incomplete: true };
    const file = workspace.display(path);
    const text = await workspace.read(file).catch((error: unknown) => {
      if (error instanceof FileError) return ""; // binary, too large or not readable: not searched
      throw error;
    });
    bytes += text.length;
    if (!text.toLowerCase().includes(wanted)) continue;
    for (const [index, line] of text.split("\n").entries()) {
      if (!line.toLowerCase().includes(wanted)) continue;
      if (matches.length === MAX_MATCHES) return { matches, incomplete: true };
      matches.push({ file, line: index + 1, text: line.trim().slice(0, MAX_LINE_LENGTH) });
    }
  }
  return { matches };
}

/** Paths of the files below the root, as the workspace displays them, in a fixed order; at most `most`. */
export async function listFiles(workspace: Workspace, most = MAX_FILES): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const path of filesBelow(workspace.root, 0)) {
    if (found.length === most) break;
    found.push(workspace.display(path));
  }
  return found;
}

async function* filesBelow(folder: string, depth: number): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries.sort((a, b) => compare(a.name, b.name))) {
    if (entry.isFile()) yield join(folder, entry.name);
    else if (entry.isDirectory() && !SKIPPED.has(entry.name) && depth < MAX_DEPTH) yield* filesBelow(join(folder, entry.name), depth + 1);
  }
}

/** By code units, so that the order is the same everywhere. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
