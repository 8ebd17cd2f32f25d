/**
 * `npm run parse-cases -- <file.jsonl …> [--json] [--list]`: does the text parser find the calls that stand in replies? Every case is
 * read whole and in pieces of 1, 3 and 17 characters. Exit code 1 when a call is lost or invented, or the pieces change anything.
 */
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { OrreryError } from "@orrery/chat";
import { readParseCases } from "./parse/parse-case.ts";
import { isRight, runParseCase, type CaseResult } from "./parse/parse-run.ts";

const DEFAULT_FILES = [new URL("../fixtures/parse-cases.jsonl", import.meta.url)];

interface Summary {
  readonly cases: number;
  readonly right: number;
  readonly lost: number;
  readonly invented: number;
  /** Cases whose parts depend on where the text is cut. */
  readonly cutsDiffer: number;
}

function summarize(results: readonly CaseResult[]): Summary {
  const sum = (count: (result: CaseResult) => number): number => results.reduce((total, result) => total + count(result), 0);
  return {
    cases: results.length,
    right: sum(({ right }) => right),
    lost: sum(({ lost }) => lost.length),
    invented: sum(({ invented }) => invented.length),
    cutsDiffer: sum(({ differs }) => Number(differs.length > 0)),
  };
}

function line(name: string, { cases, right, lost, invented, cutsDiffer }: Summary): string {
  const counts = `${right} right, ${lost} lost, ${invented} invented`;
  return `${name}: ${cases} cases, calls: ${counts}${cutsDiffer > 0 ? `; ${cutsDiffer} cases depend on where the text is cut` : ""}`;
}

function describe(result: CaseResult): string {
  const { case: parseCase, lost, invented, differs } = result;
  const calls = (kind: string, list: CaseResult["lost"]): string[] =>
    list.map(({ name, arguments: input }) => `    ${kind} ${name} ${JSON.stringify(input)}`);
  return [
    `${isRight(result) ? "+" : "-"} line ${parseCase.line} ${parseCase.format}${parseCase.name ? ` ${parseCase.name}` : ""}`,
    ...calls("lost", lost),
    ...calls("invented", invented),
    ...(differs.length > 0 ? [`    other parts in pieces of ${differs.join(", ")}`] : []),
  ].join("\n");
}

/** A result for `--json`, with what a reader needs to find its case. */
function toJson({ case: parseCase, right, lost, invented, differs }: CaseResult): object {
  return { line: parseCase.line, format: parseCase.format, name: parseCase.name, right, lost, invented, differs };
}

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: "boolean", default: false }, list: { type: "boolean", default: false } },
  });
  const files = positionals.length > 0 ? positionals : DEFAULT_FILES;
  const sets = files.map((file) => ({ name: basename(String(file)), results: readParseCases(file).map(runParseCase) }));
  const results = sets.flatMap((set) => set.results);
  if (!results.every(isRight)) process.exitCode = 1;
  if (values.json) {
    const listed = (set: (typeof sets)[number]): CaseResult[] => set.results.filter((result) => values.list || !isRight(result));
    const reports = sets.map((set) => ({ file: set.name, ...summarize(set.results), list: listed(set).map(toJson) }));
    console.log(JSON.stringify({ ...summarize(results), files: reports }));
    return;
  }
  for (const set of sets) {
    console.log(line(set.name, summarize(set.results)));
    for (const result of set.results) if (values.list || !isRight(result)) console.log(describe(result));
  }
}

try {
  main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  if (error instanceof OrreryError && error.hint) console.error(`hint: ${error.hint}`);
  process.exitCode = 1;
}
