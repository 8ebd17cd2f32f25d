import type { ChatModel, Json } from "@orrery/chat";
import { scriptedModel, type ScriptedReply } from "@orrery/chat/testing";
import fc from "fast-check";
import { readFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { z } from "zod";
import { createAgent, type AgentOptions } from "../agent.ts";
import type { RunEvent, RunOptions, RunResult } from "../result.ts";
import { run } from "../run.ts";
import { tool, type Tool } from "../tool.ts";
import { randomModel } from "./random-model.ts";
import { record } from "./record.ts";
import { replay } from "./replay.ts";
import { simulatedClock } from "./simulated-clock.ts";

let folder = "";
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "orrery-cassette-"))));
afterAll(() => rm(folder, { recursive: true }));

let worked = 0;
const tools: readonly Tool[] = [
  tool({
    name: "look",
    description: "Looks.",
    input: z.object({ place: z.enum(["here", "there"]), deep: z.boolean().optional() }),
    async *run({ place }) {
      worked++;
      yield "looking";
      return { place, found: ["<|turn>", "日本", null], at: 0.1 };
    },
  }),
  tool({
    name: "send",
    description: "Sends.",
    input: z.object({ text: z.string() }),
    effects: "external",
    run: async ({ text }) => void text,
  }),
  tool({
    name: "break",
    description: "Breaks.",
    input: z.object({}),
    retry: { attempts: 2, delayMs: 1 },
    run: () => {
      throw new Error("broken");
    },
  }),
];
const approve = () => true;
const made = (model: ChatModel, tools: readonly Tool[], more: Partial<AgentOptions> = {}) =>
  createAgent({ model, tools, instructions: "Be brief.", limits: { parallel: 3 }, ...more });
const lasting = ({ timings: _timings, error, ...result }: RunResult): unknown => ({ ...result, error: error?.toJSON() });

async function recorded(name: string, model: ChatModel, options: RunOptions = { approve }) {
  const path = join(folder, `${name}.jsonl`);
  const tape = record(path);
  const result = await run(made(tape.model(model), tape.tools(tools)), "Look around.", options);
  await tape.close();
  return { path, result };
}

const looking = (place: string): ScriptedReply => ({ calls: [{ name: "look", input: { place } }] });

test("20 real runs played again give the same result, and no tool works", async () => {
  let calls = 0;
  for (let seed = 0; seed < 20; seed++) {
    const { path, result } = await recorded(`game-${seed}`, randomModel(seed, { illegal: seed % 4 === 0 ? 0.3 : 0 }));
    const before = worked;
    const tape = await replay(path);
    const again = await run(made(tape.model, tape.tools(tools)), "Look around.", { approve });
    tape.assertComplete();
    expect(lasting(again)).toEqual(lasting(result));
    expect(worked).toBe(before);
    calls += result.steps.length;
  }
  expect(calls).toBeGreaterThan(20);
});

test("events come as they came, progress included", async () => {
  const heard: RunEvent[] = [];
  const script: ScriptedReply[] = [looking("here"), "It is here."];
  const { path } = await recorded("events", scriptedModel(script), { onEvent: (event) => void heard.push(event) });
  const tape = await replay(path);
  const again: RunEvent[] = [];
  await run(made(tape.model, tape.tools(tools)), "Look around.", { onEvent: (event) => void again.push(event) });
  expect(again.slice(0, -1)).toEqual(heard.slice(0, -1));
  expect(again.map(({ type }) => type)).toContain("tool-progress");
});

test("a request says only what is new: the file grows with the conversation, not with its square", async () => {
  const { path } = await recorded("long", scriptedModel([looking("here"), looking("here"), looking("there"), "done"]));
  const requests = (await readFile(path, "utf8"))
    .split("\n")
    .filter((line) => line.includes('"reply"'))
    .map((line) => (JSON.parse(line) as { request: { keep: number; messages: Json[]; same: string[] } }).request);
  expect(requests.map(({ keep, messages }) => [keep, messages.length])).toEqual([
    [0, 2],
    [2, 2],
    [4, 2],
    [6, 2],
  ]);
  expect(requests[1]!.same).toContain("tools");
});

test("a request that is another is an error that says what differs", async () => {
  const { path } = await recorded("changed", scriptedModel([looking("here"), "done"]));
  const tape = await replay(path);
  const result = await run(made(tape.model, tape.tools(tools), { instructions: "Be long." }), "Look around.");
  expect(result).toMatchObject({
    status: "failed",
    error: {
      code: "agent/cassette-mismatch",
      message: expect.stringContaining('messages[0].content: expected "Be brief.", found "Be long."'),
    },
  });
  expect(() => tape.assertComplete()).toThrow(expect.objectContaining({ code: "agent/cassette-mismatch" }));
});

test("a call that is another, and one too many", async () => {
  const { path } = await recorded("calls", scriptedModel([looking("here"), "done"]));
  const tape = await replay(path);
  const [look] = tape.tools(tools);
  const context = { callId: "call-1", signal: new AbortController().signal };
  await expect(look!.run({ place: "there" }, context)).rejects.toMatchObject({
    code: "agent/cassette-mismatch",
    message: expect.stringContaining('input.place: expected "here", found "there"'),
  });
  await look!.run({ place: "here" }, context);
  await expect(look!.run({ place: "here" }, context)).rejects.toMatchObject({ code: "agent/cassette-exhausted" });
  const fresh = await replay(path);
  expect(() => fresh.assertComplete()).toThrow(expect.objectContaining({ code: "agent/cassette-unused" }));
});

test("failures of the model and cut replies come again", async () => {
  for (const fail of ["error", "length"] as const) {
    const { path, result } = await recorded(`fail-${fail}`, scriptedModel([{ fail }]));
    const tape = await replay(path);
    const again = await run(made(tape.model, tape.tools(tools)), "Look around.");
    expect(again.status).toBe("failed");
    expect(lasting(again)).toEqual(lasting(result));
    tape.assertComplete();
  }
  const { path } = await recorded("thrown", scriptedModel([])); // throws when it is asked
  const tape = await replay(path);
  const again = await run(made(tape.model, tape.tools(tools)), "Look around.");
  expect(again.error?.code).toBe("chat/script-exhausted");
});

test("a call that hung until its limit hangs again", async () => {
  const hanging = tool({
    name: "hang",
    description: "Hangs.",
    input: z.object({}),
    timeoutMs: 500,
    run: () => new Promise<Json>(() => {}),
  });
  const path = join(folder, "hang.jsonl");
  const tape = record(path);
  const clock = simulatedClock();
  const model = scriptedModel([{ calls: [{ name: "hang", input: {} }] }, "It hangs."]);
  const result = await clock.until(run(createAgent({ model: tape.model(model), tools: tape.tools([hanging]) }), "go", { clock }));
  await tape.close();
  const again = await replay(path);
  const later = simulatedClock();
  const second = await later.until(run(createAgent({ model: again.model, tools: again.tools([hanging]) }), "go", { clock: later }));
  expect(second).toEqual(result);
  expect(second.steps).toMatchObject([{ error: { code: "tool/timeout" } }]);
  again.assertComplete();
});

test("a stream is as good as a path", async () => {
  const stream = new PassThrough();
  const tape = record(stream);
  const result = await run(made(tape.model(scriptedModel([looking("here"), "done"])), tape.tools(tools)), "Look around.");
  await Promise.all([
    tape.close(),
    (async () => {
      const played = await replay(stream);
      const again = await run(made(played.model, played.tools(tools)), "Look around.");
      expect(lasting(again)).toEqual(lasting(result));
    })(),
  ]);
});

test("a path that cannot be written is an error when the recording closes; the run is not disturbed", async () => {
  const tape = record(join(folder, "no", "such", "folder.jsonl"));
  const result = await run(made(tape.model(scriptedModel(["done"])), []), "Look around.");
  expect(result.status).toBe("answered");
  await expect(tape.close()).rejects.toMatchObject({ code: "agent/cassette-unwritable" });
});

describe("a file that is no cassette", () => {
  const header = '{"format":"orrery-cassette/1"}\n';
  const ended = '{"type":"finish","reason":"stop","usage":USAGE,"stats":STATS}'
    .replace("USAGE", '{"promptTokens":0,"cachedTokens":0,"computedTokens":0,"replyTokens":0,"forcedTokens":0}')
    .replace("STATS", '{"maskedMass":0,"maskedMassMax":0,"sampledTokens":0,"firstTokenMs":0,"totalMs":0}');
  const reply = (request: string, events: string) =>
    `${header}{"type":"reply","model":{"id":"m","contextLength":9},"request":${request},"events":[${events}]}\n`;
  const asking = '{"keep":0,"messages":[],"same":[]}';
  const call = (rest: string) => `${header}{"type":"call","tool":"t","callId":"1","input":{},"progress":[],${rest}}\n`;

  test.each([
    ["empty", "", /line 1/],
    ["of another format", '{"format":"orrery-cassette/2"}\n', /line 1: it does not say/],
    ["cut", `${header}{"type":"call"`, /line 2: the last line is cut/],
    ["not JSON", `${header}nonsense\n`, /line 2/],
    ["of an unknown line", `${header}{"type":"joke"}\n`, /line 2/],
    ["of a stream without an end", reply(asking, '{"type":"text-delta","text":"a"}'), /exactly one finish/],
    ["of a stream with two ends", reply(asking, `${ended},${ended}`), /exactly one finish/],
    ["of a stream that goes on after its end", reply(asking, `${ended},{"type":"text-delta","text":"a"}`), /exactly one finish/],
    ["of an unknown event", reply(asking, `{"type":"shout"},${ended}`), /events\.0\.type/],
    ["of a request that keeps what was not there", reply('{"keep":3,"messages":[],"same":[]}', ended), /keep: 3 of 0 messages/],
    ["of a message that is none", reply('{"keep":0,"messages":[{"role":"god"}],"same":[]}', ended), /messages\.0\.role/],
    ["of a call without a result", call('"x":1'), /an output, an error or a cut/],
    ["of a call with two results", call('"output":1,"error":{"code":"a/b","message":""}'), /an output, an error or a cut/],
    ["too deep", call(`"output":${"[".repeat(100_000)}${"]".repeat(100_000)}`), /nested deeper|stack/],
  ])("%s", async (_, text, message) => {
    const path = join(folder, "bad.jsonl");
    await writeFile(path, text);
    await expect(replay(path)).rejects.toMatchObject({ code: "agent/bad-cassette", message: expect.stringMatching(message) });
  });

  test("that is not there, or not text", async () => {
    await expect(replay(join(folder, "none.jsonl"))).rejects.toMatchObject({ code: "agent/bad-cassette" });
    const path = join(folder, "binary.jsonl");
    await writeFile(path, Buffer.from([0xff, 0xfe, 0x00, 0x80]));
    await expect(replay(path)).rejects.toMatchObject({ code: "agent/bad-cassette" });
  });

  test("however a real one is damaged, reading ends in a cassette or in a typed error", async () => {
    const { path } = await recorded("whole", scriptedModel([looking("here"), "done"]));
    const whole = await readFile(path);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        fc.nat(whole.length),
        async (changes, end) => {
          const damaged = Buffer.from(whole.subarray(0, end));
          for (const [at, byte] of changes) if (at < end) damaged[at] = byte;
          const read = await replay(
            (async function* () {
              yield damaged;
            })(),
          ).catch((thrown: unknown) => thrown);
          if (read instanceof Error) expect(read).toMatchObject({ code: "agent/bad-cassette" });
        },
      ),
    );
  });
});
