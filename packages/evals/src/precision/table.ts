/** A precision report as text. In: the report. Out: lines: one table of what each costs and gives, one of KL and flips per class of tokens. */
import type { Share } from "../wilson.ts";
import type { ContestantReport, PrecisionReport } from "./measure.ts";
import { TOKEN_CLASSES } from "./tally.ts";

type Column = readonly [title: string, cell: (one: ContestantReport) => string];

export function precisionTable(report: PrecisionReport): string {
  const rows = [report.reference, ...report.contestants];
  const shown = TOKEN_CLASSES.filter((name) => report.reference.classes[name] !== undefined);
  const costs: Column[] = [
    ["turn", ({ turnMs }) => `${turnMs.ratio.toFixed(2)}×`],
    ["reply", ({ replyMs }) => `${replyMs.ratio.toFixed(2)}×`],
    ["prompt", ({ promptMs }) => `${promptMs.ratio.toFixed(2)}×`],
    ["ms/turn", ({ turnMs }) => turnMs.median.toFixed(0)],
    ["weights", ({ memory }) => `${(memory.weights / 1e6).toFixed(0)} MB`],
    ["resident", ({ memory }) => `${(memory.resident / 1e6).toFixed(0)} MB`],
    ["low/full/again", ({ steps }) => (steps === null ? "–" : `${steps.low}/${steps.full}/${steps.rechecked}`)],
    ["flips in calls", ({ classes: { calls } }) => (calls ? `${calls.flips}` : "–")],
    ["KL in calls", ({ classes: { calls } }) => (calls ? calls.kl.toExponential(1) : "–")],
    ["calls exact", ({ exact }) => percent(exact)],
    ["as reference", ({ asReference }) => percent(asReference)],
  ];
  const classes = shown.map((name): Column => [
    `${name} (${report.reference.classes[name]!.tokens})`,
    ({ classes: { [name]: figures } }) => (figures ? `${figures.flips} ${figures.kl.toExponential(1)}` : "–"),
  ]);
  return [
    `${report.model}: ${report.conversations} conversations, ${report.turns} turns, ${report.tokens} sampled tokens; times are quotients with ${report.baseline}`,
    ...grid(rows, costs),
    "",
    "flips and mean KL to the reference (nats) by class (tokens)",
    ...grid(rows, classes),
  ].join("\n");
}

function percent({ share, n }: Share): string {
  return n === 0 ? "–" : `${(100 * share).toFixed(1)} %`;
}

function grid(rows: readonly ContestantReport[], columns: readonly Column[]): string[] {
  const table = [["", ...columns.map(([title]) => title)], ...rows.map((row) => [row.name, ...columns.map(([, cell]) => cell(row))])];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((line) => line[column]!.length)));
  return table.map((line) =>
    line
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
      .join("  ")
      .trimEnd(),
  );
}
