import { ChatError, NO_STATS, NO_USAGE, type ChatEvent, type ChatModel, type Moves } from "@orrery/chat";
import { scriptedModel, type ScriptedReply } from "@orrery/chat/testing";
import { play, type PlayRequest } from "./player.ts";

const input = { type: "object", properties: { n: { type: "integer" } }, required: ["n"] };
const tools = [
  { name: "a", description: "", input },
  { name: "b", description: "", input },
];
const legal = (more: Partial<Moves> = {}): Moves => ({ answer: true, calls: [{ name: "a", input }], parallel: 2, ...more });
const call = (name: string, n: unknown = 1) => ({ name, input: { n: n as number } });
const ask = (reply: ScriptedReply, moves = legal(), more: Partial<PlayRequest> = {}) =>
  play({ model: scriptedModel([reply]), request: { messages: [{ role: "user", content: "go" }], tools, moves }, ...more });
const reason = async (reply: ScriptedReply, moves?: Moves, more?: Partial<PlayRequest>) => {
  const event = (await ask(reply, moves, more)).events[0];
  return event?.type === "refused" ? event.reason : event;
};

test("calls are events of their tools, closed by one `decided`", async () => {
  const { events } = await ask({ calls: [call("a", 1), call("a", 2)] });
  expect(events).toEqual([
    { type: "call.a", id: "call-1", input: { n: 1 } },
    { type: "call.a", id: "call-2", input: { n: 2 } },
    { type: "decided" },
  ]);
});

test("a text is an answer, an empty one too", async () => {
  expect((await ask("Oslo it is")).events).toEqual([{ type: "answer", text: "Oslo it is" }]);
  expect((await ask("")).events).toEqual([{ type: "answer", text: "" }]);
});

describe("an illegal reply says why", () => {
  test.each<[string, ScriptedReply, Moves, string]>([
    ["not a move now", { calls: [call("b")] }, legal(), "'b' is not legal now; legal: a, an answer"],
    ["bad input", { calls: [call("a", "x")] }, legal(), "n: must be integer"],
    ["too many", { calls: [call("a"), call("a"), call("a")] }, legal(), "at most 2 calls in one reply"],
    ["no answer now", "hello", legal({ answer: false }), "an answer is not legal now; legal: a"],
    ["answer off its schema", '{"n": "x"}', legal({ answer: { schema: input } }), "n: must be integer"],
    ["answer not JSON", "hello", legal({ answer: { schema: input } }), "the answer is not JSON"],
  ])("%s", async (_, reply, moves, text) => expect(await reason(reply, moves)).toBe(text));

  test("a guard that reads the payload is asked", async () => {
    const refusal: PlayRequest["refusal"] = (event) => (event.type === "call.a" && event.input["n"] === 1 ? "not 1 again" : undefined);
    expect(await reason({ calls: [call("a", 1)] }, legal(), { refusal })).toBe("not 1 again");
    expect((await ask({ calls: [call("a", 2)] }, legal(), { refusal })).events).toHaveLength(2);
  });

  test("all calls of the reply are answered, the legal ones too", async () => {
    const [event] = (await ask({ calls: [call("a"), call("b")] })).events;
    expect(event).toMatchObject({
      type: "refused",
      messages: [
        { role: "assistant", calls: [{ name: "a" }, { name: "b" }] },
        { role: "tool", name: "a", output: { error: "not run, because another call of the same reply was not legal" } },
        { role: "tool", name: "b", output: { error: "'b' is not legal now; legal: a, an answer" } },
      ],
    });
  });
});

describe("a model that fails is data", () => {
  test("cut by length, aborted, failed", async () => {
    expect((await ask({ fail: "length" })).events).toMatchObject([{ type: "fail", error: { code: "agent/reply-cut" } }]);
    expect((await ask({ fail: "aborted" })).events).toEqual([{ type: "cancel" }]);
    expect((await ask({ fail: "error" })).events).toMatchObject([{ type: "fail", error: { code: "chat/scripted-failure" } }]);
  });

  test("throws before the first event, in the middle, or never finishes its contract", async () => {
    const model = (stream: ChatModel["stream"]): ChatModel => ({ id: "m", contextLength: 1, stream });
    const failing: [ChatModel, string][] = [
      [
        model(() => {
          throw new ChatError("chat/too-long", "too long");
        }),
        "chat/too-long",
      ],
      [
        model(async function* (): AsyncGenerator<ChatEvent> {
          yield { type: "text-delta", text: "a" };
          throw new Error("lost");
        }),
        "agent/model-failed",
      ],
      [
        model(async function* (): AsyncGenerator<ChatEvent> {
          yield { type: "text-delta", text: "a" };
        }),
        "agent/model-failed",
      ],
    ];
    for (const [broken, code] of failing)
      expect((await ask("", legal(), { model: broken })).events).toMatchObject([{ type: "fail", error: { code } }]);
  });
});

test("ids are unique in the conversation, whatever the model counts from", async () => {
  const messages = [{ role: "assistant" as const, calls: [{ id: "call-1", name: "a", input: {} }] }];
  const { events } = await play({
    model: scriptedModel([{ calls: [call("a"), call("a")] }]),
    request: { messages, tools, moves: legal() },
  });
  expect(events.map((event) => "id" in event && event.id)).toEqual(["call-1-2", "call-2", false]);
});

test("a model that ignores the signal is not read to its end", async () => {
  const stop = new AbortController();
  let read = 0;
  const endless: ChatModel = {
    id: "endless",
    contextLength: 1,
    async *stream() {
      for (;;) {
        if (++read === 3) stop.abort();
        yield { type: "text-delta", text: "a" };
        await Promise.resolve();
      }
    },
  };
  const { events } = await play({ model: endless, request: { messages: [], tools, moves: legal(), signal: stop.signal } });
  expect([events, read]).toEqual([[{ type: "cancel" }], 3]);
});

test("thought and text beside calls are kept for the conversation; cost is passed on", async () => {
  const cost = { usage: { ...NO_USAGE, replyTokens: 5 }, stats: { ...NO_STATS, sampledTokens: 4 } };
  const model: ChatModel = {
    id: "m",
    contextLength: 1,
    async *stream(): AsyncGenerator<ChatEvent> {
      yield { type: "reasoning-delta", text: "hm" };
      yield { type: "text-delta", text: "I look" };
      yield { type: "tool-call", call: { id: "1", name: "a", input: { n: 1 } } };
      yield { type: "finish", reason: "tool-calls", ...cost };
    },
  };
  expect(await ask("", legal(), { model })).toMatchObject({ said: { content: "I look", reasoning: "hm" }, cost });
});
