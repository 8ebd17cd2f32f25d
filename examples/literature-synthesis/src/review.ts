/**
 * A review: one question, answered from a library. In: a model, a question, a library. Out: what was found, quoted and written, and how it
 * went. Law: whatever the model is, a claim quotes an abstract that was read.
 */
import { createAgent, run, type Agent, type RunOptions, type RunResult } from "@orrery/agent";
import type { ChatModel } from "@orrery/chat";
import { reviewChart, type ReviewOptions } from "./chart.ts";
import { LiteratureError } from "./errors.ts";
import { factsOf, type Facts } from "./facts.ts";
import { phrasesOf } from "./words.ts";

export interface Review extends Facts {
  /** `empty`: no search found anything. `stopped`: there is no report; `reason` says why. */
  readonly status: "reported" | "empty" | "stopped";
  readonly reason?: string;
  readonly result: RunResult;
}

export const MAX_QUESTION = 300;

/** @throws LiteratureError `literature/bad-question` for one that is too long, or has no word to search with */
export function requireQuestion(question: string): void {
  if (question.length <= MAX_QUESTION && phrasesOf(question).length > 0) return;
  throw new LiteratureError(
    "literature/bad-question",
    `a question must have a word to search with, and at most ${MAX_QUESTION} characters`,
    {
      hint: 'ask in a sentence, such as "Do street trees cool the air?"',
    },
  );
}

/** @throws LiteratureError `literature/bad-question` */
export function createReviewer(model: ChatModel, options: ReviewOptions): Agent {
  requireQuestion(options.question);
  return createAgent({ model, chart: reviewChart(options), instructions: "Use the tools to answer. Do not make up facts." });
}

/** @throws LiteratureError `literature/bad-question` */
export async function review(model: ChatModel, options: ReviewOptions, running: RunOptions = {}): Promise<Review> {
  const result = await run(createReviewer(model, options), options.question, running);
  const facts = factsOf(result);
  const status = statusOf(result, facts);
  return { ...facts, status, ...(status === "stopped" ? { reason: reasonOf(result) } : {}), result };
}

/** A model that is not constrained may also end where nothing is found because it made no legal move. */
function statusOf({ status, state }: RunResult, { searches, seen }: Facts): Review["status"] {
  if (status !== "ended") return "stopped";
  if (state === "reported") return "reported";
  return searches.length > 0 && Object.keys(seen).length === 0 ? "empty" : "stopped";
}

function reasonOf({ status, state, steps, error }: RunResult): string {
  if (error) return error.message;
  if (state === "unwritten") return `the report could not be written: ${steps.at(-1)?.error?.message ?? ""}`;
  return status === "ended" ? "the model made no legal move" : status;
}
