import fc from "fast-check";
import { fileURLToPath } from "node:url";
import { openSession } from "../session/open.ts";
import type { Sequence, Session } from "../session/session.ts";
import { SequencePool } from "./pool.ts";

const FIXTURE = fileURLToPath(new URL("../../fixtures/session/", import.meta.url));
const TOLERANCE = 1e-5;
let session: Session;

beforeAll(async () => {
  session = await openSession(FIXTURE, { threads: 1 });
});
afterAll(() => session.dispose());

/** Eighty tokens that are told from those of every other letter by the first one already. */
const block = (letter: number) => Array.from({ length: 80 }, (_, i) => (letter + i * (letter + 1)) % 16);
const prompt = (...letters: number[]) => letters.flatMap(block);

async function serve(pool: SequencePool, tokens: readonly number[]): Promise<{ sequence: Sequence; cached: number; logits: Float32Array }> {
  const { sequence, cached } = pool.acquire(tokens);
  return { sequence, cached, logits: await sequence.append(tokens.slice(cached)) };
}

async function serveAndRelease(pool: SequencePool, tokens: readonly number[]): Promise<number> {
  const { sequence, cached } = await serve(pool, tokens);
  pool.release(sequence);
  return cached;
}

test("the next turn of a conversation finds the last one", async () => {
  const pool = new SequencePool(session);
  expect(await serveAndRelease(pool, prompt(1, 2))).toBe(0);
  expect(await serveAndRelease(pool, prompt(1, 2, 3))).toBe(160);
});

test("the same prompt again leaves one token to compute", async () => {
  const pool = new SequencePool(session);
  await serveAndRelease(pool, prompt(1));
  expect(await serveAndRelease(pool, prompt(1))).toBe(79);
  expect(await serveAndRelease(pool, prompt(1).slice(0, 40))).toBe(39);
});

test("a second conversation takes what it shares and the first keeps its own", async () => {
  const pool = new SequencePool(session);
  await serveAndRelease(pool, prompt(1, 2, 3));
  expect(await serveAndRelease(pool, prompt(1, 4))).toBe(80);
  expect(await serveAndRelease(pool, prompt(1, 2, 3, 5))).toBe(240);
  expect(await serveAndRelease(pool, prompt(1, 4, 6))).toBe(160);
});

test("a request shares the prefix of another that is still running", async () => {
  const pool = new SequencePool(session);
  const first = await serve(pool, prompt(1, 2));
  const running = first.sequence.append(block(3));
  const second = await serve(pool, prompt(1, 4));
  expect(second.cached).toBe(80);
  expect(second.sequence).not.toBe(first.sequence);
  await running;
  expect(first.sequence.tokens).toEqual(prompt(1, 2, 3));
});

test("the least recently used conversation makes room", async () => {
  const pool = new SequencePool(session, { capacity: 2 });
  await serveAndRelease(pool, prompt(1));
  await serveAndRelease(pool, prompt(2));
  await serveAndRelease(pool, prompt(1, 5));
  expect(await serveAndRelease(pool, prompt(3))).toBe(0);
  expect(await serveAndRelease(pool, prompt(1, 5, 6))).toBe(160);
  expect(await serveAndRelease(pool, prompt(2))).toBe(0);
});

test("a full pool copies a prefix rather than destroy a recent conversation", async () => {
  const pool = new SequencePool(session, { capacity: 2 });
  await serveAndRelease(pool, prompt(9));
  await serveAndRelease(pool, prompt(1, 2, 3));
  expect(await serveAndRelease(pool, prompt(1, 4))).toBe(80);
  expect(await serveAndRelease(pool, prompt(1, 2, 3))).toBe(239);
  expect(await serveAndRelease(pool, prompt(9))).toBe(0);
});

test("a sequence whose own tail is short goes on itself, before one with a long tail", async () => {
  const pool = new SequencePool(session);
  const long = await serve(pool, prompt(1, 2));
  const short = await serve(pool, [...prompt(1), 5, 6, 7]);
  pool.release(long.sequence);
  pool.release(short.sequence);
  const again = await serve(pool, prompt(1, 3));
  expect(again.cached).toBe(80);
  expect(again.sequence).toBe(short.sequence);
});

test("room is made before a prefix is copied, not afterwards", async () => {
  const pool = new SequencePool(session, { capacity: 2 });
  await serveAndRelease(pool, prompt(9));
  await serveAndRelease(pool, prompt(1, 2));
  expect((await serve(pool, prompt(1, 4))).cached).toBe(80);
  expect(pool.acquire(prompt(9)).cached).toBe(0);
});

test("more requests at once than the capacity are served, and the surplus is dropped afterwards", async () => {
  const pool = new SequencePool(session, { capacity: 1 });
  const [a, b] = await Promise.all([serve(pool, prompt(1)), serve(pool, prompt(2))]);
  pool.release(a.sequence);
  pool.release(b.sequence);
  await expect(a.sequence.append([1])).rejects.toMatchObject({ code: "session/disposed" });
  expect(await serveAndRelease(pool, prompt(2))).toBe(79);
});

test("a prompt of one token or none has nothing cached", async () => {
  const pool = new SequencePool(session);
  expect(await serveAndRelease(pool, [1])).toBe(0);
  expect(await serveAndRelease(pool, [1])).toBe(0);
  expect(pool.acquire([]).cached).toBe(0);
});

test("what was not acquired cannot be released, nor twice", async () => {
  const pool = new SequencePool(session);
  const { sequence } = pool.acquire([1]);
  pool.release(sequence);
  for (const stranger of [sequence, session.createSequence()])
    expect(() => pool.release(stranger)).toThrow(expect.objectContaining({ code: "session/not-acquired" }));
  expect(() => new SequencePool(session, { capacity: 0 })).toThrow(expect.objectContaining({ code: "session/bad-option" }));
});

test("a prefix whose rows are gone is computed again, one that is in reach is used", async () => {
  const own = await openSession(FIXTURE, { threads: 1, rewind: 8 });
  const pool = new SequencePool(own);
  const { sequence } = await serve(pool, prompt(1, 2));
  for (const token of block(3)) await sequence.append([token], { logits: "none" });
  pool.release(sequence);
  expect(sequence.reach).toBe(231);
  const near = [...prompt(1, 2, 3).slice(0, 235), 1, 2];
  const far = prompt(1, 4);
  for (const [tokens, cached] of [
    [near, 235],
    [far, 0],
  ] as const) {
    const served = await serve(pool, tokens);
    expect(served.cached).toBe(cached);
    const reference = await session.createSequence().append(tokens);
    expect(Math.max(...reference.map((value, i) => Math.abs(value - served.logits[i]!)))).toBeLessThan(TOLERANCE);
  }
  await own.dispose();
});

test("when rows do not fit into the budget the least recently used conversation goes, and an idle one never stands in the way", async () => {
  const own = await openSession(FIXTURE, { threads: 1, cacheMemory: 2 * 256 * 128 });
  const pool = new SequencePool(own);
  await serveAndRelease(pool, prompt(1, 2));
  await serveAndRelease(pool, prompt(9, 2));
  await serveAndRelease(pool, prompt(3, 2));
  expect(await serveAndRelease(pool, prompt(9, 2, 4))).toBe(160);
  expect(await serveAndRelease(pool, prompt(1, 2))).toBe(0);
  const { sequence } = pool.acquire(prompt(5));
  await expect(sequence.append(prompt(5, 1, 2, 3, 4, 5, 6))).rejects.toMatchObject({ code: "session/out-of-cache-memory" });
  await own.dispose();
});

test("whatever is acquired, appended and released, the logits are those of a fresh sequence and none is shared", async () => {
  const fresh = new Map<string, Promise<Float32Array>>();
  const reference = (tokens: readonly number[]) => {
    const known = fresh.get(tokens.join()) ?? session.createSequence().append(tokens);
    fresh.set(tokens.join(), known);
    return known;
  };
  const prompts = fc
    .tuple(fc.array(fc.nat(1), { minLength: 1, maxLength: 3, size: "max" }), fc.nat(90))
    .map(([letters, cut]) => prompt(...letters).slice(0, -cut || undefined));
  const step = fc.record({
    tokens: fc.option(
      prompts.filter((tokens) => tokens.length > 0),
      { nil: null, freq: 2 },
    ),
    reply: fc.array(fc.nat(15), { maxLength: 3 }),
    held: fc.nat(),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 4, maxLength: 16, size: "max" }),
      fc.integer({ min: 1, max: 3 }),
      async (steps, capacity) => {
        const pool = new SequencePool(session, { capacity });
        const held: Sequence[] = [];
        for (const { tokens, reply, held: which } of steps) {
          if (tokens === null) {
            const [sequence] = held.splice(which % (held.length || 1), 1);
            if (sequence !== undefined) pool.release(sequence);
            continue;
          }
          const { sequence, cached, logits } = await serve(pool, tokens);
          expect(held).not.toContain(sequence);
          expect(cached).toBeLessThan(tokens.length);
          expect(sequence.tokens).toEqual(tokens);
          expect(Math.max(...(await reference(tokens)).map((value, i) => Math.abs(value - logits[i]!)))).toBeLessThan(TOLERANCE);
          for (const token of reply) await sequence.append([token]);
          held.push(sequence);
        }
        for (const sequence of held) pool.release(sequence);
      },
    ),
    { numRuns: 40 },
  );
}, 60_000);

test("a sequence of which nothing was computed takes no conversation's place", async () => {
  const pool = new SequencePool(session, { capacity: 2 });
  await serveAndRelease(pool, prompt(1));
  pool.release(pool.acquire(prompt(2)).sequence);
  await serveAndRelease(pool, prompt(3));
  expect(await serveAndRelease(pool, prompt(1, 4))).toBe(80);
});
