import { createHash } from "node:crypto";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { difference, FIXTURE, ids, TOLERANCE } from "./fixture.test.support.ts";
import { openSession } from "./open.ts";
import type { Session } from "./session.ts";

let session: Session;
let bytes: Uint8Array;
const TOKENS = ids(60);

beforeAll(async () => {
  session = await openSession(FIXTURE, { threads: 1, rewind: 10 });
  const sequence = session.createSequence();
  await sequence.append(TOKENS.slice(0, 50), { logits: "none" });
  for (const token of TOKENS.slice(50)) await sequence.append([token], { logits: "none" });
  bytes = await sequence.snapshot();
});
afterAll(() => session.dispose());

const fresh = (tokens: readonly number[]) => session.createSequence().append(tokens);

/** With its checksum made right again: what a liar would send. */
function signed(changed: Uint8Array): Uint8Array {
  const end = changed.length - 32;
  changed.set(createHash("sha256").update(changed.subarray(0, end)).digest(), end);
  return changed;
}

function withWord(at: number, word: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  new DataView(copy.buffer).setUint32(at, word, true);
  return signed(copy);
}

test("a restored sequence goes on as the one it was taken of, in another session too, and can be rewound as far", async () => {
  const other = await openSession(FIXTURE, { threads: 1, rewind: 10 });
  for (const [at, own] of [
    [1, session],
    [3, other],
  ] as const) {
    const unaligned = new Uint8Array(bytes.length + at).subarray(at);
    unaligned.set(bytes);
    const restored = await own.restore(unaligned);
    expect(restored.tokens).toEqual(TOKENS);
    expect(restored.reach).toBe(49);
    expect(() => restored.rewind(48)).toThrow(expect.objectContaining({ code: "session/out-of-reach" }));
    const fork = restored.fork(49);
    expect(difference(await restored.append([3]), await fresh([...TOKENS, 3]))).toBeLessThan(TOLERANCE);
    expect(difference(await fork.append([5]), await fresh([...TOKENS.slice(0, 49), 5]))).toBeLessThan(TOLERANCE);
  }
  await other.dispose();
});

test("of a window only what can be seen is stored", () => {
  const head = 24 + Math.ceil(new DataView(bytes.buffer).getUint32(12, true) / 4) * 4;
  const [all, window] = [60, 60 - (49 - 23)];
  expect(bytes.length).toBe(head + 60 * 4 + (all + window) * 2 * 8 * 4 + 32);
});

test("an empty sequence and one that is running have snapshots too", async () => {
  expect((await session.restore(await session.createSequence().snapshot())).length).toBe(0);
  const sequence = session.createSequence();
  await sequence.append(ids(20));
  const running = sequence.append(ids(200, 2));
  const restored = await session.restore(await sequence.snapshot());
  await running;
  expect(restored.tokens).toEqual(ids(20));
  expect(difference(await restored.append([1]), await fresh([...ids(20), 1]))).toBeLessThan(TOLERANCE);
});

test.each([
  ["layout version", 8, 2, "session/snapshot-version", "layout version 2, expected 1"],
  ["length of the fingerprint", 12, 2 ** 31, "session/snapshot-damaged", "fingerprint of 2147483648 bytes"],
  ["number of tokens", 16, 2 ** 32 - 1, "session/snapshot-damaged", "4294967295 tokens, the context holds 1024"],
  ["number of tokens, by one", 16, 61, "session/snapshot-damaged", "expected"],
  ["reach beyond the end", 20, 61, "session/snapshot-damaged", "rewound to 61"],
  ["reach, by one", 20, 48, "session/snapshot-damaged", "expected"],
])("a snapshot that lies about its %s is refused", async (_, at, word, code, message) => {
  await expect(session.restore(withWord(at, word))).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
});

test("a token outside the vocabulary is refused", async () => {
  const described = new DataView(bytes.buffer).getUint32(12, true);
  await expect(session.restore(withWord(24 + described, 16))).rejects.toMatchObject({
    code: "session/snapshot-damaged",
    message: expect.stringContaining("token 16"),
  });
});

test("wherever it is cut or one bit is flipped, it is refused with an error of ours", async () => {
  const refused = { code: expect.stringMatching(/^session\/snapshot-(damaged|version|mismatch)$/), hint: expect.any(String) };
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(7), async (at, bit) => {
      await expect(session.restore(bytes.slice(0, at))).rejects.toMatchObject(refused);
      const flipped = Uint8Array.from(bytes);
      flipped[at]! ^= 1 << bit;
      await expect(session.restore(flipped)).rejects.toMatchObject(refused);
    }),
    { numRuns: 150 },
  );
  await expect(session.restore(Uint8Array.from([...bytes, 0]))).rejects.toMatchObject(refused);
});

test("a snapshot of another model is refused, and what differs is named", async () => {
  const directory = await mkdtemp(join(tmpdir(), "orrery-snapshot-"));
  await cp(FIXTURE, directory, { recursive: true });
  const manifest = JSON.parse(await readFile(join(directory, "manifest.json"), "utf8"));
  manifest.weights = { precision: "int8", accuracyLevel: 4 };
  manifest.files[0].sha256 = "0".repeat(64);
  await writeFile(join(directory, "manifest.json"), JSON.stringify(manifest));
  const other = await openSession(directory, { threads: 1, template: "other 2" });
  const refused: unknown = await other.restore(bytes).catch((thrown: unknown) => thrown);
  expect(refused).toMatchObject({ code: "session/snapshot-mismatch" });
  expect((refused as Error).message).toMatch(/weights is "[0-9a-f]{15}….*template is "", expected "other 2"; precision is "float32/);
  expect((refused as Error).message).not.toMatch(/tokenizer|onnxruntime/);
  await other.dispose();
  await rm(directory, { recursive: true });
});

test("without room a snapshot is not restored, and with room made it is", async () => {
  const small = await openSession(FIXTURE, { threads: 1, rewind: 10, cacheMemory: 256 * 128 + 5000 });
  const kept = small.createSequence();
  await kept.append(ids(30));
  await expect(small.restore(bytes)).rejects.toMatchObject({ code: "session/out-of-cache-memory" });
  let spare = 1;
  small.whenFull(() => {
    kept.dispose();
    return spare-- > 0;
  });
  expect((await small.restore(bytes)).length).toBe(60);
  await small.dispose();
});

test("what a snapshot needs is told for all of its rows, and nobody makes room for more than the budget", async () => {
  const small = await openSession(FIXTURE, { threads: 1, rewind: 10, cacheMemory: 5000 });
  let asked = false;
  small.whenFull(() => (asked = true));
  await expect(small.restore(bytes)).rejects.toMatchObject({
    code: "session/out-of-cache-memory",
    neededBytes: (60 + 60 - (49 - 23)) * 2 * 8 * 4,
    leftBytes: 5000,
  });
  expect(asked).toBe(false);
  await small.dispose();
});
