/** The reviewer as a library: open a folder, ask a question; and the tasks that measure it. */
export type { Abstract } from "./abstract.ts";
export { reviewChart, type ReviewOptions } from "./chart.ts";
export { LiteratureError } from "./errors.ts";
export type { Claim, Facts, Synthesis } from "./facts.ts";
export type { Skipped } from "./folder.ts";
export { Library, type Hit, type LibraryOptions } from "./library.ts";
export { createReviewer, review, type Review } from "./review.ts";
export { tasks, type AgentTask, type Outcome } from "./tasks.ts";
