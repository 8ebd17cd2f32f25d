/**
 * Spans as an OTLP/HTTP request in JSON: what OpenTelemetry collectors take at `/v1/traces`. In: spans. Out: the request's body. Law:
 * nothing is lost; lists of texts stay lists, other structured values become JSON text, as the conventions ask for.
 */
import type { Json, JsonObject } from "@orrery/chat";
import type { Attributes, Span } from "./span.ts";

export interface OtlpOptions {
  /** `service.name` of the resource. Default `orrery`. */
  readonly service?: string;
  /** Further attributes of the resource, such as `service.version` or `deployment.environment.name`. */
  readonly resource?: Attributes;
}

/** Numbers that need not be whole; a value must not change its type from span to span. */
const DOUBLES = new Set([
  "gen_ai.request.temperature",
  "gen_ai.request.top_k",
  "gen_ai.request.top_p",
  "gen_ai.response.time_to_first_chunk",
  "orrery.masked_mass",
  "orrery.masked_mass_max",
]);
const INTERNAL = 1;
const ERROR = 2;

/**
 * @example
 * await fetch("http://localhost:4318/v1/traces", {
 *   method: "POST",
 *   headers: { "content-type": "application/json" },
 *   body: JSON.stringify(otlp(spans, { service: "my-agent" })),
 * });
 */
export function otlp(spans: readonly Span[], { service = "orrery", resource = {} }: OtlpOptions = {}): JsonObject {
  return {
    resourceSpans: [
      {
        resource: { attributes: keyValues({ "service.name": service, ...resource }) },
        scopeSpans: [{ scope: { name: "@orrery/agent" }, spans: spans.map(spanOf) }],
      },
    ],
  };
}

function spanOf({ attributes, events = [], status, droppedEventsCount, ...rest }: Span): JsonObject {
  return {
    ...rest,
    kind: INTERNAL,
    attributes: keyValues(attributes),
    events: events.map((event) => ({ ...event, attributes: keyValues(event.attributes) })),
    ...(droppedEventsCount === undefined ? {} : { droppedEventsCount }),
    ...(status ? { status: { code: ERROR, ...(status.message === undefined ? {} : { message: status.message }) } } : {}),
  };
}

function keyValues(attributes: Attributes): JsonObject[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value, DOUBLES.has(key)) }));
}

function anyValue(value: Json, double: boolean): JsonObject {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value === "number") return Number.isSafeInteger(value) && !double ? { intValue: String(value) } : { doubleValue: value };
  if (Array.isArray(value) && value.every((each) => typeof each === "string"))
    return { arrayValue: { values: value.map((each) => ({ stringValue: each })) } };
  return { stringValue: JSON.stringify(value) };
}
