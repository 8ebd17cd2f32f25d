/**
 * Spans as JSON lines: one span a line, UTF-8. In: spans as they end. Out: a file that grows, or a stream. Law: a trace never holds up
 * the run: lines are written behind its back, and `close` says whether all of them arrived.
 */
import { createWriteStream, openSync } from "node:fs";
import { finished } from "node:stream/promises";
import type { Writable } from "node:stream";
import { AgentError, errorFacts } from "../errors.ts";
import type { Span } from "./span.ts";

/** An observer of spans that writes them. */
export interface SpanWriter {
  (span: Span): void;
  /** Settles when all is written; a stream that was given stays open. @throws AgentError `agent/trace-not-written` */
  close(): Promise<void>;
}

/**
 * @param target a file, made for its owner alone if it is not there and appended to if it is, so that a resumed run goes on in it; or a stream
 * @example
 * const spans = jsonLines("run.jsonl");
 * await run(agent, "…", { trace: spans });
 * await spans.close();
 * @throws AgentError `agent/trace-not-written` when the file cannot be opened
 */
export function jsonLines(target: string | Writable): SpanWriter {
  const own = typeof target === "string";
  const stream = own ? append(target) : target;
  let failure: AgentError | undefined;
  const failed = (thrown: unknown): void => void (failure ??= notWritten(own ? target : "the stream", thrown));
  stream.on("error", failed);
  const write = (span: Span): void => {
    if (!failure && stream.writable) stream.write(`${JSON.stringify(span)}\n`);
  };
  const close = async (): Promise<void> => {
    if (!failure) await (own ? finished(stream.end()) : flushed(stream)).catch(failed);
    stream.off("error", failed);
    if (failure) throw failure;
  };
  return Object.assign(write, { close });
}

function append(path: string): Writable {
  try {
    return createWriteStream(path, { fd: openSync(path, "a", 0o600) });
  } catch (thrown) {
    throw notWritten(path, thrown);
  }
}

/** An empty write comes back when those before it are done. */
function flushed(stream: Writable): Promise<void> {
  return new Promise((resolve, reject) => stream.write("", (error) => (error ? reject(error) : resolve())));
}

function notWritten(target: string, cause: unknown): AgentError {
  return new AgentError("agent/trace-not-written", `${target} cannot be written: ${errorFacts(cause, "").message}`, {
    hint: "name a file in a folder that exists and may be written to",
    cause,
  });
}
