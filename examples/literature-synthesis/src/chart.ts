/**
 * The chart of a review:
 *
 *     searching ──start_reading──▶ reading ──start_extracting──▶ extracting ──start_writing──▶ writing ──finish──▶ reporting ──▶ reported
 *     searching ──start_extracting──▶ extracting   (a further search gave nothing new)
 *     searching ──nothing found──▶ empty           reading ──search_again──▶ searching
 *     extracting ──nothing_relevant, or nothing can be quoted──▶ reporting
 *     reporting ──could not be written──▶ unwritten
 *
 * In: a question, a library, what to do with the report. Out: a chart. Law: a query is a piece of the question, which ranks what it finds; an id can be read only
 * if a search gave it, and cited only if it was read; a quote is a piece of that very abstract. The report is made of claims by the
 * program.
 */
import { act, agentChart, phase, type AgentChart, type MoveContext, type Tool } from "@orrery/agent";
import type { JsonSchema } from "@orrery/chat";
import { factsOf, learn, NO_FACTS, unquoted, unread } from "./facts.ts";
import type { Library } from "./library.ts";
import { quotesFrom } from "./quotes.ts";
import { reportOf } from "./report.ts";
import { summaryOf } from "./summary.ts";
import { reviewTools } from "./tools.ts";
import { phrasesOf } from "./words.ts";

export interface ReviewOptions {
  readonly question: string;
  readonly library: Library;
  /** Puts the report where it belongs, and says where that is. */
  readonly publish: (markdown: string) => Promise<string>;
  /**
   * Tools of your own, legal while the review searches, reads and quotes. Those that write or reach out are legal only until a title or
   * an abstract stands in the conversation.
   */
  readonly tools?: readonly Tool[];
}

/** Searches and abstracts of one review, and claims that end it: what a small context has room for. */
export const REVIEW_LIMITS = { searches: 3, abstracts: 4, claims: 2 } as const;

export function reviewChart({ question, library, publish, tools = [] }: ReviewOptions): AgentChart {
  const phrases = phrasesOf(question);
  const own = tools.map(({ name }) => name);
  const queries = (context: MoveContext): string[] => phrases.filter((phrase) => !factsOf(context).searches.includes(phrase));
  const maySearch = (context: MoveContext): boolean =>
    factsOf(context).searches.length < REVIEW_LIMITS.searches && queries(context).length > 0;
  /** One branch for each abstract that was read and not quoted yet: its id, and sentences of its text. */
  const claimable = (context: MoveContext): JsonSchema | false => {
    const branches = unquoted(factsOf(context)).flatMap(([id, text]) => {
      const quote = quotesFrom(text, question);
      return quote ? [{ properties: { id: { const: id }, quote } }] : [];
    });
    return branches.length > 0 && { anyOf: branches };
  };
  /** Cites what is claimed, in the words of what is cited or could be. */
  const citable = (context: MoveContext): JsonSchema | false => {
    const { claims } = factsOf(context);
    if (claims.length === 0) return false;
    const cites = { items: { enum: claims.map(({ id }) => id) } };
    const summary = summaryOf(
      question,
      claims.map(({ quote }) => quote),
    );
    return { properties: { cites, summary } };
  };
  return agentChart({
    tools: [...reviewTools({ question, library, publish }), ...tools],
    limits: { steps: 32, replyTokens: 400 },
    approval: {
      rules: [
        { tools: ["write_report"], verdict: "allow" },
        { effects: ["write", "external"], tainted: true, verdict: "deny" },
      ],
    },
    facts: { initial: NO_FACTS, learn },
    guards: { written: ({ steps }) => steps.at(-1)?.error === undefined },
    states: {
      searching: phase({
        tools: ["search_papers", ...own],
        when: { search_papers: (context) => maySearch(context) && nothingNew(context) },
        narrow: { search_papers: (context) => oneOf("query", queries(context)) },
        exits: {
          start_reading: {
            target: "reading",
            description: "Read what was found.",
            when: (context) => unread(factsOf(context)).length > 0,
          },
          start_extracting: { ...EXTRACT, when: (context) => nothingNew(context) && Object.keys(factsOf(context).read).length > 0 },
        },
        otherwise: "empty",
      }),
      reading: phase({
        instructions: "Read papers on the question.",
        tools: ["read_paper", ...own],
        when: { read_paper: mayRead },
        narrow: { read_paper: (context) => oneOf("id", unread(factsOf(context))) },
        exits: {
          search_again: {
            target: "searching",
            description: "Search with other words.",
            when: (context) => mayRead(context) && maySearch(context) && nothingNew(context),
          },
          start_extracting: {
            ...EXTRACT,
            when: (context) => Object.keys(factsOf(context).read).length >= REVIEW_LIMITS.claims || nothingNew(context),
          },
        },
        otherwise: "extracting",
      }),
      extracting: phase({
        instructions: "Quote the sentence that answers the question.",
        tools: ["add_claim", ...own],
        narrow: { add_claim: claimable },
        exits: {
          start_writing: {
            target: "writing",
            description: "Write the synthesis.",
            when: (context) => {
              const { claims } = factsOf(context);
              return claims.length >= REVIEW_LIMITS.claims || (claims.length > 0 && claimable(context) === false);
            },
          },
          nothing_relevant: {
            target: "reporting",
            description: "Nothing that was read answers the question.",
            when: (context) => factsOf(context).claims.length === 0,
          },
        },
        otherwise: "reporting",
      }),
      writing: phase({
        instructions: "Say in a sentence what the quotes have in common.",
        exits: { finish: { target: "reporting", description: "Finish with a summary.", input: SYNTHESIS, narrow: citable } },
        otherwise: "reporting",
      }),
      reporting: act({
        tool: "write_report",
        input: (context) => ({ markdown: reportOf({ question, facts: factsOf(context), library }) }),
        next: [{ target: "reported", guard: "written" }, { target: "unwritten" }],
      }),
      reported: { type: "final", entry: "close" },
      unwritten: { type: "final", entry: "close" },
      empty: { type: "final", entry: "close" },
    },
  });
}

const EXTRACT = { target: "extracting", description: "Quote what was read." };

function nothingNew(context: MoveContext): boolean {
  return unread(factsOf(context)).length === 0;
}

function mayRead(context: MoveContext): boolean {
  return Object.keys(factsOf(context).read).length < REVIEW_LIMITS.abstracts;
}

const SYNTHESIS: JsonSchema = {
  type: "object",
  properties: {
    cites: { type: "array", minItems: 1, maxItems: 3 },
    summary: { type: "string" },
  },
  required: ["cites", "summary"],
  additionalProperties: false,
};

function oneOf(argument: string, values: readonly string[]): JsonSchema | false {
  return values.length > 0 && { properties: { [argument]: { enum: values } } };
}
