/** Graphs with past and present through the session: the logits are those of the row graph on the same weights, however tokens are fed. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Graph } from "../graph/graph.ts";
import { readFloatArrays } from "../checkpoint/float-arrays.ts";
import { openSession } from "./open.ts";
import { embedTokens, FIXTURE_CONFIG, fixtureDecoder, graniteDecoder, writeRepository, type Form } from "./past-present.test.support.ts";
import type { Session } from "./session.ts";

const FIXTURES = fileURLToPath(new URL("../../fixtures/", import.meta.url));
const WIDTH = FIXTURE_CONFIG.vocab_size;

let directory: string;
let rows: Session;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "orrery-past-"));
  rows = await openSession(join(FIXTURES, "session"), { threads: 1 });
});
afterAll(async () => {
  await rows.dispose();
  await rm(directory, { recursive: true });
});

function ids(count: number, seed = 1): number[] {
  let state = seed;
  return Array.from({ length: count }, () => (state = (state * 48271) % 2147483647) % WIDTH);
}

function difference(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}

async function withSession<T>(files: Readonly<Record<string, object>>, body: (session: Session) => Promise<T>, chunk = 256): Promise<T> {
  const place = await mkdtemp(join(directory, "repository-"));
  await writeRepository(place, files);
  const session = await openSession(place, { threads: 1, chunk });
  try {
    return await body(session);
  } finally {
    await session.dispose();
  }
}

const one = (form: Form): Record<string, object> => ({ "config.json": FIXTURE_CONFIG, "onnx/model.onnx": fixtureDecoder(form) });
const split = (form: Form): Record<string, object> => ({
  "config.json": { text_config: FIXTURE_CONFIG, eos_token_id: [14, 15] },
  "onnx/decoder_model_merged_q4.onnx": fixtureDecoder({ ...form, split: true }),
  "onnx/embed_tokens_q4.onnx": embedTokens(),
});

const FORMS: readonly [name: string, files: Record<string, object>, tolerance: number][] = [
  ["one graph", one({}), 1e-5],
  ["one graph that keeps the logits asked for", one({ keep: true }), 1e-5],
  ["a branch without a past", one({ branch: true }), 1e-5],
  [
    "other names, layers that are not in a row",
    { ...one({ past: "past", layers: [0, 5] }), "config.json": { ...FIXTURE_CONFIG, num_hidden_layers: 6 } },
    1e-5,
  ],
  ["a decoder and its embedding", split({ keep: true }), 1e-5],
  // Keys and logits of the size of 1 are rounded to 11 bits.
  ["float16", one({ half: true }), 5e-3],
  [
    "named by genai_config.json",
    {
      "decoder.onnx": fixtureDecoder(),
      "genai_config.json": { model: { context_length: 1024, vocab_size: 16, eos_token_id: [15], decoder: { filename: "decoder.onnx" } } },
    },
    1e-5,
  ],
];

describe.each(FORMS)("%s", (_, files, tolerance) => {
  test("whole, token by token, in chunks, rewound and forked: the logits of the row graph", async () => {
    const tokens = ids(60);
    const expected = await rows.createSequence().append(tokens, { logits: "all" });
    const at = (start: number, end: number): Float32Array => expected.subarray(start * WIDTH, end * WIDTH);

    await withSession(files, async (session) => {
      expect([session.contextLength, session.vocabularySize]).toEqual([1024, WIDTH]);
      const whole = session.createSequence();
      expect(difference(await whole.append(tokens, { logits: "all" }), expected)).toBeLessThan(tolerance);

      const steps = session.createSequence();
      for (const [i, token] of tokens.entries()) expect(difference(await steps.append([token]), at(i, i + 1))).toBeLessThan(tolerance);

      // A fork shares tensors; both go on in their own ways and neither disturbs the other.
      const fork = whole.fork(31);
      whole.rewind(40);
      expect(difference(await whole.append(ids(3, 9)), await fresh(session, [...tokens.slice(0, 40), ...ids(3, 9)]))).toBeLessThan(
        tolerance,
      );
      expect(difference(await fork.append(tokens.slice(31), { logits: "all" }), at(31, 60))).toBeLessThan(tolerance);
      whole.rewind(31);
      expect(difference(await whole.append(tokens.slice(31)), at(59, 60))).toBeLessThan(tolerance);
      expect((await whole.fork(0).append([], { logits: "all" })).length).toBe(0);

      const none = session.createSequence();
      expect((await none.append(tokens.slice(0, 20), { logits: "none" })).length).toBe(0);
      whole.dispose();
      expect(difference(await none.append(tokens.slice(20)), at(59, 60))).toBeLessThan(tolerance);
    });
    await withSession(
      files,
      async (session) => {
        const sliced = session.createSequence();
        expect(difference(await sliced.append(tokens, { logits: "all" }), expected)).toBeLessThan(tolerance);
        sliced.rewind(50);
        expect(difference(await sliced.append(tokens.slice(50)), at(59, 60))).toBeLessThan(tolerance);
      },
      7,
    );
  });
});

function fresh(session: Session, tokens: readonly number[]): Promise<Float32Array> {
  return session.createSequence().append(tokens);
}

test("Granite MoE by GroupQueryAttention gives the reference's logits, however it is fed", async () => {
  const folder = join(FIXTURES, "goldens/granitemoe-shared");
  const config = JSON.parse(await readFile(join(folder, "config.json"), "utf8"));
  const { cases, tolerance } = JSON.parse(await readFile(join(folder, "cases.json"), "utf8"));
  const references = await readFloatArrays(join(folder, "logits.safetensors"));
  const decoder: Graph = graniteDecoder(config, await readFloatArrays(join(folder, "model.safetensors")));
  await withSession({ "config.json": config, "model.onnx": decoder }, async (session) => {
    for (const { name, input_ids: tokens } of cases as { name: string; input_ids: number[] }[]) {
      const reference = references.get(name)!;
      const width = config.vocab_size;
      for (const size of [tokens.length, 1, 3]) {
        const sequence = session.createSequence();
        await sequence.append([5, 6, 7], { logits: "none" });
        sequence.rewind(0);
        for (let start = 0; start < tokens.length; start += size) {
          const part = tokens.slice(start, start + size);
          const logits = await sequence.append(part, { logits: "all" });
          expect(difference(logits, reference.subarray(start * width, (start + part.length) * width))).toBeLessThanOrEqual(tolerance);
        }
        sequence.dispose();
      }
    }
  });
}, 60_000);

test("sequences of such a graph step together, and are refused a snapshot", async () => {
  await withSession(one({}), async (session) => {
    const sequences = [session.createSequence(), session.createSequence()];
    for (const [i, sequence] of sequences.entries()) await sequence.append(ids(10 + i, i + 1), { logits: "none" });
    const logits = await session.step(sequences.map((sequence, i) => ({ sequence, token: i })));
    for (const [i, sequence] of sequences.entries())
      expect(difference(logits[i]!, await rows.createSequence().append(sequence.tokens))).toBeLessThan(1e-5);
    await expect(sequences[0]!.snapshot()).rejects.toMatchObject({ code: "session/no-snapshots" });
    await expect(session.restore(new Uint8Array(100))).rejects.toMatchObject({ code: "session/no-snapshots" });
  });
});
