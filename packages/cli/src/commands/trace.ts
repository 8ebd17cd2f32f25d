/**
 * `orrery trace <file>`: runs from their spans. In: JSON lines. Out: each trace as a tree with times, tokens, moves and errors; or JSON; or
 * the body of an OTLP request. Law: a line that is no span is told, with its number, and costs only itself.
 */
import { otlp, type Span } from "@orrery/agent";
import { resolve } from "node:path";
import { parse, usage } from "../arguments.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { styleOf, widthOf, writeLine, type Host } from "../host.ts";
import { readTrace, type Problem } from "../trace-file.ts";
import { amount } from "../view/numbers.ts";
import { printableLine } from "../view/printable.ts";
import { byStart, isRun, milliseconds, numberOf, spanRows } from "../view/span-rows.ts";
import { traceLines, type TraceSummary } from "../view/trace-lines.ts";

/** Wrong lines that are shown. */
const SHOWN_PROBLEMS = 10;

/** @throws OrreryError for wrong arguments and for a file without a span */
export async function traceCommand(args: readonly string[], host: Host): Promise<ExitCode> {
  const { values, positionals } = parse("trace", args, {
    json: { type: "boolean" },
    otlp: { type: "boolean" },
    "no-color": { type: "boolean" },
  });
  const [file, ...rest] = positionals;
  if (file === undefined || rest.length > 0) throw usage("trace", "trace takes one file");
  if (values.json && values.otlp) throw usage("trace", "--json and --otlp exclude one another");
  const { spans, problems } = await readTrace(resolve(host.cwd, file));
  const traces = tracesOf(spans);
  if (values.otlp) writeLine(host.stdout, JSON.stringify(otlp(spans)));
  else if (values.json)
    writeLine(host.stdout, JSON.stringify({ traces: traces.map((trace) => ({ ...summaryOf(trace), rows: spanRows(trace) })), problems }));
  else {
    const style = styleOf(host, values["no-color"] ?? false);
    for (const [i, trace] of traces.entries())
      writeLine(
        host.stdout,
        [...(i > 0 ? [""] : []), ...traceLines(summaryOf(trace), spanRows(trace), widthOf(host.stdout), style)].join("\n"),
      );
  }
  for (const line of problemLines(problems)) writeLine(host.stderr, line);
  return EXIT.ok;
}

/** Spans by trace, the first that began first. */
function tracesOf(spans: readonly Span[]): Span[][] {
  const traces = new Map<string, Span[]>();
  for (const span of spans) {
    const trace = traces.get(span.traceId);
    if (trace) trace.push(span);
    else traces.set(span.traceId, [span]);
  }
  return [...traces.values()].map((trace) => trace.sort(byStart)).sort((a, b) => byStart(a[0]!, b[0]!));
}

function summaryOf(spans: readonly Span[]): TraceSummary {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  const isStretch = (span: Span): boolean =>
    isRun(span) && (span.parentSpanId === undefined || !ids.has(span.parentSpanId) || span.attributes["orrery.resumed"] === true);
  const stretches = spans.filter(isStretch);
  const chats = spans.filter(({ attributes }) => attributes["gen_ai.operation.name"] === "chat");
  const first = milliseconds(spans[0]!.startTimeUnixNano);
  const last = (stretches.length > 0 ? stretches : spans).reduce((end, span) => Math.max(end, milliseconds(span.endTimeUnixNano)), first);
  const between = stretches.slice(1).map((span, i) => milliseconds(span.startTimeUnixNano) - milliseconds(stretches[i]!.endTimeUnixNano));
  const waitedMs = between.reduce((sum, ms) => sum + Math.max(0, ms), 0);
  const total = (name: string): number => chats.reduce((sum, { attributes }) => sum + numberOf(attributes[name]), 0);
  const status = stretches.at(-1)?.attributes["orrery.status"];
  return {
    traceId: spans[0]!.traceId,
    status: typeof status === "string" ? status : "unfinished",
    startedAt: dateOf(first),
    ms: last - first - waitedMs,
    waitedMs,
    stretches: stretches.length,
    decisions: chats.length,
    illegal: chats.filter(({ attributes }) => attributes["error.type"] === "agent/illegal-move").length,
    calls: spans.filter(({ attributes }) => attributes["gen_ai.operation.name"] === "execute_tool").length,
    errors: spans.filter(({ name, attributes }) => name !== "orrery.attempt" && attributes["error.type"] !== undefined).length,
    inputTokens: total("gen_ai.usage.input_tokens"),
    cachedTokens: total("gen_ai.usage.cache_read.input_tokens"),
    outputTokens: total("gen_ai.usage.output_tokens"),
    forcedTokens: total("orrery.usage.forced_tokens"),
  };
}

/** A file may say that it began in the year 300000. */
function dateOf(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? "at an unknown time" : date.toISOString();
}

function problemLines(problems: readonly Problem[]): string[] {
  const shown = problems.slice(0, SHOWN_PROBLEMS).map(({ line, message }) => `orrery: line ${line}: ${printableLine(message)}`);
  const more = problems.length - shown.length;
  return more > 0 ? [...shown, `orrery: ${amount(more, "more line")} could not be read`] : shown;
}
