/**
 * An abstract as a text file: `Title:`, `Authors:` (semicolons between them), `Year:`, an empty line, the text. In: an id and the
 * file's text. Out: an abstract, or why it is none. Law: files are hostile; whatever is longer than a named limit is refused, never cut.
 */

export interface Abstract {
  /** The file's name without `.txt`. */
  readonly id: string;
  readonly title: string;
  readonly authors: readonly string[];
  readonly year: number;
  /** One line: runs of white space are single spaces. */
  readonly text: string;
}

/** Characters, but for `authors`, which counts people. */
export const ABSTRACT_LIMITS = { title: 300, authors: 50, author: 100, text: 6_000 } as const;

/** Bytes of a file: more than every field at its limit in UTF-8. */
export const MAX_FILE_BYTES = 64 * 1024;

/** Ids are in prompts, schemas and reports: letters and digits, then also `_` and `-`, at most 40. */
const FILE_NAME = /^([A-Za-z0-9][A-Za-z0-9_-]{0,39})\.txt$/;

export function idOf(fileName: string): string | undefined {
  return FILE_NAME.exec(fileName)?.[1];
}

export function parseAbstract(id: string, source: string): Abstract | { readonly problem: string } {
  const text = source.replace(/^\uFEFF/, "").replaceAll("\r\n", "\n");
  const gap = text.search(/\n[ \t]*\n/);
  if (gap < 0) return { problem: "there is no empty line between the header and the text" };
  const header = new Map<string, string>();
  for (const line of text.slice(0, gap).split("\n")) {
    const [, name, value] = /^(Title|Authors|Year):(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) return { problem: "a line of the header is not 'Title: …', 'Authors: …' or 'Year: …'" };
    if (header.has(name)) return { problem: `the header has two lines '${name}'` };
    header.set(name, oneLine(value));
  }
  const authors = (header.get("Authors") ?? "").split(";").map(oneLine).filter(Boolean);
  const made = { id, title: header.get("Title") ?? "", authors, year: Number(header.get("Year")), text: oneLine(text.slice(gap)) };
  const problem = problemWith(made);
  return problem === undefined ? made : { problem };
}

function problemWith({ title, authors, year, text }: Abstract): string | undefined {
  const { title: titleLength, authors: people, author: nameLength, text: textLength } = ABSTRACT_LIMITS;
  if (title === "" || title.length > titleLength) return `the title must have 1 to ${titleLength} characters`;
  if (authors.length === 0 || authors.length > people) return `there must be 1 to ${people} authors`;
  if (authors.some((name) => name.length > nameLength)) return `the name of an author has more than ${nameLength} characters`;
  if (!Number.isInteger(year) || year < 1000 || year > 9999) return "the year must have four digits";
  if (text === "" || text.length > textLength) return `the text must have 1 to ${textLength} characters`;
  // Control and direction-changing characters would make a terminal or a reader show something else than what is there.
  if (/[\p{Cc}\u202A-\u202E\u2066-\u2069]/u.test([title, ...authors, text].join(" "))) return "there are control characters in it";
  return undefined;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
