/** What other packages take of the evaluations: conversations, and the comparison of precisions. */
export { readConversations, type Conversation } from "./conversation.ts";
export { measurePrecision, type PrecisionOptions, type PrecisionReport } from "./precision/measure.ts";
export { precisionTable } from "./precision/table.ts";
export { precisionChart } from "./precision/chart.ts";
