import { fileURLToPath } from "node:url";
import { createGrammar } from "./constraint/grammar.ts";
import { spellings } from "./constraint/literals.ts";
import { generate, tokenLimit } from "./generate.ts";
import { Governor } from "./precision/governor.ts";
import { parsePolicy } from "./precision/policy.ts";
import { createSampler } from "./sampling/sample.ts";
import { openSession } from "./session/open.ts";
import type { Sequence, Session } from "./session/session.ts";
import type { Tokenizer } from "./tokenizer/vocabulary.ts";

const FIXTURE = fileURLToPath(new URL("../fixtures/session/", import.meta.url));
let session: Session;
beforeAll(async () => {
  session = await openSession(FIXTURE, { threads: 1 });
});
afterAll(() => session.dispose());

/** Sixteen letters, `a` to `p`. */
const letters: Tokenizer = {
  size: 16,
  control: new Map(),
  bytes: (id) => (id < 16 ? Uint8Array.of(97 + id) : undefined),
  encode: (text) => [...text].map((letter) => letter.charCodeAt(0) - 97),
  decode: (ids) => String.fromCharCode(...ids.map((id) => 97 + id)),
  controlId: () => 0,
};

const word = (text: string) => [...text].map((letter) => letter.charCodeAt(0));

test("a mask that cannot be made fails only when the step beside it is over", async () => {
  const sequence = session.createSequence();
  const grammar = createGrammar(spellings([word("y"), word("z")]), letters).start();
  const tokens = generate({
    sequence,
    prompt: [1, 2, 3],
    steering: { grammar },
    sampler: createSampler({}, 16),
    limits: { maxTokens: 4, signal: undefined },
  });
  await expect(tokens.next()).rejects.toMatchObject({ code: "constraint/dead-end" });
  sequence.rewind(2); // `session/busy` while a step is on
  expect(sequence.tokens).toEqual([1, 2]);
});

/** Answers with these logits in turn, and writes down what it was asked. */
function scripted(rows: readonly (readonly number[])[]): Sequence & { readonly asked: { tokens: readonly number[]; full: boolean }[] } {
  const tokens: number[] = [];
  const asked: { tokens: readonly number[]; full: boolean }[] = [];
  return {
    tokens,
    asked,
    get length() {
      return tokens.length;
    },
    async append(added, { full = true } = {}) {
      tokens.push(...added);
      asked.push({ tokens: added, full });
      return Float32Array.from({ length: 16 }, (_, id) => rows[asked.length - 1]?.[id] ?? -9);
    },
    rewind: (length) => void (tokens.length = length),
    fork: () => scripted(rows),
    reach: 0,
    snapshot: async () => new Uint8Array(0),
    dispose: () => undefined,
  };
}

test("a step in doubt is computed again in full: its last token, in the place it had", async () => {
  const sequence = scripted([
    [5, 0],
    [1, 0.9],
    [0, 7],
    [4, 0],
  ]); // prompt; near tie; the same in full; a clear one
  const policy = parsePolicy({
    format: 1,
    otherwise: { recheckBelow: 1 },
    rules: [{ name: "prompt", when: { phase: "prefill" }, use: "full" }],
  });
  const governor = new Governor(policy);
  const tokens = generate({
    sequence,
    prompt: [1, 2, 3],
    steering: { stop: new Set() },
    sampler: createSampler({}, 16),
    governor,
    limits: { maxTokens: 3, signal: undefined },
  });
  const ids: number[] = [];
  for await (const { id } of tokens) ids.push(id);
  expect(ids).toEqual([0, 1, 0]);
  expect(sequence.asked).toEqual([
    { tokens: [1, 2, 3], full: true },
    { tokens: [0], full: false },
    { tokens: [0], full: true },
    { tokens: [1], full: false },
  ]);
  expect(sequence.tokens).toEqual([1, 2, 3, 0, 1]);
  expect(governor.counts).toEqual({ low: 1, full: 1, rechecked: 1 });
});

test("between a thought's marks a reply is a thought", async () => {
  const policy = parsePolicy({ format: 1, otherwise: "low", rules: [{ name: "thoughts", when: { positions: ["thought"] }, use: "full" }] });
  const say = (id: number): number[] => Array.from({ length: 16 }, (_, i) => (i === id ? 9 : 0));
  const sequence = scripted([say(10), say(3), say(11), say(4)]);
  const tokens = generate({
    sequence,
    prompt: [1],
    steering: { stop: new Set(), thought: { open: 10, close: 11 } },
    sampler: createSampler({}, 16),
    governor: new Governor(policy),
    limits: { maxTokens: 4, signal: undefined },
  });
  const positions: string[] = [];
  for await (const { position } of tokens) positions.push(position);
  expect(positions).toEqual(["free-text", "thought", "thought", "free-text"]);
  expect(sequence.asked.map(({ full }) => full)).toEqual([false, true, true, false]);
});

test("a limit of tokens is at most the room there is", () => {
  expect(tokenLimit(5, 100)).toBe(5);
  expect(tokenLimit(500, 100)).toBe(100);
  for (const wrong of [0, -1, 0.5, Number.NaN, Infinity])
    expect(() => tokenLimit(wrong, 100)).toThrow(expect.objectContaining({ code: "chat/bad-max-tokens" }));
});
