/**
 * `orrery draw <file>`: the chart that a module exports as a picture. In: a module, and perhaps the trace of a run. Out: SVG or Mermaid, on
 * stdout or in a file.
 */
import { runPath, toMermaid, toSvg, type RunPath } from "@orrery/agent";
import { writeFile } from "node:fs/promises";
import { extname, resolve } from "node:path";
import { oneOf, parse, usage, wholeNumber } from "../arguments.ts";
import { chartNamed, chartsOf, importModule } from "../chart-file.ts";
import { CliError } from "../errors.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import type { Host } from "../host.ts";
import { readTrace } from "../trace-file.ts";

const FORMATS = ["svg", "mermaid"] as const;
/** No chart is nested deeper by hand. */
const MAX_DEPTH = 100;

/** @throws OrreryError for wrong arguments, for a module without a chart, and for a trace without a span */
export async function drawCommand(args: readonly string[], host: Host): Promise<ExitCode> {
  const { values, positionals } = parse("draw", args, {
    out: { type: "string", short: "o" },
    format: { type: "string" },
    export: { type: "string" },
    depth: { type: "string" },
    trace: { type: "string" },
  });
  const [file, ...rest] = positionals;
  if (file === undefined || rest.length > 0) throw usage("draw", "draw takes one file");
  if (values.out === "") throw usage("draw", "--out takes a file");
  const format = values.format === undefined ? formatOf(values.out) : oneOf("draw", "format", values.format, FORMATS);
  const depth = wholeNumber("draw", "depth", values.depth, { min: 1, max: MAX_DEPTH });
  if (depth !== undefined && format === "mermaid") throw usage("draw", "--depth is for SVG");
  const { machine } = chartNamed(chartsOf(await importModule(file, host.cwd), file), values.export);
  const path = values.trace === undefined ? undefined : await pathIn(resolve(host.cwd, values.trace));
  const marked = path === undefined ? {} : { path };
  const picture = format === "svg" ? toSvg(machine, { ...marked, ...(depth === undefined ? {} : { depth }) }) : toMermaid(machine, marked);
  if (values.out === undefined) host.stdout.write(picture);
  else await write(resolve(host.cwd, values.out), picture);
  return EXIT.ok;
}

/** The path of the last run in the file. */
async function pathIn(file: string): Promise<RunPath> {
  const { spans } = await readTrace(file);
  const last = spans.at(-1)?.traceId;
  return runPath(spans.filter(({ traceId }) => traceId === last));
}

function formatOf(out: string | undefined): (typeof FORMATS)[number] {
  return out !== undefined && [".mmd", ".mermaid", ".md"].includes(extname(out).toLowerCase()) ? "mermaid" : "svg";
}

async function write(file: string, picture: string): Promise<void> {
  await writeFile(file, picture).catch((cause: unknown) => {
    throw new CliError("cli/not-written", `${file} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`, {
      hint: "name a file in a folder that exists and may be written to",
      cause,
    });
  });
}
