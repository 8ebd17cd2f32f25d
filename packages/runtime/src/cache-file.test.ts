import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { loadCache, saveCache, type Remembered } from "./cache-file.ts";
import { ReplyMemory } from "./prompt/memory.ts";
import { SequencePool } from "./sequence/pool.ts";
import { difference, FIXTURE, ids, TOLERANCE } from "./session/fixture.test.support.ts";
import { openSession } from "./session/open.ts";
import type { Session } from "./session/session.ts";

let session: Session;
let other: Session;
let directory: string;
let path: string;
let bytes: Buffer;

beforeAll(async () => {
  [session, other] = await Promise.all([openSession(FIXTURE, { threads: 1 }), openSession(FIXTURE, { threads: 1, template: "other" })]);
  directory = await mkdtemp(join(tmpdir(), "orrery-cache-"));
  path = join(directory, "cache");
  const source = remembered(session);
  source.memory.remember("key", [1, 2, 3]);
  for (const seed of [1, 2]) await serve(source, ids(40, seed));
  expect(await saveCache(path, source)).toBe(2);
  bytes = await readFile(path);
});
afterAll(async () => {
  await Promise.all([session.dispose(), other.dispose()]);
  await rm(directory, { recursive: true });
});

function remembered(own: Session): Remembered {
  return { session: own, pool: new SequencePool(own), memory: new ReplyMemory() };
}

async function serve({ pool }: Remembered, prompt: readonly number[]): Promise<{ cached: number; logits: Float32Array }> {
  const { sequence, cached } = pool.acquire(prompt);
  const logits = await sequence.append(prompt.slice(cached));
  pool.release(sequence);
  return { cached, logits };
}

async function load(content: Uint8Array, own = session): Promise<unknown> {
  const file = join(directory, "changed");
  await writeFile(file, content);
  return loadCache(file, remembered(own)).catch((thrown: unknown) => thrown);
}

test("a pool that was saved goes on in another process' place: only what is new is computed", async () => {
  const target = remembered(session);
  expect(await loadCache(path, target)).toBe(2);
  expect(target.memory.recall("key")).toEqual([1, 2, 3]);
  for (const seed of [1, 2]) {
    const prompt = [...ids(40, seed), 5];
    const { cached, logits } = await serve(target, prompt);
    expect(cached).toBe(40);
    expect(difference(logits, await session.createSequence().append(prompt))).toBeLessThan(TOLERANCE);
  }
});

test("saving replaces the file whole and leaves nothing else; what cannot be written is told", async () => {
  await saveCache(path, remembered(session));
  expect(await readdir(directory)).toEqual(["cache"]);
  expect(await loadCache(path, remembered(session))).toBe(0);
  for (const call of [saveCache, loadCache])
    await expect(call(join(directory, "none", "cache"), remembered(session))).rejects.toMatchObject({ code: "session/cache-file" });
  await expect(loadCache(directory, remembered(session))).rejects.toMatchObject({ code: "session/cache-file" });
});

test("a file of another prompt format is refused before anything of it is used", async () => {
  expect(await load(bytes, other)).toMatchObject({
    code: "session/snapshot-mismatch",
    message: expect.stringContaining('template is "", expected "other"'),
  });
});

test("wherever it is cut or a bit is flipped, it is refused with an error of ours", async () => {
  const refused = { code: expect.stringMatching(/^session\/snapshot-(damaged|version|mismatch)$/) };
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(7), async (at, bit) => {
      expect(await load(bytes.subarray(0, at))).toMatchObject(refused);
      const flipped = Buffer.from(bytes);
      flipped[at]! ^= 1 << bit;
      expect(await load(flipped)).toMatchObject(refused);
    }),
    { numRuns: 60 },
  );
  expect(await load(Buffer.concat([bytes, Buffer.alloc(1)]))).toMatchObject(refused);
});

test("lengths that lie are believed only as far as the file goes", async () => {
  const json = bytes.readUInt32LE(12);
  for (const [at, word] of [
    [12, 2 ** 32 - 1],
    [12, 2 ** 26],
    [16, 2 ** 32 - 1],
    [20 + json + 32 + 4, 2 ** 31],
  ] as const) {
    const lie = Buffer.from(bytes);
    lie.writeUInt32LE(word, at);
    createHash("sha256")
      .update(lie.subarray(0, 20 + json))
      .digest()
      .copy(lie, 20 + json);
    expect(await load(lie)).toMatchObject({ code: "session/snapshot-damaged" });
  }
});

test("a session that has ended replaces no file that was saved before", async () => {
  const ended = await openSession(FIXTURE, { threads: 1 });
  const source = remembered(ended);
  await serve(source, ids(40));
  const file = join(directory, "ended");
  expect(await saveCache(file, source)).toBe(1);
  await ended.dispose();
  await expect(saveCache(file, source)).rejects.toMatchObject({ code: "session/disposed" });
  expect(await loadCache(file, remembered(session))).toBe(1);
  expect((await readdir(directory)).filter((name) => name.startsWith("."))).toEqual([]);
});

test("a name as long as the file system allows can be saved to", async () => {
  const file = join(directory, "あ".repeat(80));
  expect(await saveCache(file, remembered(session))).toBe(0);
  expect(await loadCache(file, remembered(session))).toBe(0);
});

const onPosix = process.platform === "win32" ? test.skip : test;
onPosix("a pipe is refused, not waited for", async () => {
  const pipe = join(directory, "pipe");
  execFileSync("mkfifo", [pipe]);
  await expect(loadCache(pipe, remembered(session))).rejects.toMatchObject({ code: "session/cache-file" });
});
