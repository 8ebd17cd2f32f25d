/**
 * The report. A summary that only repeats a quote is left out. In: the question, the claims, the library. Out: Markdown. Law: every quote stands in it word for word, with a reference;
 * text of others is shown as text: it cannot become a heading, a link or HTML.
 */
import type { Facts } from "./facts.ts";
import type { Library } from "./library.ts";

export interface ReportOptions {
  readonly question: string;
  readonly facts: Facts;
  readonly library: Pick<Library, "read" | "size">;
}

export function reportOf({ question, facts, library }: ReportOptions): string {
  const { claims, synthesis, searches, seen, read } = facts;
  const cited = [...new Set(claims.map(({ id }) => id))].sort();
  const number = (id: string): string => `[${cited.indexOf(id) + 1}]`;
  const sections = [
    `# ${plain(question)}`,
    synthesis &&
      !claims.some(({ quote }) => quote === synthesis.summary) &&
      `${plain(synthesis.summary)} ${synthesis.cites.map(number).join("")}\n\n*This summary is the model's; the quotes are the authors'.*`,
    "## Findings",
    claims.length === 0 && "Nothing that was read could be quoted.",
    ...claims.map(({ id, quote }) => `> ${plain(quote)} ${number(id)}`),
    cited.length > 0 && "## References",
    cited.map((id) => reference(number(id), library.read(id))).join("\n"),
    "## How this was found",
    [
      `- searched ${library.size} abstracts for: ${searches.map((query) => `“${plain(query)}”`).join(", ") || "nothing"}`,
      `- found: ${Object.keys(seen).join(", ") || "nothing"}`,
      `- read: ${Object.keys(read).join(", ") || "nothing"}`,
    ].join("\n"),
  ];
  return `${sections.filter(Boolean).join("\n\n")}\n`;
}

function reference(number: string, { id, title, authors, year }: ReturnType<Library["read"]>): string {
  return `- ${number} ${plain(authors.join(", "))} (${year}). *${plain(title)}*. ${id}`;
}

/** Text as Markdown that shows just this text. */
export function plain(text: string): string {
  return text
    .replace(/\s+/g, " ")
    .replace(/[\\`*_[\]<>&|~#!$^{}]/g, "\\$&")
    .replace(/^(\d+)([.)])/, "$1\\$2")
    .replace(/^[-+=]/, "\\$&")
    .replaceAll("://", ":\\/\\/")
    .replace(/www\./gi, (found) => `${found.slice(0, 3)}\\.`)
    .replaceAll("@", "\\@");
}
