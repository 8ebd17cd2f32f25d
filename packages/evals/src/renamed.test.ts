import { readFileSync } from "node:fs";
import { goldTurns, parseConversation, type Conversation } from "./conversation.ts";
import { renamed } from "./renamed.ts";

const conversations = readFileSync(new URL("../data/eval_seen.jsonl", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map(parseConversation);

const talk: Conversation = {
  id: "1",
  kind: "single",
  tools: [{ name: "book", description: "Book in Europe.", input: { type: "object" } }],
  messages: [
    { role: "user", content: "Book Trattoria Roma in Europe, code BK72x. Romano asked." },
    { role: "assistant", calls: [{ id: "c", name: "book", input: { who: "Roma", code: "BK72x", where: ["Europe"], n: 2 } }] },
    { role: "tool", callId: "c", name: "book", output: { place: "Roma", note: { code: "BK72x" } } },
    { role: "assistant", content: "Roma is booked." },
  ],
};

test("names and codes of a call are others wherever they occur; what a tool mentions, and other words, stay", () => {
  const [user, call, result, answer] = renamed(talk, 1).messages;
  const input = call?.role === "assistant" ? call.calls?.[0]?.input : undefined;
  const who = String(input?.["who"]);
  const code = String(input?.["code"]);
  expect(who).toMatch(/^[A-Z][a-z]{3,}$/);
  expect(code).toMatch(/^[A-Z]{2}\d\d[a-z]$/);
  expect([who, code]).not.toEqual(["Roma", "BK72x"]);
  expect(input).toEqual({ who, code, where: ["Europe"], n: 2 });
  expect(user).toEqual({ role: "user", content: `Book Trattoria ${who} in Europe, code ${code}. Romano asked.` });
  expect(result).toMatchObject({ output: { place: who, note: { code } } });
  expect(answer).toEqual({ role: "assistant", content: `${who} is booked.` });
  expect(renamed(talk, 1)).toEqual(renamed(talk, 1));
  expect(renamed(talk, 2)).not.toEqual(renamed(talk, 1));
});

test("of the evaluation conversations many change, and every argument that could be copied still can", () => {
  let changed = 0;
  for (const conversation of conversations) {
    const other = renamed(conversation, 3);
    if (JSON.stringify(other) !== JSON.stringify(conversation)) changed++;
    const turns = goldTurns(other);
    goldTurns(conversation).forEach((turn, i) => {
      const copied = (gold: typeof turn) =>
        gold.calls.flatMap(({ input }) =>
          Object.values(input).map((v) => typeof v === "string" && JSON.stringify(gold.history).includes(v)),
        );
      expect(copied(turns[i]!)).toEqual(copied(turn));
    });
  }
  expect(changed).toBeGreaterThan(30);
});
