/** A reply as the port promises it: one finish whatever happens, its sequence given back before that, and honest counts. */
import type { ChatEvent, ChatRequest, Finish, JsonSchema, Message, Sampling, ToolCall, ToolSpec } from "@orrery/chat";
import { chat, type ChatParts } from "./chat.ts";
import { createConstraintEngine } from "./constraint/engine.ts";
import { embeddedModelDirectory } from "./embedded.ts";
import { chooseFormat } from "./prompt/choose-format.ts";
import { GEMMA4_FORMAT } from "./prompt/format.ts";
import { FUNCTION_GEMMA } from "./prompt/functiongemma.ts";
import { gemma4 } from "./prompt/gemma4.ts";
import { GEMMA3 } from "./prompt/gemma3.ts";
import { ReplyMemory } from "./prompt/memory.ts";
import { SequencePool, type Acquired } from "./sequence/pool.ts";
import { openSession } from "./session/open.ts";
import type { Sequence, Session } from "./session/session.ts";
import { loadTokenizer } from "./tokenizer/load.ts";

/** Knows which sequences are out. */
class CountingPool extends SequencePool {
  readonly held = new Set<Sequence>();

  override acquire(tokens: readonly number[]): Acquired {
    const acquired = super.acquire(tokens);
    this.held.add(acquired.sequence);
    return acquired;
  }

  override release(sequence: Sequence): void {
    super.release(sequence);
    this.held.delete(sequence);
  }
}

const weather: ToolSpec = {
  name: "get_weather",
  description: "Current weather for a city.",
  input: { type: "object", properties: { location: { type: "string" } }, required: ["location"] },
};
const QUESTION: readonly Message[] = [{ role: "user", content: "What is the weather in Paris?" }];
const ONLY_A_CALL = { answer: false, calls: [{ name: weather.name, input: weather.input }], parallel: 1 } as const;

let session: Session;
let parts: Omit<ChatParts, "pool" | "memory">;
beforeAll(async () => {
  session = await openSession(embeddedModelDirectory(), { threads: 2, chunk: 32 });
  const tokenizer = await loadTokenizer(embeddedModelDirectory());
  const constraints = createConstraintEngine(tokenizer, GEMMA4_FORMAT);
  const { contextLength, vocabularySize } = session;
  parts = { tokenizer, promptFormat: gemma4("small"), constraints, contextLength, vocabularySize, longestToken: 64 };
}, 60_000);
afterAll(() => session.dispose());

function fresh(): { pool: CountingPool; ask: (request: Partial<ChatRequest>) => AsyncGenerator<ChatEvent> } {
  const pool = new CountingPool(session);
  const whole = { ...parts, pool, memory: new ReplyMemory() };
  return { pool, ask: (request) => chat(whole, { messages: QUESTION, tools: [weather], ...request }) };
}

/** Reads on until the finish, and not one step further. */
async function untilFinish(stream: AsyncGenerator<ChatEvent>, onEvent?: (event: ChatEvent) => void): Promise<Finish> {
  for (;;) {
    const { value, done } = await stream.next();
    if (done) throw new Error("no finish");
    onEvent?.(value);
    if (value.type === "finish") return value;
  }
}

test("a consumer that leaves gives the sequence back", async () => {
  const { pool, ask } = fresh();
  for await (const event of ask({ moves: ONLY_A_CALL })) {
    expect(pool.held.size).toBe(1);
    expect(event.type).toBe("tool-call-delta");
    break;
  }
  expect(pool.held.size).toBe(0);
  expect(await untilFinish(ask({}))).toMatchObject({ reason: "tool-calls" });
});

test("the sequence is given back before the finish, also of a reply that was aborted", async () => {
  const { pool, ask } = fresh();
  expect(await untilFinish(ask({}))).toMatchObject({ reason: "tool-calls" });
  expect(pool.held.size).toBe(0);

  const control = new AbortController();
  const finish = await untilFinish(ask({ moves: { answer: true, calls: [], parallel: 1 }, signal: control.signal }), () => control.abort());
  expect(finish.reason).toBe("aborted");
  expect(pool.held.size).toBe(0);
});

test("copyFrom copies from the messages, and a request without anything to copy is refused at once", async () => {
  const { ask } = fresh();
  const copying = (v: JsonSchema) => {
    const input = { type: "object", properties: { location: { ...v, copyFrom: "conversation" } }, required: ["location"] };
    return { answer: false, calls: [{ name: weather.name, input }], parallel: 1 };
  };
  const messages: Message[] = [{ role: "user", content: "weather Zwolle" }];
  const calls: ChatEvent[] = [];
  const moves = copying({ type: "string", pattern: "^Z" });
  expect(await untilFinish(ask({ messages, moves }), (event) => void calls.push(event))).toMatchObject({ reason: "tool-calls" });
  expect(calls).toContainEqual(
    expect.objectContaining({ type: "tool-call", call: expect.objectContaining({ input: { location: "Zwolle" } }) }),
  );

  const refused = {
    code: "constraint/nothing-to-copy",
    message: expect.stringContaining("get_weather"),
    hint: expect.stringContaining("copyFrom"),
  };
  expect(() => ask({ messages, moves: copying({ type: "number" }) })).toThrow(expect.objectContaining(refused));
});

test("an abort is heeded between forced tokens", async () => {
  const { ask } = fresh();
  const input = { ...weather.input, properties: { location: { const: "Paris, the capital of France" } } };
  const moves = { answer: false, calls: [{ name: weather.name, input }], parallel: 1 };
  const whole = (await untilFinish(ask({ moves }))).usage;
  expect(whole.forcedTokens).toBe(whole.replyTokens);

  const control = new AbortController();
  const finish = await untilFinish(ask({ moves, signal: control.signal }), () => control.abort());
  expect(finish.reason).toBe("aborted");
  expect(finish.usage.replyTokens).toBeLessThan(whole.replyTokens - 3);
});

test("what was not computed is not counted as computed", async () => {
  const { ask } = fresh();
  const before = await untilFinish(ask({ signal: AbortSignal.abort() }));
  expect(before.usage).toMatchObject({ cachedTokens: 0, computedTokens: 0, replyTokens: 0 });
  expect(before.usage.promptTokens).toBeGreaterThan(64);

  const control = new AbortController();
  setTimeout(() => control.abort(), 1); // while the first chunk is computed, which is sent at once
  const messages: Message[] = [{ role: "user", content: "many words ".repeat(150) }];
  const during = await untilFinish(ask({ messages, signal: control.signal }));
  expect(during).toMatchObject({ reason: "aborted", usage: { replyTokens: 0 } });
  expect(during.usage.computedTokens).toBeLessThan(during.usage.promptTokens);
  expect(during.usage.computedTokens % 32).toBe(0); // whole chunks
  expect(during.usage.computedTokens).toBeGreaterThan(0);

  const after = await untilFinish(ask({ messages, maxTokens: 1 }));
  expect(after.usage.cachedTokens).toBe(during.usage.computedTokens);
  expect(after.usage.cachedTokens + after.usage.computedTokens).toBe(after.usage.promptTokens);
}, 60_000);

test("calls are numbered past the ids that the conversation has, also when its beginning was dropped", async () => {
  const { ask } = fresh();
  const messages: Message[] = [
    { role: "user", content: "What is the weather in Oslo?" },
    { role: "assistant", calls: [{ id: "call-2", name: "get_weather", input: { location: "Oslo" } }] },
    { role: "tool", callId: "call-2", name: "get_weather", output: { temp: 7 } },
    { role: "assistant", content: "7 degrees." },
    ...QUESTION,
  ];
  const ids: string[] = [];
  const finish = await untilFinish(ask({ messages, moves: ONLY_A_CALL }), (event) => {
    if (event.type === "tool-call") ids.push(event.call.id);
  });
  expect(finish.reason).toBe("tool-calls");
  expect(ids).toHaveLength(1);
  expect(ids).not.toContain("call-2");
});

test("messages pushed while the reply streams do not change what is remembered", async () => {
  const { ask } = fresh();
  const messages = [...QUESTION];
  const first = await untilFinish(ask({ messages }), (event) => {
    if (event.type !== "tool-call") return;
    messages.push({ role: "assistant", calls: [event.call] });
    messages.push({ role: "tool", callId: event.call.id, name: event.call.name, output: { temp: 7 } });
  });
  expect(first.reason).toBe("tool-calls");
  const second = await untilFinish(ask({ messages }));
  expect(second.usage.cachedTokens).toBeGreaterThanOrEqual(first.usage.promptTokens + first.usage.replyTokens - 1);
});

test.each(["length", "aborted"] as const)(
  "the turn after a reply that ended with %s finds its prompt cached and says what a fresh one says",
  async (how) => {
    const { ask } = fresh();
    const control = new AbortController();
    const answer = { answer: true, calls: [], parallel: 1 } as const;
    let said = "";
    const cut = await untilFinish(
      ask({ moves: answer, signal: control.signal, ...(how === "length" ? { maxTokens: 6 } : {}) }),
      (event) => {
        if (event.type === "text-delta") said += event.text;
        if (how === "aborted" && said.length > 10) control.abort();
      },
    );
    expect(cut.reason).toBe(how);
    const messages: Message[] = [...QUESTION, { role: "assistant", content: said }, { role: "user", content: "Go on." }];
    const texts = await Promise.all(
      [ask, fresh().ask].map(async (one) => {
        let text = "";
        const finish = await untilFinish(one({ messages, moves: answer, maxTokens: 12 }), (event) => {
          if (event.type === "text-delta") text += event.text;
        });
        return { text, cached: finish.usage.cachedTokens };
      }),
    );
    expect(texts[0]!.text).toBe(texts[1]!.text);
    expect(texts[0]!.cached).toBeGreaterThanOrEqual(cut.usage.promptTokens);
    expect(texts[1]!.cached).toBe(0);
  },
);

test("a reply has at most maxTokens, forced ones included", async () => {
  const { ask } = fresh();
  const whole = (await untilFinish(ask({ moves: ONLY_A_CALL }))).usage.replyTokens;
  for (const maxTokens of [1, 5, whole - 1, whole])
    expect(await untilFinish(ask({ moves: ONLY_A_CALL, maxTokens }))).toMatchObject({
      reason: maxTokens < whole ? "length" : "tool-calls",
      usage: { replyTokens: maxTokens },
    });
});

test("the offset decides between a call and an answer; a request's own goes before the model's", async () => {
  const { pool, ask } = fresh();
  const asked = { messages: QUESTION, tools: [weather], maxTokens: 1 };
  const own = { ...parts, sampling: { callOffset: -20 }, pool, memory: new ReplyMemory() };
  const first = async (stream: AsyncGenerator<ChatEvent>): Promise<string[]> => {
    const types: string[] = [];
    await untilFinish(stream, ({ type }) => types.push(type));
    return types;
  };
  expect(await first(ask(asked))).toEqual(["finish"]); // a call that is only opened
  expect(await first(chat(own, asked))).toEqual(["text-delta", "finish"]);
  expect(await first(chat(own, { ...asked, sampling: { callOffset: 0 } }))).toEqual(["finish"]);
  expect(() => ask({ sampling: { copyBias: -1 } })).toThrow(expect.objectContaining({ code: "chat/bad-sampling" }));
});

test("a copy bias of 0 is none, and a strong one leaves a right copy as it is", async () => {
  const { ask } = fresh();
  const calls = async (sampling: Sampling): Promise<unknown[]> => {
    const found: unknown[] = [];
    await untilFinish(ask({ moves: ONLY_A_CALL, sampling }), (event) => {
      if (event.type === "tool-call") found.push(event.call.input);
    });
    return found;
  };
  const plain = await calls({});
  expect(plain).toEqual([{ location: "Paris" }]);
  expect(await calls({ copyBias: 0, callOffset: 0 })).toEqual(plain);
  expect(await calls({ copyBias: 20 })).toEqual(plain);
});

test.each([0, -1, Number.NaN, 2.5, Infinity])("maxTokens %s is refused before the first event", (maxTokens) => {
  expect(() => fresh().ask({ maxTokens })).toThrow(expect.objectContaining({ code: "chat/bad-max-tokens", hint: expect.any(String) }));
});

test("with thinking on, a reply behind results begins inside the thought", async () => {
  const { ask } = fresh();
  const messages: readonly Message[] = [
    ...QUESTION,
    { role: "assistant", reasoning: "Look it up.", calls: [{ id: "1", name: weather.name, input: { location: "Paris" } }] },
    { role: "tool", callId: "1", name: weather.name, output: { temp: 7 } },
  ];
  const kinds = async (thinking: boolean): Promise<Set<string>> => {
    const events: string[] = [];
    const finish = await untilFinish(ask({ messages, thinking, maxTokens: 6 }), ({ type }) => events.push(type));
    expect(finish.reason).not.toBe("error");
    return new Set(events);
  };
  expect(await kinds(true)).toContain("reasoning-delta");
  expect(await kinds(false)).not.toContain("reasoning-delta");
});

test("a model with a template of its own answers by it", async () => {
  const { tokenizer } = parts;
  const source = "{% for m in messages %}<|turn>{{ m.role }}\n{{ m.content | trim }}<turn|>\n{% endfor %}<|turn>model\n";
  const control = new Map([...tokenizer.control].filter(([token]) => ["<|turn>", "<turn|>"].includes(token)));
  const promptFormat = chooseFormat({ control, template: { source, bos: "", eos: "<turn|>" } });
  const constraints = createConstraintEngine(tokenizer, promptFormat.format);
  const whole = { ...parts, promptFormat, constraints, pool: new CountingPool(session), memory: new ReplyMemory() };
  const asked = [{ role: "user", content: "Say <turn|> hello." }] as const;
  let text = "";
  const finish = await untilFinish(chat(whole, { messages: asked, maxTokens: 8 }), (event) => {
    if (event.type === "text-delta") text += event.text;
  });
  expect(["stop", "length"]).toContain(finish.reason);
  expect(text.trim()).not.toBe("");
  expect(() => chat(whole, { messages: asked, tools: [weather] })).toThrow(expect.objectContaining({ code: "prompt/no-calls" }));
});

test("calls that are JSON are constrained, read, and computed once", async () => {
  const { tokenizer } = parts;
  const source = `{% for m in messages %}<|turn>{{ m.role }}
{{ m.content }}{% for c in m.tool_calls or [] %}<tool_call>{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}</tool_call>{% endfor %}<turn|>
{% endfor %}{% if add_generation_prompt %}<|turn>assistant
{% endif %}`;
  const control = new Map([...tokenizer.control].filter(([token]) => ["<|turn>", "<turn|>"].includes(token)));
  const promptFormat = chooseFormat({ control, template: { source, bos: "", eos: "<turn|>" } });
  expect(promptFormat.format.calls).toBe("json");
  const constraints = createConstraintEngine(tokenizer, promptFormat.format);
  const whole = { ...parts, promptFormat, constraints, pool: new CountingPool(session), memory: new ReplyMemory() };
  const input = {
    ...weather.input,
    properties: { location: { enum: ["Paris", "Oslo"] }, days: { type: "integer", maximum: 9, minimum: 1 } },
  };
  const moves = { answer: false, calls: [{ name: weather.name, input }], parallel: 2 };
  const messages: Message[] = [...QUESTION];
  let known = 0;
  for (let turn = 0; turn < 3; turn++) {
    const calls: ToolCall[] = [];
    const deltas = new Map<string, string>();
    const finish = await untilFinish(chat(whole, { messages, tools: [weather], moves }), (event) => {
      if (event.type === "tool-call") calls.push(event.call);
      if (event.type === "tool-call-delta") deltas.set(event.id, (deltas.get(event.id) ?? "") + event.text);
    });
    expect(finish.reason).toBe("tool-calls");
    expect(calls.length).toBeGreaterThan(0);
    for (const call of calls) {
      expect(call).toMatchObject({ name: weather.name, input: { location: expect.stringMatching(/^(?:Paris|Oslo)$/) } });
      expect(JSON.parse(deltas.get(call.id)!)).toEqual(call.input);
    }
    expect(finish.usage.cachedTokens).toBeGreaterThanOrEqual(known); // all that was sent and sampled, but for the last token
    expect(finish.usage.computedTokens).toBe(finish.usage.promptTokens - finish.usage.cachedTokens);
    known = finish.usage.promptTokens + finish.usage.replyTokens - 1;
    messages.push(
      { role: "assistant", calls },
      ...calls.map(({ id: callId, name }) => ({ role: "tool" as const, callId, name, output: 7 })),
    );
  }
  const cut = await untilFinish(chat(whole, { messages, tools: [weather], moves, maxTokens: 12 }));
  expect(cut.reason).toBe("length");
});

test("thoughts that a format does not have are refused at once", () => {
  const { pool } = fresh();
  const control = new Map(["<bos>", "<start_of_turn>", "<end_of_turn>"].map((token, id) => [token, id]));
  const gemma3 = { ...parts, tokenizer: { ...parts.tokenizer, control }, promptFormat: GEMMA3, pool, memory: new ReplyMemory() };
  expect(() => chat(gemma3, { messages: QUESTION, thinking: true })).toThrow(expect.objectContaining({ code: "prompt/no-thoughts" }));
  expect(() => chat({ ...gemma3, promptFormat: FUNCTION_GEMMA }, { messages: QUESTION })).toThrow(
    expect.objectContaining({ code: "prompt/no-chat-format" }),
  );
});
