import { ChatError, NO_STATS, NO_USAGE, type ChatEvent, type ChatModel, type ChatRequest, type JsonObject } from "@orrery/chat";
import { createAgent } from "./agent.ts";
import { conversation, type CompactionOptions } from "./conversation.ts";
import type { ConversationEmitted } from "./machines/conversation.machine.ts";
import type { RunEvent } from "./result.ts";
import { tool } from "./tool.ts";

class TooLong extends ChatError {}

/** A word is a token; prompts beyond the context are refused. Sums up as "summary N", calls when the last word is "call". */
function wordy(contextLength: number) {
  const requests: ChatRequest[] = [];
  let summaries = 0;
  const model: ChatModel = {
    id: "wordy",
    contextLength,
    stream(request) {
      const tokens = JSON.stringify(request.messages).split(/\s+/).length;
      if (tokens > contextLength) throw new TooLong("runtime/context-length", `${tokens} tokens`);
      requests.push(request);
      return say(request, tokens);
    },
  };
  async function* say({ messages, moves }: ChatRequest, promptTokens: number): AsyncGenerator<ChatEvent> {
    await Promise.resolve();
    const last = messages.at(-1)!;
    const usage = { ...NO_USAGE, promptTokens, replyTokens: 2 };
    if (last.role === "user" && last.content.endsWith("call") && moves!.calls.length > 0) {
      yield { type: "tool-call", call: { id: "", name: moves!.calls[0]!.name, input: {} } };
      return yield { type: "finish", reason: "tool-calls", usage, stats: NO_STATS };
    }
    yield { type: "text-delta", text: last.role === "user" && last.content.startsWith("Sum up") ? `summary ${++summaries}` : "well said" };
    yield { type: "finish", reason: "stop", usage, stats: NO_STATS };
  }
  return { model, requests };
}

const talk = async (contextLength: number, lines: readonly string[], compaction: CompactionOptions = {}) => {
  const { model, requests } = wordy(contextLength);
  const told: (RunEvent | ConversationEmitted)[] = [];
  const chat = conversation(createAgent({ model, tools: [], instructions: "Be brief." }), { compaction });
  const results = [];
  for (const line of lines) results.push(await chat.say(line, { onEvent: (event) => void told.push(event) }));
  return { chat, results, requests, compactions: told.filter(({ type }) => type === "compaction") };
};
const words = (n: number) => Array.from({ length: n }, (_, i) => `w${i}`).join(" ");

test("turns follow one another, and the prompt only grows at its end", async () => {
  const { results, requests, compactions } = await talk(10_000, ["one", "two", "three"]);
  expect(results.map(({ status }) => status)).toEqual(["answered", "answered", "answered"]);
  expect(compactions).toEqual([]);
  for (const [i, { messages }] of requests.slice(1).entries())
    expect(messages.slice(0, requests[i]!.messages.length)).toEqual(requests[i]!.messages);
});

test("before the context is full, old turns become a summary, which is told, and the last turn stays word for word", async () => {
  const { chat, requests, compactions } = await talk(100, [words(35), words(35), "and now?"]);
  expect(compactions).toMatchObject([{ before: 4, after: 2, summary: "summary 1" }]);
  expect(requests.at(-1)!.messages).toEqual([
    { role: "system", content: "Be brief.\n\nSummary of the earlier conversation:\nsummary 1" },
    { role: "user", content: words(35) },
    { role: "assistant", content: "well said" },
    { role: "user", content: "and now?" },
  ]);
  expect(chat.save()).toMatchObject({ summary: "summary 1" });
});

test("a prompt that does not fit is compacted and tried once more; a summary takes the earlier one in", async () => {
  const { results, compactions, requests } = await talk(100, [words(40), words(40), words(20)], { at: 1 });
  expect(results.map(({ status }) => status)).toEqual(["answered", "answered", "answered"]);
  expect(compactions.length).toBeGreaterThan(0);
  const asked = requests.filter(({ messages }) => JSON.stringify(messages.at(-1)).includes("Sum up"));
  expect(asked.every(({ moves }) => moves?.calls.length === 0)).toBe(true);
});

test("what fits in no way fails, and is not part of the conversation", async () => {
  const { chat, results } = await talk(50, ["hello", words(80), "still there?"]);
  expect(results.map(({ status, error }) => [status, error?.code])).toEqual([
    ["answered", undefined],
    ["failed", "runtime/context-length"],
    ["answered", undefined],
  ]);
  expect(JSON.stringify(chat.messages)).not.toContain("w79");
});

test("what was untrusted stays so when only its summary is left, and through JSON", async () => {
  const { model } = wordy(70);
  const object: JsonObject = { type: "object", properties: {}, additionalProperties: false };
  const tools = [
    tool({ name: "web", description: "", trust: "untrusted", input: object, run: () => words(45) }),
    tool({ name: "send", description: "", effects: "external", input: object, run: () => "sent" }),
  ];
  const agent = createAgent({ model, tools, approval: { whenTainted: { deny: ["send"] }, otherwise: "never" } });
  const first = conversation(agent, { compaction: { keepTurns: 0, at: 0.5 } });
  await first.say("please call");
  await first.say("more");
  expect(JSON.stringify(first.messages)).not.toContain("w44");
  const again = conversation(agent, { saved: JSON.parse(JSON.stringify(first.save())) });
  const legal: string[][] = [];
  await again.say("go", {
    onEvent: (event) => void (event.type === "decision" && legal.push(event.moves.calls.map(({ name }) => name))),
  });
  expect(legal).toEqual([["web"]]);
});

test("two turns at once, a share that is none, and a foreign save are errors", async () => {
  const { model } = wordy(100);
  const chat = conversation(createAgent({ model, tools: [] }));
  const going = chat.say("one");
  await expect(chat.say("two")).rejects.toMatchObject({ code: "agent/busy" });
  await going;
  expect(() => conversation(createAgent({ model, tools: [] }), { compaction: { at: 2 } })).toThrow(
    expect.objectContaining({ code: "agent/bad-limit" }),
  );
  expect(() => conversation(createAgent({ model, tools: [] }), { saved: {} as never })).toThrow(
    expect.objectContaining({ code: "agent/bad-snapshot" }),
  );
});
