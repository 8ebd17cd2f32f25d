/**
 * A library: the abstracts of a folder, to search and to read. In: a folder and a directory for its index. Out: hits, and abstracts.
 * Law: what is read is what was indexed, as long as the library is open, whatever happens to the folder.
 */
import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import type { Abstract } from "./abstract.ts";
import { LiteratureError } from "./errors.ts";
import type { Skipped } from "./folder.ts";
import { openIndex, type OpenIndex } from "./index-file.ts";
import { searchWords } from "./words.ts";

export interface Hit {
  readonly id: string;
  readonly title: string;
}

export interface LibraryOptions {
  readonly folder: string;
  /** Where indexes are kept, one file for each folder. */
  readonly indexes: string;
}

/** Words of a query, and of a topic, that are looked for. */
const MAX_WORDS = 32;

/** bm25: a word in a title counts as three in the text. */
const SEARCH = `select id, paper.title as title from words join paper on paper.key = words.rowid
  where words match ? and words.rowid in (select rowid from words where words match ?) order by bm25(words, 3.0, 1.0), id limit ?`;

export class Library {
  readonly #database: DatabaseSync;
  readonly size: number;
  /** Files of the folder that are no abstracts, and why. */
  readonly skipped: readonly Skipped[];
  /** Was the index built when the library was opened? Else it was found, and up to date. */
  readonly built: boolean;

  private constructor({ database, skipped, built }: OpenIndex) {
    this.#database = database;
    this.skipped = skipped;
    this.built = built;
    this.size = Number(database.prepare("select count(*) as n from paper").get()?.["n"]);
  }

  /**
   * @throws LiteratureError `literature/no-folder`, `literature/no-abstracts`, `literature/too-many-files`, `literature/index-taken`,
   *   `literature/no-full-text-search`
   */
  static async open({ folder, indexes }: LibraryOptions): Promise<Library> {
    const library = new Library(await openIndex(folder, indexes));
    if (library.size > 0) return library;
    library.close();
    const [first] = library.skipped;
    throw new LiteratureError("literature/no-abstracts", `there is no abstract in ${folder}`, {
      hint: `abstracts are .txt files with 'Title:', 'Authors:', 'Year:', an empty line and the text${first ? `; ${first.file} was left out: ${first.reason}` : ""}`,
    });
  }

  /**
   * Abstracts that have some word of the query, stemmed; first those that say most about the topic (default: the query). Both are
   * words, never SQLite's own syntax.
   */
  search(query: string, limit: number, topic = query): readonly Hit[] {
    const [wanted, ranking] = [anyOf(query), anyOf(`${topic} ${query}`)];
    if (wanted === "") return [];
    return this.#database
      .prepare(SEARCH)
      .all(ranking, wanted, limit)
      .map(({ id, title }) => ({ id: String(id), title: String(title) }));
  }

  /** @throws LiteratureError `literature/unknown-id` */
  read(id: string): Abstract {
    const found = this.#database.prepare("select * from paper where id = ?").get(id);
    if (!found)
      throw new LiteratureError("literature/unknown-id", `there is no abstract ${id}`, { hint: "ids are those that a search gave" });
    return abstractOf(found);
  }

  close(): void {
    this.#database.close();
  }
}

function anyOf(text: string): string {
  return searchWords(text)
    .slice(0, MAX_WORDS)
    .map((word) => `"${word}"`)
    .join(" OR ");
}

function abstractOf({ id, title, authors, year, text }: Record<string, SQLOutputValue>): Abstract {
  return {
    id: String(id),
    title: String(title),
    authors: JSON.parse(String(authors)) as string[],
    year: Number(year),
    text: String(text),
  };
}
