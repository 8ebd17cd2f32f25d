import { otlp } from "./otlp.ts";
import type { Span } from "./span.ts";

const span: Span = {
  traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
  spanId: "00f067aa0ba902b7",
  parentSpanId: "4bf92f3577b34da6",
  name: "chat m",
  startTimeUnixNano: "1795927236685712000",
  endTimeUnixNano: "1795927236685713000",
  attributes: {
    "gen_ai.request.model": "m",
    "orrery.masked_mass": 0,
    "orrery.decision": 0,
    "orrery.moves": ["a"],
    "orrery.stopped": true,
    x: [{ y: 1 }],
  },
  events: [{ name: "orrery.transition", timeUnixNano: "1795927236685712500", attributes: { "orrery.state": "a" } }],
  status: { code: "error", message: "no" },
};

test("spans are the body of an OTLP/HTTP request: typed values, internal kind, error status", () => {
  expect(otlp([span], { service: "s", resource: { "service.version": "1" } })).toEqual({
    resourceSpans: [
      {
        resource: {
          attributes: [
            { key: "service.name", value: { stringValue: "s" } },
            { key: "service.version", value: { stringValue: "1" } },
          ],
        },
        scopeSpans: [
          {
            scope: { name: "@orrery/agent" },
            spans: [
              {
                traceId: span.traceId,
                spanId: span.spanId,
                parentSpanId: span.parentSpanId,
                name: "chat m",
                kind: 1,
                startTimeUnixNano: "1795927236685712000",
                endTimeUnixNano: "1795927236685713000",
                attributes: [
                  { key: "gen_ai.request.model", value: { stringValue: "m" } },
                  { key: "orrery.masked_mass", value: { doubleValue: 0 } },
                  { key: "orrery.decision", value: { intValue: "0" } },
                  { key: "orrery.moves", value: { arrayValue: { values: [{ stringValue: "a" }] } } },
                  { key: "orrery.stopped", value: { boolValue: true } },
                  { key: "x", value: { stringValue: '[{"y":1}]' } },
                ],
                events: [
                  {
                    name: "orrery.transition",
                    timeUnixNano: "1795927236685712500",
                    attributes: [{ key: "orrery.state", value: { stringValue: "a" } }],
                  },
                ],
                status: { code: 2, message: "no" },
              },
            ],
          },
        ],
      },
    ],
  });
});
