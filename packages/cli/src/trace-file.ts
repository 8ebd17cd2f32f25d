/**
 * A file of spans, as JSON lines. In: a path. Out: the spans that it holds, and what is wrong with the other lines. Law: the file is
 * anybody's; nothing in it is believed but what has the form of a span, and sizes are bounded.
 */
import type { Span } from "@orrery/agent";
import { createReadStream } from "node:fs";
import { z } from "zod";
import { CliError } from "./errors.ts";

/** Bytes; a decision's line with content holds its whole conversation, at most some millions of characters. */
const MAX_LINE = 32 * 2 ** 20;
/** Lines of a run that goes on for days; more would not be read by anybody. */
const MAX_SPANS = 200_000;
/** Kept of the lines that are wrong. */
const MAX_PROBLEMS = 1_000;

export interface Problem {
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

export interface TraceFile {
  readonly spans: readonly Span[];
  readonly problems: readonly Problem[];
}

const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`), `expected ${digits} hexadecimal digits`);
const nano = z.string().regex(/^\d{1,20}$/, "expected nanoseconds in decimal");
const attributes = z.record(z.string(), z.json());
const spanSchema = z.object({
  traceId: hex(32),
  spanId: hex(16),
  parentSpanId: hex(16).optional(),
  name: z.string(),
  startTimeUnixNano: nano,
  endTimeUnixNano: nano,
  attributes,
  events: z.array(z.object({ name: z.string(), timeUnixNano: nano, attributes })).optional(),
  droppedEventsCount: z.int().nonnegative().optional(),
  status: z.object({ code: z.literal("error"), message: z.string().optional() }).optional(),
});

/** @throws CliError `cli/bad-trace` when the file cannot be read or holds no span */
export async function readTrace(path: string): Promise<TraceFile> {
  const spans: Span[] = [];
  const problems: Problem[] = [];
  const wrong = (line: number, message: string): void => void (problems.length < MAX_PROBLEMS && problems.push({ line, message }));
  let line = 0;
  try {
    for await (const text of linesOf(path)) {
      line++;
      if (text === undefined) wrong(line, `longer than ${MAX_LINE} bytes`);
      else if (text.trim() !== "") {
        const read = spanOf(text);
        if (typeof read === "string") wrong(line, read);
        else if (spans.length < MAX_SPANS) spans.push(read);
        else {
          wrong(line, `more than ${MAX_SPANS} spans; the rest was not read`);
          break;
        }
      }
    }
  } catch (cause) {
    throw badTrace(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
  if (spans.length > 0) return { spans, problems };
  const [first] = problems;
  throw badTrace(path, first ? `no line is a span; line ${first.line}: ${first.message}` : "it holds no span");
}

function spanOf(text: string): Span | string {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return "not JSON";
  }
  const read = spanSchema.safeParse(json);
  if (read.success) return read.data as Span;
  const issue = read.error.issues[0];
  return `not a span: ${issue?.path.join(".") || "the whole"}: ${issue?.message}`;
}

/** Lines without their ends; undefined stands for one that is too long, which is not kept. */
async function* linesOf(path: string): AsyncGenerator<string | undefined> {
  let parts: Buffer[] = [];
  let size = 0;
  const taken = (): string | undefined => {
    const text = size > MAX_LINE ? undefined : Buffer.concat(parts).toString("utf8");
    parts = [];
    size = 0;
    return text;
  };
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      size += end - from;
      if (size <= MAX_LINE) parts.push(chunk.subarray(from, end));
      yield taken();
      from = end + 1;
    }
    size += chunk.length - from;
    if (size <= MAX_LINE) parts.push(chunk.subarray(from));
    else parts = [];
  }
  if (size > 0) yield taken();
}

function badTrace(path: string, why: string, cause?: unknown): CliError {
  return new CliError("cli/bad-trace", `${path} cannot be read as a trace: ${why}`, {
    hint: "pass a file of JSON lines that --trace or jsonLines wrote (docs/tracing.md)",
    cause,
  });
}
