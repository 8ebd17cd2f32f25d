/**
 * Runs golden cases through a session. In: cases, the reference logits (row t = logits after token t), a session. Out: the largest
 * absolute difference of every way to feed each case. Law: how a sequence is divided must not matter, so every case is fed whole,
 * token by token, in chunks of 3 and of 7, after a rewind, as a fork, restored from a snapshot and beside another sequence, besides its
 * own way.
 */
import type { Sequence, Session } from "@orrery/runtime";
import type { GoldenCase } from "./golden-case.ts";

/** Largest difference seen in one way of feeding; `position` is the token where it was. */
export interface WayResult {
  readonly way: string;
  readonly maxError: number;
  readonly position: number;
}

export interface CaseResult {
  readonly name: string;
  readonly ways: readonly WayResult[];
}

function divide(length: number, sizes: readonly number[]): number[] {
  const parts: number[] = [];
  for (let at = 0, i = 0; at < length; i++) {
    const size = Math.min(sizes[Math.min(i, sizes.length - 1)]!, length - at);
    parts.push(size);
    at += size;
  }
  return parts;
}

/** Feeds `ids` in parts after what `sequence` holds; compares each row of logits with the reference at its position. */
async function feed(sequence: Sequence, ids: readonly number[], sizes: readonly number[], reference: Float32Array, width: number) {
  let maxError = 0;
  let position = -1;
  let at = 0;
  for (const size of divide(ids.length, sizes)) {
    const start = sequence.length;
    const logits = await sequence.append(ids.slice(at, at + size), { logits: "all" });
    at += size;
    const expected = reference.subarray(start * width, (start + size) * width);
    if (logits.length !== expected.length) throw new RangeError(`expected ${expected.length} logits, the session gave ${logits.length}`);
    for (let i = 0; i < logits.length; i++) {
      const error = Math.abs(logits[i]! - expected[i]!);
      if (error > maxError || Number.isNaN(error)) {
        maxError = Number.isNaN(error) ? Infinity : error;
        position = start + Math.floor(i / width);
      }
    }
  }
  return { maxError, position };
}

/** Feeds `ids` token by token, each step in one run with another sequence, which has half of them before. */
async function beside(session: Session, sequence: Sequence, ids: readonly number[], reference: Float32Array) {
  const width = session.vocabularySize;
  const half = Math.floor(ids.length / 2);
  const other = session.createSequence();
  await other.append(ids.slice(0, half), { logits: "none" });
  let worst = { maxError: 0, position: -1 };
  for (const [at, token] of ids.entries()) {
    const both = at + half < ids.length ? [{ sequence: other, token: ids[at + half]!, at: at + half }] : [];
    const steps = [{ sequence, token, at }, ...both];
    const logits = await session.step(steps);
    for (const [i, step] of steps.entries()) {
      const row = reference.subarray(step.at * width, (step.at + 1) * width);
      const maxError = logits[i]!.reduce((most, value, k) => Math.max(most, orInfinite(Math.abs(value - row[k]!))), 0);
      if (maxError > worst.maxError) worst = { maxError, position: step.at };
    }
  }
  other.dispose();
  return worst;
}

function orInfinite(error: number): number {
  return Number.isNaN(error) ? Infinity : error;
}

function argmax(row: Float32Array): number {
  let best = 0;
  for (let i = 1; i < row.length; i++) if (row[i]! > row[best]!) best = i;
  return best;
}

async function greedy(sequence: Sequence, prompt: readonly number[], expected: readonly number[]): Promise<WayResult> {
  let logits = await sequence.append(prompt);
  for (const [i, id] of expected.entries()) {
    const chosen = argmax(logits);
    if (chosen !== id) return { way: `greedy chose ${chosen}, not ${id}`, maxError: Infinity, position: prompt.length + i };
    if (i + 1 < expected.length) logits = await sequence.append([id]);
  }
  return { way: "greedy", maxError: 0, position: -1 };
}

/**
 * One case, every way. `generated`: the weights are those the reference generated with, so the greedy continuation must be its own
 * (cases.json holds one continuation, of the unquantized weights).
 */
export async function runCase(session: Session, golden: GoldenCase, reference: Float32Array, generated: boolean): Promise<CaseResult> {
  const width = session.vocabularySize;
  const ids = golden.input_ids;
  const ways: WayResult[] = [];

  async function way(name: string, run: (sequence: Sequence) => Promise<{ maxError: number; position: number }>): Promise<void> {
    const sequence = session.createSequence();
    try {
      ways.push({ way: name, ...(await run(sequence)) });
    } finally {
      sequence.dispose();
    }
  }

  await way("whole", (s) => feed(s, ids, [ids.length], reference, width));
  await way("token by token", (s) => feed(s, ids, [1], reference, width));
  await way("chunks of 3", (s) => feed(s, ids, [3], reference, width));
  await way("chunks of 7", (s) => feed(s, ids, [7], reference, width));
  await way("after rewind", async (s) => {
    const keep = Math.floor(ids.length / 2);
    await s.append([...ids.slice(0, keep), ...ids.slice(0, 5).toReversed()], { logits: "none" }); // a tail that must not be seen again
    s.rewind(keep);
    return feed(s, ids.slice(keep), [4], reference, width);
  });
  await way("fork", async (s) => {
    const keep = Math.floor(ids.length / 2);
    await s.append(ids, { logits: "none" });
    const fork = s.fork(keep);
    const result = await feed(fork, ids.slice(keep), [3], reference, width);
    fork.dispose();
    return result;
  });
  await way("restored from a snapshot", async (s) => {
    const keep = Math.floor(ids.length / 2);
    await s.append(ids.slice(0, keep), { logits: "none" });
    const restored = await session.restore(await s.snapshot());
    const result = await feed(restored, ids.slice(keep), [3], reference, width);
    restored.dispose();
    return result;
  });
  await way("beside another", (s) => beside(session, s, ids, reference));
  if (golden.kind === "steps" || golden.kind === "chunks") await way(golden.kind, (s) => feed(s, ids, golden.feed, reference, width));
  if (golden.kind === "rollback")
    await way("rollback", async (s) => {
      await s.append(golden.prefill_ids, { logits: "none" });
      s.rewind(golden.keep);
      return feed(s, golden.then_ids, [golden.then_ids.length], reference, width);
    });
  if (golden.kind === "greedy" && generated) {
    const sequence = session.createSequence();
    ways.push(await greedy(sequence, golden.prompt_ids, golden.generated_ids));
    sequence.dispose();
  }
  return { name: golden.name, ways };
}
