import { CacheMemoryError, SessionError } from "../errors.ts";
import type { Request, RunRequest } from "./protocol.ts";
import { Scheduler, type SchedulerOptions } from "./scheduler.ts";

/** A worker that answers when it is told to, with the sequence's number as its only logit. */
class Worker {
  readonly runs: number[][] = [];
  readonly full: (boolean | undefined)[] = [];
  #answer: (failure?: Error) => void = () => undefined;

  readonly connection = {
    ask: (request: Request) =>
      new Promise((resolve, reject) => {
        const { lanes, full } = request as RunRequest;
        this.full.push(full);
        this.runs.push(lanes.map(({ sequence }) => sequence));
        this.#answer = (failure) => (failure ? reject(failure) : resolve(Float32Array.from(lanes, ({ sequence }) => sequence)));
      }),
  } as unknown as SchedulerOptions["connection"];

  /** Ends the run that is on, and lets a turn of the event loop pass. */
  async answer(failure?: Error): Promise<void> {
    this.#answer(failure);
    await new Promise((resolve) => setTimeout(resolve, 0));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

let worker: Worker;
let scheduler: Scheduler;
const run = (sequence: number, count = 1, logits: "last" | "none" = "last", past = 0) =>
  scheduler.run({ sequence, past, tokens: Array.from({ length: count }, () => 1) }, logits).then((row) => row[0]);

beforeEach(() => {
  worker = new Worker();
  scheduler = new Scheduler({ connection: worker.connection, vocabularySize: 1, lanes: 3, weightBytes: 2000, rowBytes: (past) => past });
});

test("a run alone is sent before it returns its promise, step after step", async () => {
  const steps = (async () => {
    for (let i = 0; i < 3; i++) await run(7);
  })();
  expect(worker.runs).toEqual([[7]]);
  for (let i = 0; i < 3; i++) await worker.answer();
  await steps;
  expect(worker.runs).toEqual([[7], [7], [7]]);
});

test("replies that started apart go on in step, each with its own logits", async () => {
  const reply = async (sequence: number) => {
    for (let i = 0; i < 3; i++) expect(await run(sequence)).toBe(sequence);
  };
  const replies = [reply(1), reply(2), reply(3)];
  for (let i = 0; i < 4; i++) await worker.answer();
  await Promise.all(replies);
  expect(worker.runs).toEqual([[1], [2, 3, 1], [2, 3, 1], [2, 3, 1]].map((lanes, i) => (i === 3 ? [2, 3] : lanes)));
});

test("long runs and those without logits go alone, in their turn, and no more lanes than allowed go together", async () => {
  const all = [run(0), run(1), run(2, 300, "none"), run(3), run(4), run(5, 17), run(6)];
  for (let i = 0; i < 5; i++) await worker.answer();
  await Promise.all(all);
  expect(worker.runs).toEqual([[0], [1, 3, 4], [2], [5], [6]]);
});

test("full and low runs do not mix, and each run says which it is", async () => {
  const low = (sequence: number) => scheduler.run({ sequence, past: 0, tokens: [1] }, "last", false);
  const all = [run(0), low(1), run(2), low(3), run(4)];
  for (let i = 0; i < 3; i++) await worker.answer();
  await Promise.all(all);
  expect(worker.runs).toEqual([[0], [1, 3], [2, 4]]);
  expect(worker.full).toEqual([true, false, true]);
});

test("rows come together as long as they are fewer bytes than half of the weights", async () => {
  const all = [run(0), run(1, 1, "last", 600), run(2, 1, "last", 500), run(3, 1, "last", 400), run(4, 1, "last", 5000), run(5)];
  for (let i = 0; i < 4; i++) await worker.answer();
  await Promise.all(all);
  expect(worker.runs).toEqual([[0], [1, 3, 5], [2], [4]]);
});

test("a run together that fails is made again one by one, so that only the guilty one fails", async () => {
  const all = [run(0), run(1), run(2)].map((promise) => promise.catch((thrown: unknown) => thrown));
  await worker.answer();
  await worker.answer(new SessionError("session/run-failed", "together"));
  await worker.answer(new SessionError("session/run-failed", "alone"));
  await worker.answer();
  expect(await Promise.all(all)).toEqual([0, expect.objectContaining({ message: "alone" }), 2]);
  expect(worker.runs).toEqual([[0], [1, 2], [1], [2]]);
});

test("a run without room is made again as long as room can be made", async () => {
  let spare = 2;
  scheduler.makeRoom = () => spare-- > 0;
  const failed = run(0).catch((thrown: unknown) => thrown);
  for (let i = 0; i < 3; i++) await worker.answer(new CacheMemoryError(4, 5, 1));
  expect(await failed).toMatchObject({ code: "session/out-of-cache-memory", neededBytes: 4, budgetBytes: 5 });
  expect(worker.runs.length).toBe(3);
});

test("what waits for a sequence that is disposed is never sent", async () => {
  const first = run(0);
  const waiting = run(1);
  scheduler.drop(1);
  await expect(waiting).rejects.toMatchObject({ code: "session/disposed" });
  await worker.answer();
  await first;
  expect(worker.runs).toEqual([[0]]);
});

test("no room is made for what the whole budget could not hold", async () => {
  let asked = 0;
  scheduler.makeRoom = () => asked++ < 1;
  const failed = run(0).catch((thrown: unknown) => thrown);
  await worker.answer(new CacheMemoryError(10, 5, 1));
  expect(await failed).toMatchObject({ code: "session/out-of-cache-memory", neededBytes: 10 });
  expect(asked).toBe(0);
});

test("a run that failed is not made again for a sequence that was disposed meanwhile", async () => {
  const all = [run(0), run(1), run(2)].map((promise) => promise.catch((thrown: unknown) => thrown));
  await worker.answer();
  scheduler.drop(1);
  await worker.answer(new SessionError("session/run-failed", "together"));
  await worker.answer();
  expect(await Promise.all(all)).toEqual([0, expect.objectContaining({ code: "session/disposed" }), 2]);
  expect(worker.runs).toEqual([[0], [1, 2], [2]]);
});

test("making room for a sequence that was disposed meanwhile, or by it, is in vain", async () => {
  let asked = 0;
  scheduler.makeRoom = () => {
    asked++;
    scheduler.drop(2);
    return true;
  };
  const [first, second] = [run(1), run(2)].map((promise) => promise.catch((thrown: unknown) => thrown));
  scheduler.drop(1);
  await worker.answer(new CacheMemoryError(4, 5, 1));
  expect(asked).toBe(0);
  await worker.answer(new CacheMemoryError(4, 5, 1));
  expect(asked).toBe(1);
  expect([await first, await second]).toEqual([1, 2].map(() => expect.objectContaining({ code: "session/disposed" })));
  expect(worker.runs).toEqual([[1], [2]]);
});

test("candidates are sent with a run of one lane; of lanes together, each has its own out of the whole rows", async () => {
  const sent: (readonly number[] | undefined)[] = [];
  const rows = [Float32Array.of(70, 71), Float32Array.of(0, 1, 2, 3, 10, 11, 12, 13)];
  const connection = {
    ask: async (request: Request) => {
      const { candidates, lanes } = request as RunRequest;
      sent.push(candidates && [...candidates]);
      return candidates ? rows[0] : lanes.length === 1 ? rows[1]!.slice(0, 4) : rows[1];
    },
  } as unknown as SchedulerOptions["connection"];
  const options = { connection, vocabularySize: 4, lanes: 3, weightBytes: 2000, rowBytes: () => 0 };
  const ask = (on: Scheduler, sequence: number, ids: readonly number[]) =>
    on.run({ sequence, past: 0, tokens: [1] }, "last", true, Int32Array.from(ids)).then((logits) => [...logits]);

  const able = new Scheduler({ ...options, sparseHead: true });
  expect(await Promise.all([ask(able, 0, [1, 2]), ask(able, 1, [3]), ask(able, 2, [0, 2])])).toEqual([[70, 71], [3], [10, 12]]);
  expect(sent).toEqual([[1, 2], undefined]);

  sent.length = 0;
  expect(await ask(new Scheduler(options), 0, [1, 2])).toEqual([1, 2]);
  expect(sent).toEqual([undefined]);
});
