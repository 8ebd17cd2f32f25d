import { fileURLToPath } from "node:url";
import { createGrammar } from "./constraint/grammar.ts";
import { spellings } from "./constraint/literals.ts";
import { generate, tokenLimit } from "./generate.ts";
import { createSampler } from "./sampling/sample.ts";
import { openSession } from "./session/open.ts";
import type { Session } from "./session/session.ts";
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

test("a limit of tokens is at most the room there is", () => {
  expect(tokenLimit(5, 100)).toBe(5);
  expect(tokenLimit(500, 100)).toBe(100);
  for (const wrong of [0, -1, 0.5, Number.NaN, Infinity])
    expect(() => tokenLimit(wrong, 100)).toThrow(expect.objectContaining({ code: "chat/bad-max-tokens" }));
});
