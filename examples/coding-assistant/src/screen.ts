/**
 * A run as lines of text. In: the agent's events, planned edits. Out: lines that are safe to print. Law: nothing of a model, a file or a
 * test reaches the terminal unsanitised.
 */
import type { RunEvent, RunResult } from "@orrery/agent";
import { isJsonObject, type Json, type JsonObject, type ToolCall } from "@orrery/chat";
import type { TestResult } from "./run-tests.ts";

const NAME = 14;
const WIDTH = 120;

/** One line: control characters, and marks that reorder or hide text, become visible. */
export function printable(text: string): string {
  const safe = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (sign) => `\\u{${sign.codePointAt(0)!.toString(16)}}`);
  return safe.length > WIDTH ? `${safe.slice(0, WIDTH)}…` : safe;
}

/** What an event has to say; nothing for most. */
export function linesOf(event: RunEvent): readonly string[] {
  if (event.type === "state") return [`  · ${String(event.state)}`];
  if (event.type === "tool-error") return [moveLine(event.call, `✗ ${event.error.message}`)];
  if (event.type !== "tool-end") return [];
  const { call, output } = event;
  if (call.name === "run_tests") return testLines(call, output as TestResult);
  if (call.name === "search_files") return [moveLine(call, matches(output))];
  return [moveLine(call, call.name === "read_file" ? "" : "✓")];
}

function moveLine({ name, input }: ToolCall, result: string): string {
  const about = input["path"] ?? input["query"] ?? "";
  return printable(`▸ ${name.padEnd(NAME)} ${String(about).padEnd(16)} ${result}`).trimEnd();
}

function matches(output: Json): string {
  const found = isJsonObject(output) ? output["matches"] : undefined;
  return Array.isArray(found) ? `${found.length} lines` : "";
}

function testLines(call: ToolCall, { passed, failed, failures }: TestResult): readonly string[] {
  const head = moveLine(call, failed === 0 ? `${passed} passed` : `${passed} passed, ${failed} failed`);
  return [
    head,
    ...failures.map(({ test, expected, actual, error }) =>
      printable(`    ✗ ${test}: ${error ?? `expected ${expected ?? "?"}, got ${actual ?? "?"}`}`),
    ),
  ];
}

/** The lines that an edit changes, with one on either side; nothing when it would not fit the text. */
export function changeLines(text: string, { path, old, new: made }: JsonObject): readonly string[] {
  const at = text.indexOf(String(old));
  if (at < 0) return [];
  const from = text.lastIndexOf("\n", at - 1) + 1;
  const end = text.indexOf("\n", at + String(old).length);
  const to = end < 0 ? text.length : end;
  const before = text.slice(from, to);
  const after = text.slice(from, at) + String(made) + text.slice(at + String(old).length, to);
  const line = text.slice(0, from).split("\n").length;
  const around = (piece: string | undefined): string[] => (piece === undefined ? [] : [printable(`      ${piece}`).trimEnd()]);
  return [
    printable(`  ${String(path)}:${line}`),
    ...around(text.slice(0, from).split("\n").at(-2)),
    ...before.split("\n").map((each) => printable(`    - ${each}`)),
    ...after.split("\n").map((each) => printable(`    + ${each}`)),
    ...around(text.slice(to).split("\n")[1]),
  ];
}

/** What the run came to, by what the chart knows and not by what the model says. */
export function endLines({ status, state, answer, error, facts, decisions, illegal, timings }: RunResult<unknown>): readonly string[] {
  const tests = facts["tests"] as TestResult | null | undefined;
  const outcome =
    status === "answered"
      ? `✓ mended: ${tests?.passed ?? 0} tests pass`
      : error
        ? `✗ ${error.message}`
        : `✗ ${status === "ended" ? String(state) : status}: ${tests?.failed ?? "?"} tests fail, edits that did not help were taken back`;
  return [
    ...(answer === "" ? [] : [printable(`“${answer}”`)]),
    printable(outcome),
    `  ${decisions} decisions, ${illegal} illegal · ${Math.round(timings.totalMs / 100) / 10} s`,
  ];
}
