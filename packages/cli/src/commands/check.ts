/**
 * `orrery check <file>`: explores the charts that a module exports and says what is wrong with them and whether their properties hold. In: a
 * JavaScript or TypeScript file. Out: a report of each. Law: the file is run, as any program is; its agents are not.
 */
import { cancellable, check, ends, isCheckable, isProperty, reportLines, reportObject } from "@orrery/agent/check";
import type { Checkable, CheckOptions, LineKind, Report } from "@orrery/agent/check";
import { parse, usage, wholeNumber } from "../arguments.ts";
import { importModule } from "../chart-file.ts";
import { CliError } from "../errors.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { styleOf, writeLine, type Host } from "../host.ts";
import { printableLine } from "../view/printable.ts";
import type { Style } from "../view/style.ts";

const MAX_STATES = 10_000_000;

/** @throws CliError `cli/bad-module`, `cli/nothing-to-check` */
export async function checkCommand(args: readonly string[], host: Host): Promise<ExitCode> {
  const { values, positionals } = parse("check", args, {
    json: { type: "boolean" },
    "max-states": { type: "string" },
    "no-color": { type: "boolean" },
  });
  const [file, ...rest] = positionals;
  if (file === undefined || rest.length > 0) throw usage("check", "check takes one file");
  const maxStates = wholeNumber("check", "max-states", values["max-states"], { min: 1, max: MAX_STATES });
  const { charts, options } = await chartsOf(file, host.cwd);
  const style = styleOf(host, values["no-color"] ?? false);
  const reports = charts.map(([name, chart]) => {
    const report = check(chart, { ...options, ...(maxStates === undefined ? {} : { maxStates }) });
    if (!values.json) print(report, name, host, style);
    return { name, ...reportObject(report) };
  });
  const ok = reports.every((report) => report.ok);
  if (values.json) writeLine(host.stdout, JSON.stringify({ ok, charts: reports }));
  return ok ? EXIT.ok : EXIT.failed;
}

interface Loaded {
  readonly charts: readonly (readonly [name: string, chart: Checkable])[];
  readonly options: CheckOptions;
}

/** What a file says about the world of its charts, by the names of {@link CheckOptions}. */
const OPTIONS = ["properties", "outcomes", "failures", "inputs", "events", "input", "abstraction"] as const;

async function chartsOf(file: string, cwd: string): Promise<Loaded> {
  const exported = await importModule(file, cwd);
  const charts = Object.entries(exported).flatMap(([name, value], i, all) =>
    isCheckable(value) && all.findIndex(([, other]) => other === value) === i ? [[name, value] as const] : [],
  );
  if (charts.length === 0)
    throw new CliError("cli/nothing-to-check", `${file} exports no agent, chart or machine; it exports ${names(exported)}`, {
      hint: "export what createAgent, agentChart or createMachine returned",
    });
  const given = Object.fromEntries(OPTIONS.flatMap((name) => (name in exported ? [[name, exported[name]]] : [])));
  requireOptions(file, given);
  return { charts, options: { properties: [cancellable(), ends()], ...given } };
}

function requireOptions(file: string, given: Readonly<Record<string, unknown>>): void {
  const { properties, failures, abstraction, ...records } = given;
  const wrong =
    properties !== undefined && !(Array.isArray(properties) && properties.every(isProperty))
      ? "properties is no list of properties"
      : abstraction !== undefined && typeof abstraction !== "function"
        ? "abstraction is no function"
        : failures !== undefined && typeof failures !== "boolean" && !Array.isArray(failures)
          ? "failures is neither true, false nor a list of codes"
          : ["outcomes", "inputs", "events"].find((name) => records[name] !== undefined && typeof records[name] !== "object");
  if (wrong === undefined) return;
  throw new CliError("cli/bad-module", `${file}: ${wrong.includes(" ") ? wrong : `${wrong} is no object`}`, {
    hint: "see docs/checking.md",
  });
}

function names(exported: object): string {
  return Object.keys(exported).join(", ") || "nothing";
}

const STYLES: Readonly<Record<LineKind, keyof Style>> = { title: "bold", good: "green", bad: "red", doubt: "yellow", detail: "dim" };

function print(report: Report, name: string, { stdout }: Host, style: Style): void {
  for (const { kind, text } of reportLines(report, name)) writeLine(stdout, style[STYLES[kind]](printableLine(text)));
}
