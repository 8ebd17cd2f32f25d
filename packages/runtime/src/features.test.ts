/** What makes constrained replies fast changes no token of them: the embedded model's replies with each feature off are those with all on. */
import type { ChatRequest, JsonSchema, Sampling, ToolSpec } from "@orrery/chat";
import { prepare, type ChatParts } from "./chat.ts";
import { createConstraintEngine } from "./constraint/engine.ts";
import { ALL_FEATURES, type ConstraintFeatures } from "./constraint/features.ts";
import { embeddedModelDirectory } from "./embedded.ts";
import { generate } from "./generate.ts";
import { GEMMA4_FORMAT } from "./prompt/format.ts";
import { gemma4 } from "./prompt/gemma4.ts";
import { ReplyMemory } from "./prompt/memory.ts";
import { SequencePool } from "./sequence/pool.ts";
import { openSession } from "./session/open.ts";
import type { AppendOptions, Sequence, Session } from "./session/session.ts";
import { loadTokenizer } from "./tokenizer/load.ts";
import type { Tokenizer } from "./tokenizer/vocabulary.ts";

const text = { type: "string" };
const tool = (name: string, description: string, properties: Record<string, JsonSchema>): ToolSpec => ({
  name,
  description,
  input: { type: "object", properties, required: Object.keys(properties) },
});
const tools = [
  tool("get_weather", "Current weather for a city.", { location: text, unit: { type: "string", enum: ["celsius", "fahrenheit"] } }),
  tool("set_alarm", "Sets an alarm.", { hour: { type: "integer", minimum: 0, maximum: 23 }, label: { type: "string", maxLength: 12 } }),
];
const answer: JsonSchema = {
  type: "object",
  properties: { city: { type: "string", maxLength: 20 }, sunny: { type: "boolean" }, degrees: { type: "number" } },
  required: ["city", "sunny", "degrees"],
};
const REQUESTS: readonly ChatRequest[] = [
  { messages: [{ role: "user", content: "What is the weather in Paris, in celsius?" }], tools },
  {
    messages: [{ role: "user", content: "It is 7 degrees and sunny in Oslo. Say so as JSON." }],
    tools,
    moves: { answer: { schema: answer }, calls: [], parallel: 1 },
  },
];
const GREEDY: Sampling = {};
const SAMPLED: Sampling = { temperature: 0.9, topP: 0.95, seed: 11 };
const MOST_TOKENS = 28;

let session: Session;
let tokenizer: Tokenizer;
const prompts = new Map<ChatRequest, Sequence>();
beforeAll(async () => {
  session = await openSession(embeddedModelDirectory(), { threads: 2, lanes: 1 });
  tokenizer = await loadTokenizer(embeddedModelDirectory());
}, 60_000);
afterAll(() => session.dispose());

function partsOf(features: ConstraintFeatures): ChatParts {
  const { contextLength, vocabularySize, sparseHead } = session;
  return {
    tokenizer,
    promptFormat: gemma4("small"),
    constraints: createConstraintEngine(tokenizer, GEMMA4_FORMAT, { features }),
    pool: new SequencePool(session, { capacity: 1 }),
    memory: new ReplyMemory(),
    contextLength,
    vocabularySize,
    sparseHead,
    longestToken: 64,
  };
}

/** A sequence that writes down what it was asked. */
function recording(sequence: Sequence): Sequence & { readonly asked: AppendOptions[] } {
  const asked: AppendOptions[] = [];
  return {
    asked,
    get tokens() {
      return sequence.tokens;
    },
    get length() {
      return sequence.length;
    },
    get reach() {
      return sequence.reach;
    },
    append(tokens, options = {}) {
      asked.push(options);
      return sequence.append(tokens, options);
    },
    rewind: (length) => sequence.rewind(length),
    fork: (length) => sequence.fork(length),
    snapshot: () => sequence.snapshot(),
    dispose: () => sequence.dispose(),
  };
}

interface Reply {
  readonly ids: readonly number[];
  readonly steps: number;
  /** Steps that gave the logits of few tokens. */
  readonly sparse: number;
}

async function replies(features: ConstraintFeatures): Promise<Reply[]> {
  const parts = partsOf(features);
  const made: Reply[] = [];
  for (const [request, sampling] of [
    [REQUESTS[0]!, GREEDY],
    [REQUESTS[0]!, SAMPLED],
    [REQUESTS[1]!, SAMPLED],
  ] as const) {
    const { prompt, steering, sampler } = prepare(parts, { ...request, sampling });
    let computed = prompts.get(request);
    if (!computed) {
      computed = session.createSequence();
      await computed.append(prompt.slice(0, -1), { logits: "none" });
      prompts.set(request, computed);
    }
    const sequence = recording(computed.fork(computed.length));
    const ids: number[] = [];
    const limits = { maxTokens: MOST_TOKENS, signal: undefined };
    for await (const { id } of generate({ sequence, prompt: prompt.slice(-1), steering, sampler, features, limits })) ids.push(id);
    sequence.dispose();
    made.push({ ids, steps: sequence.asked.length, sparse: sequence.asked.filter(({ candidates }) => candidates !== undefined).length });
  }
  return made;
}

const total = (of: readonly Reply[], what: "steps" | "sparse"): number => of.reduce((sum, reply) => sum + reply[what], 0);

test("no feature changes a token of a reply, greedy or sampled", async () => {
  const all = await replies(ALL_FEATURES);
  expect(all.every(({ ids }) => ids.length > 5)).toBe(true);
  expect(total(all, "sparse")).toBeGreaterThan(5);
  for (const feature of Object.keys(ALL_FEATURES) as (keyof ConstraintFeatures)[]) {
    const without = await replies({ ...ALL_FEATURES, [feature]: false });
    expect({ feature, ids: without.map(({ ids }) => ids) }).toEqual({ feature, ids: all.map(({ ids }) => ids) });
    if (feature === "forced") expect(total(without, "steps")).toBeGreaterThan(total(all, "steps") + 10);
    else expect(total(without, "steps")).toBe(total(all, "steps"));
    if (feature === "sparseHead") expect(total(without, "sparse")).toBe(0);
  }
}, 300_000);

test("logits of chosen ids are those of the whole row", async () => {
  expect(session.sparseHead).toBe(true);
  const sequence = session.createSequence();
  try {
    await sequence.append([1, 500, 600, 700], { logits: "none" });
    const whole = await sequence.append([800]);
    for (const ids of [[0], [5, 6, 7], Array.from({ length: 256 }, (_, i) => 191 * i)]) {
      sequence.rewind(4);
      const candidates = Int32Array.from(ids);
      const some = await sequence.append([800], { candidates });
      expect(some).toHaveLength(ids.length);
      some.forEach((logit, i) => expect(logit).toBeCloseTo(whole[ids[i]!]!, 3));
    }
    sequence.rewind(4);
    for (const wrong of [Int32Array.of(), Int32Array.of(-1), Int32Array.of(session.vocabularySize)])
      await expect(sequence.append([800], { candidates: wrong })).rejects.toMatchObject({ code: "session/bad-candidates" });
    await expect(sequence.append([800], { logits: "all", candidates: Int32Array.of(1) })).rejects.toMatchObject({
      code: "session/bad-candidates",
    });
    expect(sequence.length).toBe(4);
  } finally {
    sequence.dispose();
  }
});
