/**
 * Charts in a file. In: a module of the user's. Out: what it exports that is a chart, by name. Law: the module is imported, and so runs;
 * nothing that it exports is called.
 */
import type { AgentChart } from "@orrery/agent";
import { toOrreryError } from "@orrery/chat";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { CliError } from "./errors.ts";

/** An agent, a chart or a machine that a module exports. */
export interface NamedChart {
  /** Of the export. */
  readonly name: string;
  readonly machine: AgentChart["machine"];
  /** What was exported. */
  readonly value: unknown;
}

/** All exports of a module. @throws CliError `cli/bad-module` when it cannot be imported */
export async function importModule(file: string, cwd: string): Promise<Readonly<Record<string, unknown>>> {
  const path = resolve(cwd, file);
  try {
    if (!(await stat(path)).isFile()) throw new Error("it is not a file");
    return (await import(pathToFileURL(path).href)) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    const { message, hint } = toOrreryError(cause, "cli/bad-module");
    throw new CliError("cli/bad-module", `${file} cannot be imported: ${message}`, {
      hint: hint ?? "name an ES module (.js, .mjs, or .ts without syntax that must be compiled) whose own imports can be found",
      cause,
    });
  }
}

/** The charts among a module's exports, in the order of their names. @throws CliError `cli/no-chart` when there is none */
export function chartsOf(exported: Readonly<Record<string, unknown>>, file: string): readonly NamedChart[] {
  const charts = Object.entries(exported).flatMap(([name, value]): NamedChart[] => {
    const machine = machineOf(value);
    return machine ? [{ name, machine, value }] : [];
  });
  if (charts.length > 0) return charts;
  throw new CliError("cli/no-chart", `${file} exports no chart; its exports are ${Object.keys(exported).join(", ") || "none"}`, {
    hint: "export an agent (createAgent), a chart (agentChart) or an XState machine",
  });
}

/** The chart of a name, or the only one. @throws CliError `cli/no-chart` */
export function chartNamed(charts: readonly NamedChart[], name: string | undefined): NamedChart {
  const [first] = charts;
  if (name === undefined && charts.length === 1 && first) return first;
  const found = charts.find((chart) => chart.name === name);
  if (found) return found;
  const names = charts.map((chart) => chart.name).join(", ");
  throw new CliError(
    "cli/no-chart",
    name === undefined ? `the file exports ${charts.length} charts: ${names}` : `the file exports no chart '${name}'; it exports ${names}`,
    { hint: "name one with --export" },
  );
}

function machineOf(value: unknown): NamedChart["machine"] | undefined {
  if (isMachine(value)) return value;
  if (typeof value !== "object" || value === null || !("machine" in value)) return undefined;
  return isMachine(value.machine) ? value.machine : undefined;
}

/** By its form: the module may have an XState of its own. */
function isMachine(value: unknown): value is NamedChart["machine"] {
  return (
    typeof value === "object" &&
    value !== null &&
    "root" in value &&
    "getTransitionData" in value &&
    typeof value.getTransitionData === "function" &&
    typeof value.root === "object" &&
    value.root !== null &&
    "states" in value.root
  );
}
