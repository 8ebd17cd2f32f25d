import { scriptedModel } from "@orrery/chat/testing";
import type { Conversation } from "./conversation.ts";
import { fitCopyBias, strength, STRENGTHS } from "./copy-bias-fit.ts";

test("of strengths that are equally good but for one call, the middle one; none where none is better", () => {
  expect(strength([159, 161, 162, 162, 163, 163, 164, 163, 162])).toBe(5);
  expect(strength([9, 9, 9, 9, 9, 9, 9, 9, 9])).toBe(0);
  expect(strength([8, 9, 9, 9, 9, 9, 9, 9, 9])).toBe(0);
  expect(strength([5, 5, 9, 5, 5, 5, 5, 5, 5])).toBe(2);
});

test("calls are asked for with every strength, as they are and renamed, and counted", async () => {
  const talk: Conversation = {
    id: "1",
    kind: "single",
    tools: [{ name: "find", description: "Find.", input: { type: "object" } }],
    messages: [
      { role: "user", content: "Find Duncan" },
      { role: "assistant", calls: [{ id: "c", name: "find", input: { who: "Duncan" } }] },
      { role: "tool", callId: "c", name: "find", output: 1 },
      { role: "assistant", content: "Found." },
    ],
  };
  const other: Conversation = {
    ...talk,
    id: "2",
    messages: [
      { role: "user", content: "hello" },
      { role: "assistant", content: "Hi." },
    ],
  };
  // A model that copies only with a strength of 3 or more.
  const model = scriptedModel(
    Array.from({ length: 2 * STRENGTHS.length }, () => ({ messages, sampling }) => {
      const said = messages[0]?.role === "user" ? messages[0].content.replace("Find ", "") : "";
      return { calls: [{ name: "find", input: { who: (sampling?.copyBias ?? 0) >= 3 ? said : "Dunham" } }] };
    }),
  );
  const fit = await fitCopyBias(model, [talk, other]);
  model.assertComplete();
  expect(fit.asTheyAre.map(({ hits, n }) => [hits, n])).toEqual(STRENGTHS.map((s) => [s >= 3 ? 1 : 0, 1]));
  expect(fit.renamed).toEqual(fit.asTheyAre);
  expect(model.requests[STRENGTHS.length]?.messages).not.toEqual(model.requests[0]?.messages);
  expect(fit.copyBias).toBe(5);
});
