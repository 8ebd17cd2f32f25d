import type { Json, Message } from "@orrery/chat";
import fc from "fast-check";
import { passagesOf } from "./passages.ts";

const TALK: readonly Message[] = [
  { role: "system", content: "Today is Monday." },
  { role: "user", content: "Call Dr. Duncan" },
  { role: "assistant", calls: [{ id: "1", name: "find", input: { name: "Dunham" } }] },
  { role: "tool", callId: "1", name: "find", output: { phone: "+47 22", rooms: [{ no: 4.5 }], open: true, fax: null } },
  { role: "assistant", content: "Her number is +47 22.", reasoning: "hm" },
];

test("what was said and returned is there, in order; inputs of calls, thoughts, booleans and null are not", () => {
  expect(passagesOf(TALK)).toEqual([
    "Today is Monday.",
    "Call Dr. Duncan",
    "phone",
    "rooms",
    "open",
    "fax",
    "+47 22",
    "no",
    "4.5",
    "Her number is +47 22.",
  ]);
  expect(passagesOf([{ role: "tool", callId: "1", name: "t", output: "plain" }])).toEqual(["plain"]);
});

test("every text and number of a result is a passage, however deep", () => {
  const leaves = (value: Json): string[] => {
    if (typeof value === "string") return [value];
    if (typeof value === "number") return [JSON.stringify(value)];
    return value === null || typeof value === "boolean" ? [] : Object.values(value).flatMap((item) => leaves(item as Json));
  };
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const output = JSON.parse(JSON.stringify(value)) as Json;
      const passages = passagesOf([{ role: "tool", callId: "1", name: "t", output }]);
      for (const leaf of leaves(output)) expect(passages).toContain(leaf);
    }),
  );
  let deep: Json = "bottom";
  for (let i = 0; i < 100_000; i++) deep = [deep];
  expect(passagesOf([{ role: "tool", callId: "1", name: "t", output: deep }])).toEqual(["bottom"]);
});
