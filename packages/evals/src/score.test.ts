import { NO_STATS, NO_USAGE, type Reply } from "@orrery/chat";
import fc from "fast-check";
import { canonical, scoreTurn } from "./score.ts";
import { wilson } from "./wilson.ts";

const reply = (message: Omit<Reply["message"], "role">, reason: Reply["finish"]["reason"] = "stop"): Reply => ({
  message: { role: "assistant", ...message },
  finish: { type: "finish", reason, usage: NO_USAGE, stats: NO_STATS },
});
const call = (name: string, input: Record<string, string | number>) => ({ id: "x", name, input });

test("calls are compared as a bag of values, whatever their order and spelling", () => {
  const gold = { history: [], calls: [call("a", { x: 1, y: "z" }), call("b", {})], text: "" };
  expect(scoreTurn(reply({ calls: [call("b", {}), call("a", { y: "z", x: 1.0 })] }, "tool-calls"), gold)).toEqual({
    wellFormed: true,
    decision: true,
    name: true,
    exact: true,
    copied: undefined,
    numbers: undefined,
  });
  expect(scoreTurn(reply({ calls: [call("a", { x: 2, y: "z" }), call("b", {})] }), gold)).toMatchObject({ name: true, exact: false });
  expect(scoreTurn(reply({ calls: [call("b", {})] }), gold)).toMatchObject({ decision: true, name: false, exact: false });
  expect(scoreTurn(reply({ content: "no" }), gold)).toMatchObject({ decision: false, name: false, exact: false });
});

test("copied texts count by themselves: whatever else is wrong, each must be there whole", () => {
  const history = [
    { role: "user", content: "Ask Dr. Duncan at noon" },
    { role: "tool", callId: "x", name: "find", output: { rooms: ["B 12"] } },
  ] as const;
  const gold = { history, calls: [call("ask", { who: "Dr. Duncan", room: "B 12", time: "12:00" })], text: "" };
  const copied = (input: Record<string, string | number>, name = "ask") => scoreTurn(reply({ calls: [call(name, input)] }), gold).copied;
  expect(copied({ who: "Dr. Duncan", room: "B 12", time: "13:00" })).toBe(true);
  expect(copied({ person: "Dr. Duncan", place: "B 12" }, "call")).toBe(true);
  expect(copied({ who: "Dr. Dunham", room: "B 12", time: "12:00" })).toBe(false);
  expect(copied({ who: "Duncan", room: "B 12", time: "12:00" })).toBe(false);
  expect(scoreTurn(reply({ content: "no" }), gold).copied).toBe(false);
  expect(scoreTurn(reply({ calls: [call("ask", {})] }), { ...gold, calls: [call("ask", { time: "12:00" })] }).copied).toBeUndefined();
});

test("an answer holds the reference's numbers by value", () => {
  const gold = { history: [], calls: [], text: "It costs 1,128.50 on 3 days." };
  expect(scoreTurn(reply({ content: "3 days, 1128.5" }), gold).numbers).toBe(true);
  expect(scoreTurn(reply({ content: "3 days, 1128" }), gold).numbers).toBe(false);
  expect(scoreTurn(reply({ content: "anything" }), { ...gold, text: "No number." }).numbers).toBeUndefined();
});

test.each([
  ["It is -5 degrees.", "5 degrees", false],
  ["It is -5 degrees.", "−5 °C", true],
  ["On 2026-03-05.", "5 March (3) 2026", true],
  ["The rolls are [1,2,3].", "3, 2 and 1", true],
  ["It costs 12,500.", "12500", true],
  ["It is 0.", "-0", true],
])("the numbers of %j are in %j: %s", (text, content, held) => {
  expect(scoreTurn(reply({ content }), { history: [], calls: [], text }).numbers).toBe(held);
});

test("a reply that was cut is not well formed", () => {
  expect(scoreTurn(reply({ content: "3" }, "length"), { history: [], calls: [], text: "3" }).wellFormed).toBe(false);
});

test("canonical spellings are equal exactly for equal values", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
      const copy: unknown = JSON.parse(JSON.stringify(value), (_key, v: unknown) =>
        v !== null && typeof v === "object" && !Array.isArray(v) ? Object.fromEntries(Object.entries(v).toReversed()) : v,
      );
      expect(canonical(copy as Parameters<typeof canonical>[0])).toBe(canonical(JSON.parse(JSON.stringify(value))));
    }),
  );
  expect(canonical({ a: [1, 2] })).not.toBe(canonical({ a: [2, 1] }));
});

test("the Wilson interval of 8 of 10 is [49.0, 94.3] per cent", () => {
  const { share, low, high } = wilson(8, 10); // Brown, Cai and DasGupta 2001, table of examples
  expect([share, low, high].map((x) => Math.round(1000 * x) / 10)).toEqual([80, 49, 94.3]);
});

test("an interval holds the share and stays inside [0, 1]", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (n, p) => {
      const { share, low, high } = wilson(Math.round(n * p), n);
      expect(low).toBeLessThanOrEqual(share + 1e-12);
      expect(high).toBeGreaterThanOrEqual(share - 1e-12);
      expect(low).toBeGreaterThanOrEqual(0);
      expect(high).toBeLessThanOrEqual(1);
    }),
  );
});
