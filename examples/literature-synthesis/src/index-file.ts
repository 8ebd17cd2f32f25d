/**
 * The full-text index of a folder, an SQLite file beside others in a directory of indexes. In: the folder. Out: an open database that
 * agrees with the folder as it was listed. Law: an index is built whole beside its place and renamed into it, so that nobody sees half
 * of one; it is used again only while the stamps of all files are those it was built from.
 */
import { createHash, randomUUID } from "node:crypto";
import { mkdir, realpath, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Abstract } from "./abstract.ts";
import { LiteratureError } from "./errors.ts";
import { listFolder, readAbstract, type Listing, type Skipped } from "./folder.ts";

/** Changes when the tables or the rules for files do: older indexes are then built anew. */
const FORMAT = "1";

const TABLES = `
  create table meta (stamps text not null, skipped text not null);
  create table paper (key integer primary key, id text not null unique, title text not null, authors text not null,
    year integer not null, text text not null);
  create virtual table words using fts5 (title, text, content='paper', content_rowid='key',
    tokenize="porter unicode61 remove_diacritics 2");
`;

export interface OpenIndex {
  readonly database: DatabaseSync;
  readonly skipped: readonly Skipped[];
  /** Was it built now, rather than found? */
  readonly built: boolean;
}

/** @throws LiteratureError `literature/no-folder`, `literature/too-many-files`, `literature/no-full-text-search` */
export async function openIndex(folder: string, indexes: string): Promise<OpenIndex> {
  const listing = await listFolder(folder);
  const place = await realpath(folder);
  const stamps = digest([FORMAT, place, ...listing.files.flatMap(({ name, stamp }) => [name, stamp]), JSON.stringify(listing.skipped)]);
  const file = join(indexes, `literature-${digest([place]).slice(0, 16)}.sqlite`);
  const found = reuse(file, stamps);
  if (found) return { ...found, built: false };
  await mkdir(indexes, { recursive: true });
  const fresh = `${file}.${randomUUID()}.new`;
  try {
    await build(fresh, { folder, listing, stamps });
    await rename(fresh, file);
  } finally {
    await rm(fresh, { force: true });
    await rm(`${fresh}-journal`, { force: true });
  }
  const made = reuse(file, stamps);
  if (!made)
    throw new LiteratureError("literature/index-taken", `the index of ${folder} was replaced by another process`, {
      hint: "try again when the folder does not change",
    });
  return { ...made, built: true };
}

function reuse(file: string, stamps: string): Omit<OpenIndex, "built"> | undefined {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { readOnly: true });
    const meta = database.prepare("select stamps, skipped from meta").get();
    if (meta?.["stamps"] === stamps) return { database, skipped: JSON.parse(String(meta["skipped"])) as Skipped[] };
  } catch {
    // Not there, not whole or not ours: it is built anew.
  }
  database?.close();
  return undefined;
}

interface Building {
  readonly folder: string;
  readonly listing: Listing;
  readonly stamps: string;
}

async function build(file: string, { folder, listing, stamps }: Building): Promise<void> {
  const database = new DatabaseSync(file);
  try {
    createTables(database);
    const paper = database.prepare("insert into paper (id, title, authors, year, text) values (?, ?, ?, ?, ?)");
    const skipped = [...listing.skipped];
    database.exec("begin");
    for (const each of listing.files) {
      const read = await readAbstract(folder, each);
      if ("problem" in read) skipped.push({ file: JSON.stringify(each.name), reason: read.problem });
      else paper.run(...row(read));
    }
    database.exec("insert into words (words) values ('rebuild')");
    database.prepare("insert into meta values (?, ?)").run(stamps, JSON.stringify(skipped));
    database.exec("commit");
  } finally {
    database.close();
  }
}

function row({ id, title, authors, year, text }: Abstract): [string, string, string, number, string] {
  return [id, title, JSON.stringify(authors), year, text];
}

function createTables(database: DatabaseSync): void {
  try {
    database.exec(TABLES);
  } catch (thrown) {
    if (!/no such module: fts5/.test(String(thrown))) throw thrown;
    throw new LiteratureError("literature/no-full-text-search", `the SQLite of Node ${process.versions.node} has no full-text search`, {
      hint: "use Node 22.16 or later",
      cause: thrown,
    });
  }
}

function digest(parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}
