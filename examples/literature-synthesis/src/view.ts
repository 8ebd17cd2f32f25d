/**
 * A review as lines for a terminal. In: events of the run. Out: lines. Law: text of models and files cannot move the cursor or change
 * colours; pure.
 */
import type { RunEvent } from "@orrery/agent";
import { isJsonObject, type Json, type JsonObject } from "@orrery/chat";

export interface ViewOptions {
  /** Decisions, legal moves and whole quotes too. */
  readonly verbose: boolean;
  /** Columns of the terminal. */
  readonly width: number;
}

/** The lines that an event is worth; none for most. */
export function linesOf(event: RunEvent, { verbose, width }: ViewOptions): readonly string[] {
  const fit = (line: string): string => (verbose ? line : shortened(line, width));
  switch (event.type) {
    case "state":
      return verbose ? [`── ${shown(typeof event.state === "string" ? event.state : Object.keys(event.state).join(" "))}`] : [];
    case "decision":
      return verbose ? [`   may: ${event.moves.calls.map(({ name }) => name).join(", ")}`] : [];
    case "tool-end":
      return linesOfCall(event.call.name, event.call.input, event.output).map(fit);
    case "tool-error":
      return [fit(`✗ ${shown(event.call.name)} ${shown(JSON.stringify(event.call.input))}: ${shown(event.error.message)}`)];
    case "move":
      return event.call.name === "finish" ? [`✎ ${shown(String(event.call.input["summary"]))}`] : [];
    default:
      return [];
  }
}

function linesOfCall(tool: string, input: JsonObject, output: Json): string[] {
  if (tool === "search_papers") return [`⌕ ${shown(String(input["query"]))}`, ...hits(output)];
  if (tool === "read_paper") return [`▸ read ${shown(String(input["id"]))}`];
  if (tool === "add_claim") return [`❝ ${shown(String(input["quote"]))} [${shown(String(input["id"]))}]`];
  if (tool === "write_report") return [];
  return [`▸ ${shown(tool)} ${shown(JSON.stringify(input))} → ${shown(JSON.stringify(output))}`];
}

function hits(output: Json): string[] {
  const papers = isJsonObject(output) && Array.isArray(output["papers"]) ? (output["papers"] as readonly Json[]) : [];
  if (papers.length === 0) return ["  nothing found"];
  return papers.map((paper) => (isJsonObject(paper) ? `  ${shown(String(paper["id"]))}  ${shown(String(paper["title"]))}` : ""));
}

function shortened(line: string, width: number): string {
  const points = [...line];
  return points.length <= width ? line : `${points.slice(0, Math.max(1, width - 1)).join("")}…`;
}

/** Control and direction-changing characters as what they are. */
export function shown(text: string): string {
  return text.replace(/[\p{Cc}\u202A-\u202E\u2066-\u2069]/gu, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
