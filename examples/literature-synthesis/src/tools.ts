/**
 * The four tools of a review. In: a library, and what to do with the report. Out: tools; what may be called when is the chart's matter.
 * Law: titles and abstracts are text that others wrote; a claim is checked against the library once more, whatever the model is.
 */
import { tool, type Tool } from "@orrery/agent";
import { z } from "zod";
import { LiteratureError } from "./errors.ts";
import type { Library } from "./library.ts";
import { problemOfQuote } from "./quotes.ts";

/** Few hits a search: they stay in a small context for the rest of the run. */
export const HITS = 3;

export interface ToolsOptions {
  /** Ranks what a search finds. */
  readonly question: string;
  readonly library: Library;
  /** Puts the report where it belongs, and says where that is. */
  readonly publish: (markdown: string) => Promise<string>;
}

export function reviewTools({ question, library, publish }: ToolsOptions): readonly Tool[] {
  const searchPapers = tool({
    name: "search_papers",
    description: "Search scientific papers by topic; returns ids and titles.",
    trust: "untrusted",
    input: z.object({ query: z.string() }),
    run: ({ query }) => ({ papers: library.search(query, HITS, question).map(({ id, title }) => ({ id, title })) }),
  });
  const readPaper = tool({
    name: "read_paper",
    description: "Get the abstract of a paper by id.",
    trust: "untrusted",
    input: z.object({ id: z.string() }),
    run({ id }) {
      const { title, text } = library.read(id);
      return { title, text };
    },
  });
  const addClaim = tool({
    name: "add_claim",
    description: "Quote the main finding of a paper.",
    input: z.object({ id: z.string(), quote: z.string() }),
    run({ id, quote }) {
      const problem = problemOfQuote(quote, library.read(id).text);
      if (problem !== undefined)
        throw new LiteratureError("literature/not-verbatim", `${id}: ${problem}`, { hint: "quote a sentence of the abstract as it is" });
      return "noted";
    },
  });
  const writeReport = tool({
    name: "write_report",
    description: "Write the report.",
    effects: "write",
    input: z.object({ markdown: z.string() }),
    run: ({ markdown }) => publish(markdown),
  });
  return [searchPapers, readPaper, addClaim, writeReport];
}
