/** Sequences computed in one run give what each gives alone: with a window and without, forked, rewound, come and gone. */
import fc from "fast-check";
import { difference, FIXTURE, ids, TOLERANCE, VOCABULARY } from "./fixture.test.support.ts";
import { openSession } from "./open.ts";
import type { Sequence, Session } from "./session.ts";

let session: Session;
beforeAll(async () => {
  session = await openSession(FIXTURE, { threads: 1 });
});
afterAll(() => session.dispose());

const fresh = (tokens: readonly number[], own = session) => own.createSequence().append(tokens);

async function started(tokens: readonly number[], own = session): Promise<Sequence> {
  const sequence = own.createSequence();
  await sequence.append(tokens, { logits: "none" });
  return sequence;
}

/** One token for each, checked against a fresh sequence. */
async function stepAndCheck(sequences: readonly Sequence[], token: number): Promise<void> {
  const logits = await session.step(sequences.map((sequence, i) => ({ sequence, token: (token + i) % VOCABULARY })));
  expect(logits.length).toBe(sequences.length);
  for (const [i, sequence] of sequences.entries()) {
    expect(sequence.tokens.at(-1)).toBe((token + i) % VOCABULARY);
    expect(difference(logits[i]!, await fresh(sequence.tokens))).toBeLessThan(TOLERANCE);
  }
}

test("sequences of lengths around the window step together", async () => {
  const sequences = await Promise.all([22, 23, 24, 25, 100].map((length, i) => started(ids(length, i + 1))));
  for (let step = 0; step < 30; step++) await stepAndCheck(sequences, step);
});

test("an empty sequence steps beside a long one, and two empty ones beside each other", async () => {
  await stepAndCheck([await started(ids(60)), session.createSequence()], 3);
  const pair = [session.createSequence(), session.createSequence()];
  for (let step = 0; step < 3; step++) await stepAndCheck(pair, step);
});

test("a fork and its source step together, each with its own rows", async () => {
  const source = await started(ids(40));
  const sequences = [source, source.fork(40), source.fork(40), source.fork(12)];
  for (let step = 0; step < 5; step++) await stepAndCheck(sequences, step);
});

test("short appends that wait are computed in one run, and give what they give alone", async () => {
  const sequences = await Promise.all([5, 30, 70].map((length, i) => started(ids(length, i + 1))));
  for (let round = 0; round < 4; round++) {
    const added = sequences.map((_, i) => ids(((round + i) % 3) * 7 + 1, round + i + 1));
    const logits = await Promise.all(sequences.map((sequence, i) => sequence.append(added[i]!)));
    for (const [i, sequence] of sequences.entries()) expect(difference(logits[i]!, await fresh(sequence.tokens))).toBeLessThan(TOLERANCE);
  }
});

test("whoever steps, appends alone, is rewound, forked or disposed in between, every step is right", async () => {
  const action = fc.record({
    act: fc.constantFrom("step", "step", "step", "append", "rewind", "fork", "dispose"),
    which: fc.nat(),
    size: fc.integer({ min: 1, max: 40 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 25, size: "max" }), async (actions) => {
      let all = [await started(ids(30)), await started(ids(10, 2))];
      for (const { act, which, size } of actions) {
        const chosen = all[which % all.length]!;
        if (act === "step")
          await stepAndCheck(which % 2 === 0 ? all : [chosen, ...all.filter((other) => other !== chosen).slice(0, 1)], size);
        else if (act === "append") await chosen.append(ids(size, which + 1), { logits: "none" });
        else if (act === "rewind") chosen.rewind(Math.max(0, chosen.length - size));
        else if (act === "fork" && all.length < 6) all.push(chosen.fork(Math.max(0, chosen.length - (size >> 1))));
        else if (act === "dispose" && all.length > 2) {
          chosen.dispose();
          all = all.filter((other) => other !== chosen);
        }
      }
      for (const sequence of all) sequence.dispose();
    }),
    { numRuns: 25 },
  );
}, 60_000);

test("a step of nothing gives nothing; a stranger, a sequence twice and a bad token are refused and change nothing", async () => {
  const sequence = await started(ids(5));
  const other = await openSession(FIXTURE, { threads: 1 });
  expect(await session.step([])).toEqual([]);
  for (const [steps, code] of [
    [[{ sequence: other.createSequence(), token: 1 }], "session/not-of-this-session"],
    [[sequence, sequence].map((twice) => ({ sequence: twice, token: 1 })), "session/busy"],
    [[{ sequence, token: VOCABULARY }], "session/bad-token"],
  ] as const)
    await expect(session.step(steps)).rejects.toMatchObject({ code });
  await other.dispose();
  expect(sequence.length).toBe(5);
  await sequence.append([1]);
});

test("rows behind the reach are gone where there is a window, and rewinding there is refused", async () => {
  const own = await openSession(FIXTURE, { threads: 1, rewind: 10 });
  const sequence = await started(ids(100), own);
  for (const token of ids(400, 2)) await sequence.append([token], { logits: "none" });
  expect(sequence.reach).toBe(489);
  for (const call of [() => sequence.rewind(488), () => sequence.fork(488)])
    expect(call).toThrow(expect.objectContaining({ code: "session/out-of-reach", message: expect.stringMatching(/488.*489/) }));
  const fork = sequence.fork(489);
  sequence.rewind(489);
  const tokens = [...sequence.tokens, 7];
  expect(difference(await sequence.append([7]), await fresh(tokens))).toBeLessThan(TOLERANCE);
  expect(difference(await fork.append([7]), await fresh(tokens))).toBeLessThan(TOLERANCE);
  sequence.rewind(0);
  expect(sequence.reach).toBe(0);
  expect(difference(await sequence.append(ids(30)), await fresh(ids(30)))).toBeLessThan(TOLERANCE);
  await own.dispose();
});

/** 128 bytes a token: two layers, keys and values, two heads of four. */
const TOKEN_BYTES = 128;

test("a sequence that does not fit into the budget is told how much it needs, and others go on", async () => {
  const own = await openSession(FIXTURE, { threads: 1, cacheMemory: 300 * TOKEN_BYTES });
  const sequence = await started(ids(200), own);
  const failed: unknown = await sequence.append(ids(150)).catch((thrown: unknown) => thrown);
  expect(failed).toMatchObject({ code: "session/out-of-cache-memory", neededBytes: 350 * TOKEN_BYTES, budgetBytes: 300 * TOKEN_BYTES });
  expect(sequence.length).toBe(200);
  expect(difference(await sequence.append(ids(99, 3)), await fresh(sequence.tokens))).toBeLessThan(TOLERANCE);
  await expect(fresh([1, 2], own)).rejects.toMatchObject({ code: "session/out-of-cache-memory" });
  sequence.dispose();
  expect((await fresh([1, 2], own)).length).toBe(VOCABULARY);
  await own.dispose();
});

test("where there is no room for copies of rows, sequences that wait are computed alone", async () => {
  const own = await openSession(FIXTURE, { threads: 1, cacheMemory: 513 * TOKEN_BYTES });
  const [a, b] = [await started(ids(200), own), await started(ids(210, 2), own)];
  for (const token of [1, 2, 3]) {
    const logits = await Promise.all([a, b, a.fork(0)].slice(0, 2).map((sequence) => sequence.append([token])));
    expect(difference(logits[0]!, await fresh(a.tokens))).toBeLessThan(TOLERANCE);
    expect(difference(logits[1]!, await fresh(b.tokens))).toBeLessThan(TOLERANCE);
  }
  await own.dispose();
});

test("copies of sequences that were computed together make way for a snapshot's rows", async () => {
  const small = await openSession(FIXTURE, { threads: 1, cacheMemory: 2 * 256 * 128 + 40_000 });
  const stored = await started(ids(300), small);
  const snapshot = await stored.snapshot();
  stored.dispose();
  const pair = [await started(ids(250), small), await started(ids(250, 2), small)];
  await small.step(pair.map((sequence) => ({ sequence, token: 1 })));
  const restored = await small.restore(snapshot);
  expect(difference(await restored.append([1]), await fresh([...ids(300), 1]))).toBeLessThan(TOLERANCE);
  await small.dispose();
});
