/**
 * A trace as lines for a terminal. In: the rows of a trace, and a width in columns. Out: lines, never wider; nothing of the file reaches
 * them unsanitised.
 *
 *          0 ms  run orrery-mini              answered                  824 → 104     1.9 s
 *          1 ms  └─ turn
 *          1 ms     ├─ ◆ days_between         of days_between, answer    230 → 40     1.2 s
 *         1.2 s     └─ ▸ days_between                                                  1 ms
 */
import { amount, duration } from "./numbers.ts";
import { printableLine } from "./printable.ts";
import type { Row } from "./span-rows.ts";
import type { Style } from "./style.ts";
import { columns, fit } from "./width.ts";

const TIME_COLUMNS = 11;
const LABEL_COLUMNS = 28;
const MAX_COLUMNS = 130;
/** Of one fact. */
const FACT_COLUMNS = 60;
/** From here on there is room for tokens. */
const WIDE = 80;

/** What is said of a whole trace. */
export interface TraceSummary {
  readonly traceId: string;
  /** Of its last stretch: `answered`, `failed` …; `unfinished` when the run's own span is not there. */
  readonly status: string;
  readonly startedAt: string;
  /** Milliseconds in its stretches, and between them. */
  readonly ms: number;
  readonly waitedMs: number;
  readonly stretches: number;
  readonly decisions: number;
  readonly illegal: number;
  readonly calls: number;
  readonly errors: number;
  readonly inputTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
  readonly forcedTokens: number;
}

export function traceLines(summary: TraceSummary, rows: readonly Row[], width: number, style: Style): string[] {
  const room = Math.min(width, MAX_COLUMNS);
  const branches = branchesOf(rows);
  const titles = `${"time".padStart(TIME_COLUMNS - 2)}${tailOf("tokens", "took", room).padStart(Math.max(0, room - TIME_COLUMNS + 2))}`;
  return [
    ...headLines(summary, room, style),
    style.dim(fit(titles, room)),
    ...rows.map((row, i) => rowLine(row, branches[i]!, room, style)),
  ];
}

function headLines(s: TraceSummary, room: number, style: Style): string[] {
  const good = s.status === "answered" || s.status === "ended";
  const head = `trace ${s.traceId}  `;
  const facts = [
    duration(s.ms),
    ...(s.waitedMs > 0 ? [`${amount(s.stretches, "stretch").replace(/chs$/, "ches")} with ${duration(s.waitedMs)} between`] : []),
    `${amount(s.decisions, "decision")}, ${s.illegal} illegal`,
  ];
  const used = [
    amount(s.calls, "call"),
    ...(s.errors > 0 ? [amount(s.errors, "error")] : []),
    ...(s.inputTokens + s.outputTokens > 0
      ? [
          `${amount(s.inputTokens, "prompt token")}${s.cachedTokens > 0 ? `, ${s.cachedTokens} reused` : ""}`,
          `${amount(s.outputTokens, "reply token")}${s.forcedTokens > 0 ? `, ${s.forcedTokens} forced` : ""}`,
        ]
      : []),
  ];
  const status = printableLine(s.status);
  return [
    `${style.bold(fit(head, room))}${(good ? style.green : style.yellow)(fit(status, Math.max(0, room - columns(head))))}`,
    style.dim(fit([s.startedAt.replace("T", " ").replace(/\.\d+Z$/, ""), ...facts].join(" · "), room)),
    style.dim(fit(used.join(" · "), room)),
  ];
}

function rowLine(row: Row, branch: string, room: number, style: Style): string {
  const head = `${duration(Math.max(0, row.at)).padStart(TIME_COLUMNS - 2)}  ${branch}`;
  const left = columns(head);
  const label = fit(`${SIGNS[row.kind]}${printableLine(row.label)}`, LABEL_COLUMNS);
  if (row.kind === "state" || left + columns(label) + 2 > room) {
    const rest = fit(label, room - left);
    return left >= room ? style.dim(fit(head, room)) : `${style.dim(head)}${row.kind === "state" ? style.cyan(rest) : rest}`;
  }
  const paint = row.error !== undefined ? style.red : row.kind === "run" ? style.bold : (text: string) => text;
  const gap = " ".repeat(Math.max(2, LABEL_COLUMNS + TIME_COLUMNS - left - columns(label)));
  const tokens = row.tokens ? `${row.tokens.input} → ${row.tokens.output}` : "";
  const tail = tailOf(tokens, row.ms === undefined ? "" : duration(Math.max(0, row.ms)), room);
  const middle = Math.max(0, room - left - columns(label) - gap.length - columns(tail));
  const error = row.error === undefined ? "" : fit(`✗ ${printableLine(row.error)}`, middle);
  const between = error === "" ? "" : "  ";
  const facts = fit(row.facts.map((fact) => fit(printableLine(fact), FACT_COLUMNS)).join(" · "), middle - columns(error) - between.length);
  const used = columns(error) + (facts === "" ? 0 : between.length + columns(facts));
  if (middle === 0) return `${style.dim(head)}${paint(label)}`;
  const said = `${style.red(error)}${facts === "" ? "" : between}${style.dim(facts)}`;
  return `${style.dim(head)}${paint(label)}${gap}${said}${tail.trim() === "" ? "" : " ".repeat(middle - used) + style.dim(tail)}`;
}

/** Two columns at the right edge; on a narrow screen only the second. */
function tailOf(tokens: string, took: string, room: number): string {
  return `${room < WIDE ? "" : ` ${tokens.padStart(12)}`} ${took.padStart(9)}`;
}

/** A model's choice, a call, a person's word. */
const SIGNS: Readonly<Record<Row["kind"], string>> = {
  run: "",
  state: "",
  decision: "◆ ",
  call: "▸ ",
  approval: "? ",
  attempt: "",
  refused: "▸ ",
  other: "",
};

/** `│  ├─ `: for each depth whether more comes below it. Read from the last row, which knows that nothing does. */
function branchesOf(rows: readonly Row[]): string[] {
  const goesOn: boolean[] = [];
  const branches = rows.toReversed().map(({ depth }) => {
    let text = "";
    for (let level = 1; level <= depth; level++) {
      const more = goesOn[level] === true;
      text += level === depth ? (more ? "├─ " : "└─ ") : more ? "│  " : "   ";
    }
    goesOn.length = depth;
    goesOn[depth] = true;
    return text;
  });
  return branches.toReversed();
}
