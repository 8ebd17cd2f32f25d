/** Counts → what a person reads. */
import type { Counts, Tally } from "./tally.ts";

const COLUMNS: readonly (readonly [title: string, cell: (counts: Counts) => string])[] = [
  ["compiled", ({ compiled, groups }) => `${compiled}/${groups}`],
  ["clean", ({ clean }) => String(clean)],
  ["cases clean", ({ cleanCases, cases }) => `${cleanCases}/${cases}`],
  ["refused-valid", ({ refusedValid }) => String(refusedValid)],
  ["accepted-invalid", ({ acceptedInvalid }) => String(acceptedInvalid)],
  ["unsupported", ({ unsupported }) => String(unsupported)],
  ["crashed", ({ crashed }) => String(crashed)],
];

/** Reasons listed; the rest is a number. */
const MAX_REASONS = 30;

export function suiteTable({ rows, total, reasons }: Tally): string {
  const lines = [...rows, ["all", total] as const].map(([name, counts]) => [name, ...COLUMNS.map(([, cell]) => cell(counts))]);
  const table = [["", ...COLUMNS.map(([title]) => title)], ...lines];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((line) => line[column]!.length)));
  const text = table.map((line) =>
    line
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join("  ")
      .trimEnd(),
  );
  const sorted = [...reasons].toSorted(([, one], [, other]) => other - one);
  const why = sorted.slice(0, MAX_REASONS).map(([reason, groups]) => `${String(groups).padStart(6)}  ${reason}`);
  if (sorted.length > MAX_REASONS) why.push(`        and ${sorted.length - MAX_REASONS} other reasons`);
  return [...text, ...(why.length > 0 ? ["", "groups not compiled, by reason:", ...why] : [])].join("\n");
}
