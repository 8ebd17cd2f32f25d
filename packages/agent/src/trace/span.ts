/**
 * A span: what a part of a run did and how long it took, as plain JSON. In: nothing. Out: the form that observers get and that JSON
 * lines hold. Law: names of attributes are OpenTelemetry's for generative AI where it has one, and `orrery.…` where it has none; what
 * was said, passed or returned stands in a span only when it was asked for.
 */
import { randomUUID } from "node:crypto";
import type { Json } from "@orrery/chat";
import { AgentError } from "../errors.ts";

/** Values by name; a list or an object only where its name says so (`orrery.moves`, `gen_ai.input.messages`). */
export type Attributes = Readonly<Record<string, Json>>;

/** Something that happened at one moment. */
export interface SpanEvent {
  readonly name: string;
  /** Nanoseconds since 1970, in decimal: more than a number can hold. */
  readonly timeUnixNano: string;
  readonly attributes: Attributes;
}

/** Where a span stands: W3C trace context. */
export interface SpanContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
}

/** A finished span. All are internal ones (`SPAN_KIND_INTERNAL`): the model runs in this process. */
export interface Span extends SpanContext {
  readonly parentSpanId?: string;
  /** `invoke_agent …`, `chat …`, `execute_tool …`, or `orrery.…`. */
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: Attributes;
  readonly events?: readonly SpanEvent[];
  /** Events beyond the span's limit, which are not there. */
  readonly droppedEventsCount?: number;
  /** Only of spans that failed. The message is that of the error, and there only where content was asked for. */
  readonly status?: { readonly code: "error"; readonly message?: string };
}

/** Gets each span when it ends; the run's own comes last. What it throws ends the run, as with `onEvent`. */
export type SpanObserver = (span: Span) => void;

export interface TraceOptions {
  readonly onSpan: SpanObserver;
  /**
   * Also the conversation, inputs and outputs of tools, and messages of errors. They may be confidential, and large: each decision's span
   * holds the whole conversation before it. Default false.
   */
  readonly content?: boolean;
  /** The agent's name: `gen_ai.agent.name`. Default none. */
  readonly agent?: string;
  /** What the runs of one conversation share: `gen_ai.conversation.id`. Default none. */
  readonly conversation?: string;
  /** The span that the run is a part of, of a server's request or of a tool that runs an agent. Default: the run is a trace of its own. */
  readonly parent?: SpanContext;
}

export function newTraceId(): string {
  return randomUUID().replaceAll("-", "");
}

export function newSpanId(): string {
  const digits = randomUUID();
  return digits.slice(0, 8) + digits.slice(24, 32); // the other digits hold the version of the UUID
}

/** The span of a run's first stretch follows from its trace, so that a stretch in another process knows its parent. */
export function rootSpanId(traceId: string): string {
  return traceId.slice(0, 16);
}

/** Nanoseconds since 1970 in decimal, exact to the microsecond. Two small numbers become text much faster than one large one. */
export function unixNano(milliseconds: number): string {
  const micros = Math.round(milliseconds * 1000);
  const seconds = Math.floor(micros / 1e6);
  return `${seconds}${String(1e6 + micros - seconds * 1e6).slice(1)}000`;
}

/** @throws AgentError `agent/bad-trace` for a parent whose ids are not of W3C trace context */
export function requireContext({ traceId, spanId }: SpanContext): void {
  if (isId(traceId, 32) && isId(spanId, 16)) return;
  throw new AgentError("agent/bad-trace", `the parent of a trace has no W3C ids: ${JSON.stringify({ traceId, spanId })}`, {
    hint: "pass a traceId of 32 and a spanId of 16 lower-case hexadecimal digits, not all 0",
  });
}

function isId(id: unknown, digits: number): boolean {
  return typeof id === "string" && id.length === digits && /^[0-9a-f]+$/.test(id) && !/^0+$/.test(id);
}
