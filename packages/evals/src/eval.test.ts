import { readFileSync } from "node:fs";
import { scriptedModel, type ScriptedReply } from "@orrery/chat/testing";
import { goldTurns, parseConversation } from "./conversation.ts";
import { evaluate } from "./eval.ts";

const lines = ["eval_seen.jsonl", "eval_unseen.jsonl"].flatMap((name) =>
  readFileSync(new URL(`../data/${name}`, import.meta.url), "utf8")
    .split("\n")
    .filter((line) => line !== ""),
);
const conversations = lines.map(parseConversation);

test("the 200 conversations parse, and every result belongs to the call it answers", () => {
  expect(conversations).toHaveLength(200);
  for (const { messages } of conversations) {
    const calls = messages.flatMap((m) => (m.role === "assistant" ? (m.calls ?? []) : []));
    const results = messages.flatMap((m) => (m.role === "tool" ? [m] : []));
    expect(results.map((r) => r.callId).toSorted()).toEqual(calls.map((c) => c.id).toSorted());
    for (const result of results) expect(calls.find((c) => c.id === result.callId)?.name).toBe(result.name);
  }
});

test("the reference itself scores 100 per cent, and an empty answer nothing where a call was due", async () => {
  const some = conversations.slice(0, 20);
  const turns = some.flatMap(goldTurns);
  const perfect = turns.map((turn): ScriptedReply => (turn.calls.length > 0 ? { calls: turn.calls } : turn.text));
  const [result] = await evaluate(scriptedModel(perfect), some);
  if (!result) throw new Error("no result");
  expect(result.turns).toBe(turns.length);
  for (const measure of ["wellFormed", "decision", "name", "exact", "numbers"] as const) {
    expect(result.measures[measure].hits).toBe(result.measures[measure].n);
    expect(result.measures[measure].n).toBeGreaterThan(5);
  }
  const [mute] = await evaluate(scriptedModel(turns.map(() => "?")), some);
  expect(mute!.measures.exact.hits).toBe(0);
  expect(mute!.measures.decision.hits).toBe(turns.filter((turn) => turn.calls.length === 0).length);
});

test("every setting is asked for at every turn, and has a result of its own", async () => {
  const some = conversations.slice(0, 3);
  const turns = some.flatMap(goldTurns);
  const settings = [{}, { copyBias: 4 }, { callOffset: -1 }];
  const model = scriptedModel(
    turns.flatMap((turn): ScriptedReply[] => ["?", turn.calls.length > 0 ? { calls: turn.calls } : turn.text, "?"]),
  );
  const results = await evaluate(model, some, { settings });
  expect(model.requests.map(({ sampling }) => sampling)).toEqual(turns.flatMap(() => settings));
  expect(results.map(({ measures }) => measures.exact.hits > 0)).toEqual([false, true, false]);
  model.assertComplete();
});

test("where only calls are asked for, answers are not", async () => {
  const some = conversations.slice(0, 3);
  const turns = some.flatMap(goldTurns).filter((turn) => turn.calls.length > 0);
  const model = scriptedModel(turns.map((turn): ScriptedReply => ({ calls: turn.calls })));
  const [result] = await evaluate(model, some, { onlyCalls: true });
  expect(result!.measures.exact).toMatchObject({ hits: turns.length, n: turns.length });
  model.assertComplete();
});
