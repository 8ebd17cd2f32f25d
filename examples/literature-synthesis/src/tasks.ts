/**
 * Whole tasks that measure a model as a reviewer: a question on the abstracts that come with the example. In: a model and a seed. Out:
 * whether the report is good, and what it took. Law: a report is good only with two claims or more, each quoted word for word from an
 * abstract that was read in this run and that is on the topic, by a list made beforehand.
 */
import type { ChatModel } from "@orrery/chat";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OWN_ABSTRACTS } from "./folder.ts";
import { Library } from "./library.ts";
import { plain } from "./report.ts";
import { review, type Review } from "./review.ts";

export interface Outcome {
  readonly success: boolean;
  /** Decisions of the model. */
  readonly steps: number;
  /** Replies that were no legal move: 0 for a model that is constrained by its moves. */
  readonly illegal: number;
  /** Why there was no success. */
  readonly reason?: string;
}

export interface AgentTask {
  readonly name: string;
  readonly run: (model: ChatModel, options?: { readonly seed?: number }) => Promise<Outcome>;
}

const range = (first: number, last: number, ...more: number[]): readonly string[] =>
  [...Array.from({ length: last - first + 1 }, (_, i) => first + i), ...more].map((n) => `P${String(n).padStart(3, "0")}`);

/** Questions, and the abstracts that have something to say on them. */
const QUESTIONS: readonly (readonly [name: string, question: string, relevant: readonly string[]])[] = [
  ["street-trees", "How much do street trees cool the air in summer?", range(1, 6)],
  ["green-roofs", "How much do green roofs cool the rooms below them?", range(7, 12)],
  ["cool-pavements", "Do reflective pavements make walkers feel cooler?", range(13, 18)],
  ["white-roofs", "What do white roofs do to indoor temperature?", range(19, 24)],
  ["parks", "How far does the cooling of urban parks reach?", range(25, 30)],
  ["fountains", "Do fountains and misting cool public squares?", [...range(31, 36), "P015"]],
  ["shade", "Does shade at bus stops and playgrounds help people on hot days?", range(37, 42, 51)],
  ["green-walls", "Do green walls and climbers cool buildings?", range(43, 48)],
  ["night-heat", "What warms or cools the night air of cities?", range(1, 52)],
  ["flower-strips", "Do flower strips increase wild bees on farms?", range(53, 58)],
  ["hedgerows", "Are hedgerows good for pollinators and crops?", [...range(59, 64), "P085", "P086"]],
  ["bee-hotels", "Do bee hotels and nesting aids support wild bees?", range(65, 70)],
  ["honeybees", "Do honeybee hives harm wild bees?", [...range(71, 76), "P089", "P095", "P100"]],
  ["mowing", "Does less mowing of lawns and road verges help bees?", range(77, 82)],
  ["street-lamps", "How do street lamps affect moths?", range(83, 88)],
  ["pesticides", "How do insecticides and fungicides affect bumblebees?", range(89, 94, 58)],
  ["fruit", "Do wild bees improve pollination and yields of apples and strawberries?", [...range(95, 100), "P062", "P092"]],
  ["surfaces", "Is asphalt hotter than grass or gravel?", ["P013", "P016", "P018", "P026", "P034", "P038", "P051"]],
];

/** The tasks; the library is opened for each, from an index of its own. */
export function tasks(): readonly AgentTask[] {
  return QUESTIONS.map(([name, question, relevant]) => ({
    name,
    run: async (model, { seed = 0 } = {}) => {
      const indexes = await mkdtemp(join(tmpdir(), "orrery-literature-"));
      try {
        const library = await Library.open({ folder: OWN_ABSTRACTS, indexes });
        let markdown = "";
        const publish = (text: string): Promise<string> => {
          markdown = text;
          return Promise.resolve("kept");
        };
        const made = await review(model, { question, library, publish }, { sampling: { seed } });
        const reason = faultOf(made, { library, relevant, markdown });
        library.close();
        return { success: reason === undefined, steps: made.result.decisions, illegal: made.result.illegal, ...(reason ? { reason } : {}) };
      } finally {
        await rm(indexes, { recursive: true });
      }
    },
  }));
}

export interface Judging {
  readonly library: Pick<Library, "read">;
  readonly relevant: readonly string[];
  readonly markdown: string;
}

/** What is wrong with a review, or undefined. Looks at the run's own steps and at the library, not at the facts alone. */
export function faultOf({ status, reason, claims, result }: Review, { library, relevant, markdown }: Judging): string | undefined {
  if (status !== "reported") return `no report: ${reason ?? status}`;
  if (claims.length < 2) return `${claims.length} claims`;
  const read = new Set(result.steps.flatMap(({ tool, input, error }) => (tool === "read_paper" && !error ? [input["id"]] : [])));
  const unread = claims.find(({ id }) => !read.has(id));
  if (unread) return `${unread.id} was cited and not read`;
  const altered = claims.find(({ id, quote }) => !library.read(id).text.includes(quote));
  if (altered) return `a quote from ${altered.id} is not verbatim`;
  const foreign = claims.filter(({ id }) => !relevant.includes(id)).map(({ id }) => id);
  if (foreign.length > 0) return `off the topic: ${foreign.join(", ")}`;
  const missing = claims.find(({ id, quote }) => !markdown.includes(id) || !markdown.includes(plain(quote)));
  return missing && `${missing.id} is not in the report`;
}
