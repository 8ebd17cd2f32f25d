/** A report for people. In: a report. Out: lines. Law: a counterexample reads like a story: who does what, and where the chart then is. */
import type { Report } from "./check.ts";
import { choiceText, type Choice } from "./choices.ts";
import type { Finding } from "./findings.ts";
import type { Place } from "./game.ts";
import type { Happening } from "./happening.ts";
import type { Verdict, Way } from "./verify.ts";

/** What a line is, for colours. */
export type LineKind = "title" | "good" | "bad" | "doubt" | "detail";

export interface ReportLine {
  readonly kind: LineKind;
  readonly text: string;
}

/** A report as JSON: ways as lines of text. */
export interface ReportObject extends Omit<Report, "findings" | "properties"> {
  readonly findings: readonly (Omit<Finding, "way"> & { readonly way?: readonly string[] })[];
  readonly properties: readonly (Omit<Verdict, "counterexample"> & { readonly counterexample?: readonly string[] })[];
}

export function reportObject(report: Report): ReportObject {
  return {
    ...report,
    findings: report.findings.map(({ way, ...finding }) => ({ ...finding, ...(way ? { way: wayText(way) } : {}) })),
    properties: report.properties.map(({ counterexample, ...verdict }) => ({
      ...verdict,
      ...(counterexample ? { counterexample: wayText(counterexample) } : {}),
    })),
  };
}

/** A report as text. */
export function reportText(report: Report, name = "chart"): string {
  return reportLines(report, name)
    .map(({ text }) => text)
    .join("\n");
}

export function reportLines(report: Report, name: string): ReportLine[] {
  return [title(report, name), ...report.findings.flatMap(findingLines), ...report.properties.flatMap(verdictLines), ...remarks(report)];
}

function title({ states, transitions, complete, limits, findings }: Report, name: string): ReportLine {
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const seen =
    states === 0
      ? "not explored"
      : `${states} states, ${transitions} transitions, ${complete ? "complete" : `stopped at ${limits.join("; ")}`}`;
  return { kind: "title", text: `${name}: ${seen}, ${errors === 0 ? "no faults" : errors === 1 ? "1 fault" : `${errors} faults`}` };
}

function findingLines({ severity, message, way }: Finding): ReportLine[] {
  const error = severity === "error";
  return [{ kind: error ? "bad" : "doubt", text: `  ${error ? "✗" : "!"} ${message}` }, ...(error && way ? wayLines(way) : [])];
}

const MARKS = { holds: ["good", "✓"], fails: ["bad", "✗"], unknown: ["doubt", "?"] } as const;

export function verdictLines({ name, verdict, reason, counterexample }: Verdict): ReportLine[] {
  const [kind, mark] = MARKS[verdict];
  return [
    { kind, text: `  ${mark} ${name}${reason === undefined ? "" : `: ${reason}`}` },
    ...(counterexample ? wayLines(counterexample) : []),
  ];
}

function remarks({ coarse, sampled, assumed }: Report): ReportLine[] {
  return [
    ...(coarse > 0
      ? [{ kind: "doubt" as const, text: `  ? ${coarse} states merge what goes on differently: give an \`abstraction\` that keeps more` }]
      : []),
    ...assumed.map((text) => ({ kind: "detail" as const, text: `    ${text}` })),
    ...(sampled.length > 0 ? [{ kind: "detail" as const, text: `    inputs are samples: ${sampled.join(", ")}` }] : []),
  ];
}

/** One line for each step: who does what → where the chart then is (what else happens). */
export function wayText(way: Way): string[] {
  const places = [way.start, ...way.steps.map(({ place }) => place)];
  const lines = way.steps.map(({ choice, happenings, place }, i) => {
    const told = happenings.flatMap((happening) => happeningText(happening, choice));
    return `${i + 1}. ${choiceText(choice, places[i]!)} → ${leavesOf(place)}${told.length > 0 ? ` (${told.join(", ")})` : ""}`;
  });
  const { circleFrom } = way;
  const round = circleFrom === undefined ? [] : [`   and so on from step ${circleFrom + 1}, for ever`];
  return [`   begins in ${leavesOf(way.start)}`, ...lines, ...round];
}

function wayLines(way: Way): ReportLine[] {
  return wayText(way).map((text) => ({ kind: "detail", text: `      ${text}` }));
}

/** Active states without active children. */
function leavesOf({ paths }: Place): string {
  return paths.filter((path) => !paths.some((other) => other.startsWith(`${path}.`))).join(" + ") || "the chart";
}

/** What the choice itself does not say already. */
function happeningText({ kind, name, outcome }: Happening, choice: Choice): string[] {
  if (kind === "asked") return [`a person is asked about ${name}`];
  if (kind === "started") return [`${name} starts`];
  return kind === "ended" && choice.by !== "tool" && choice.by !== "actor" && outcome === "error" ? [`${name} is not run`] : [];
}
