import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { difference, FIXTURE, ids, TOLERANCE, VOCABULARY } from "./fixture.test.support.ts";
import { openSession } from "./open.ts";
import type { Session } from "./session.ts";

let session: Session;
let sliced: Session;

beforeAll(async () => {
  session = await openSession(FIXTURE, { threads: 1, chunk: 1024 });
  sliced = await openSession(FIXTURE, { threads: 1, chunk: 7 });
});
afterAll(() => Promise.all([session.dispose(), sliced.dispose()]));

const fresh = (tokens: readonly number[]) => session.createSequence().append(tokens);

test("one go, steps and chunks give the same logits for every token", async () => {
  const tokens = ids(40);
  const whole = await session.createSequence().append(tokens, { logits: "all" });
  const chunks = await sliced.createSequence().append(tokens, { logits: "all" });
  const stepwise = session.createSequence();
  const steps: number[] = [];
  for (const token of tokens) steps.push(...(await stepwise.append([token])));
  expect(whole.length).toBe(40 * VOCABULARY);
  expect(difference(whole, chunks)).toBeLessThan(TOLERANCE);
  expect(difference(whole, Float32Array.from(steps))).toBeLessThan(TOLERANCE);
  expect(difference(whole.subarray(-VOCABULARY), await sliced.createSequence().append(tokens))).toBeLessThan(TOLERANCE);
});

test("every earlier token moves the logits, so a lost row would show", async () => {
  const tokens = ids(40);
  const logits = await fresh(tokens);
  for (const at of [0, 6, 7, 20, 38])
    expect(difference(logits, await fresh(tokens.with(at, (tokens[at]! + 1) % VOCABULARY)))).toBeGreaterThan(1e-3);
});

test("no logits are returned when none are asked for, and tokens count all the same", async () => {
  const sequence = sliced.createSequence();
  expect((await sequence.append(ids(20), { logits: "none" })).length).toBe(0);
  expect(sequence.length).toBe(20);
  expect((await sequence.append([], { logits: "all" })).length).toBe(0);
  expect(difference(await sequence.append([3]), await fresh([...ids(20), 3]))).toBeLessThan(TOLERANCE);
});

test("after a rewind other tokens give what a fresh sequence gives", async () => {
  const sequence = session.createSequence();
  await sequence.append(ids(30));
  sequence.rewind(11);
  const logits = await sequence.append(ids(9, 5));
  const tokens = [...ids(30).slice(0, 11), ...ids(9, 5)];
  expect(sequence.tokens).toEqual(tokens);
  expect(difference(logits, await fresh(tokens))).toBeLessThan(TOLERANCE);
});

test("rows survive every doubling", async () => {
  const sequence = session.createSequence();
  const tokens = ids(600);
  for (const [start, end] of [
    [0, 255],
    [255, 256],
    [256, 257],
    [257, 512],
    [512, 513],
    [513, 600],
  ] as const) {
    const logits = await sequence.append(tokens.slice(start, end));
    expect(difference(logits, await fresh(tokens.slice(0, end)))).toBeLessThan(TOLERANCE);
  }
});

test("two sequences that take turns do not mix", async () => {
  const [a, b] = [sliced.createSequence(), sliced.createSequence()];
  const last = await Promise.all([a.append(ids(60, 2)), b.append(ids(50, 3))]);
  expect(difference(last[0], await fresh(ids(60, 2)))).toBeLessThan(TOLERANCE);
  expect(difference(last[1], await fresh(ids(50, 3)))).toBeLessThan(TOLERANCE);
});

test("a short request does not wait for a long one to finish", async () => {
  const order: string[] = [];
  const long = sliced
    .createSequence()
    .append(ids(700))
    .then(() => order.push("long"));
  const short = sliced
    .createSequence()
    .append([1])
    .then(() => order.push("short"));
  await Promise.all([long, short]);
  expect(order).toEqual(["short", "long"]);
});

test("a fork goes its own way, even while its source is running", async () => {
  const source = sliced.createSequence();
  await source.append(ids(20));
  const running = source.append(ids(30, 4));
  const fork = source.fork(15);
  const logits = await fork.append(ids(5, 6));
  expect(fork.tokens).toEqual([...ids(20).slice(0, 15), ...ids(5, 6)]);
  expect(difference(logits, await fresh(fork.tokens))).toBeLessThan(TOLERANCE);
  expect(difference(await running, await fresh([...ids(20), ...ids(30, 4)]))).toBeLessThan(TOLERANCE);
  source.dispose();
  expect(difference(await fork.append([1]), await fresh([...ids(20).slice(0, 15), ...ids(5, 6), 1]))).toBeLessThan(TOLERANCE);
});

test("an abort stops after the chunk that is running, and what was computed stays", async () => {
  const controller = new AbortController();
  const sequence = sliced.createSequence();
  const append = sequence.append(ids(1000), { signal: controller.signal });
  const reason = new Error("no longer wanted");
  const wait = setInterval(() => sequence.length >= 14 && controller.abort(reason), 0);
  await expect(append).rejects.toMatchObject({ code: "session/aborted", cause: reason });
  clearInterval(wait);
  expect(sequence.length % 7).toBe(0);
  expect(sequence.length).toBeLessThan(1000);
  expect(sequence.tokens).toEqual(ids(1000).slice(0, sequence.length));
  expect(difference(await sequence.append([5]), await fresh(sequence.tokens))).toBeLessThan(TOLERANCE);
});

test("a signal that fired before the call computes nothing", async () => {
  const sequence = session.createSequence();
  await expect(sequence.append([1], { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "session/aborted" });
  expect(sequence.length).toBe(0);
});

test("the context length is kept, and the error names both numbers", async () => {
  const sequence = session.createSequence();
  await sequence.append(ids(1000), { logits: "none" });
  await expect(sequence.append(ids(25))).rejects.toMatchObject({
    code: "session/context-length",
    message: expect.stringMatching(/1025.*1024/),
  });
  expect(sequence.length).toBe(1000);
  expect(difference(await sequence.append(ids(24, 2)), await fresh([...ids(1000), ...ids(24, 2)]))).toBeLessThan(TOLERANCE);
});

test.each([-1, 16, 0.5, Number.NaN])("token %p is refused before it reaches the graph", async (token) => {
  await expect(session.createSequence().append([1, token])).rejects.toMatchObject({
    code: "session/bad-token",
    message: expect.stringContaining("15"),
  });
});

test("misuse is told apart: no token, rewinding ahead, two calls at once", async () => {
  const sequence = sliced.createSequence();
  await expect(sequence.append([])).rejects.toMatchObject({ code: "session/no-tokens" });
  expect(() => sequence.rewind(1)).toThrow(expect.objectContaining({ code: "session/rewind-ahead" }));
  expect(() => sequence.fork(-1)).toThrow(expect.objectContaining({ code: "session/rewind-ahead" }));
  const running = sequence.append(ids(50));
  await expect(sequence.append([1])).rejects.toMatchObject({ code: "session/busy" });
  expect(() => sequence.rewind(0)).toThrow(expect.objectContaining({ code: "session/busy" }));
  await running;
  expect(sequence.length).toBe(50);
});

test("a sequence disposed while it runs rejects, and the session goes on", async () => {
  const sequence = sliced.createSequence();
  const running = sequence.append(ids(500));
  sequence.dispose();
  sequence.dispose();
  await expect(running).rejects.toMatchObject({ code: "session/disposed" });
  await expect(sequence.append([1])).rejects.toMatchObject({ code: "session/disposed" });
  expect((await fresh([1])).length).toBe(VOCABULARY);
});

test("a session disposed while it runs rejects every call and ends", async () => {
  const own = await openSession(FIXTURE, { threads: 1, chunk: 1024 });
  const [a, b] = [own.createSequence(), own.createSequence()];
  const calls = [a.append(ids(1024)), b.append(ids(1024)), a.fork(0).append([1])];
  const closed = own.dispose();
  for (const call of calls) await expect(call).rejects.toMatchObject({ code: "session/disposed" });
  await closed;
  await expect(own.createSequence().append([1])).rejects.toMatchObject({ code: "session/disposed" });
});

test("an error inside the graph is told, and the tokens of that run do not count", async () => {
  const directory = await mkdtemp(join(tmpdir(), "orrery-session-"));
  await cp(FIXTURE, directory, { recursive: true });
  const manifest = JSON.parse(await readFile(join(directory, "manifest.json"), "utf8"));
  // The graph knows 1024 positions: reading beyond them fails inside the run.
  await writeFile(join(directory, "manifest.json"), JSON.stringify({ ...manifest, config: { ...manifest.config, contextLength: 2000 } }));
  const longer = await openSession(directory, { threads: 1, chunk: 400 });
  const sequence = longer.createSequence();
  await expect(sequence.append(ids(1100))).rejects.toMatchObject({
    code: "session/run-failed",
    message: expect.stringContaining("300 tokens at position 800"),
    hint: expect.any(String),
    cause: expect.objectContaining({ message: expect.stringMatching(/./), stack: expect.stringContaining("onnxruntime") }),
  });
  expect(sequence.length).toBe(800);
  expect(difference(await sequence.append([1]), await fresh([...ids(1100).slice(0, 800), 1]))).toBeLessThan(TOLERANCE);
  await longer.dispose();
  await rm(directory, { recursive: true });
});

test("the main thread keeps turning during a run", async () => {
  let done = false;
  let turns = 0;
  const running = session
    .createSequence()
    .append(ids(1024))
    .finally(() => (done = true));
  while (!done) {
    await new Promise((resolve) => setImmediate(resolve));
    turns++;
  }
  await running;
  expect(turns).toBeGreaterThan(20);
});
