import { Worker } from "node:worker_threads";
import { Connection } from "./connection.ts";
import type { RunRequest } from "./protocol.ts";

const RUN: RunRequest = { kind: "run", lanes: [{ sequence: 0, past: 0, tokens: [1] }], logits: "last" };

test("a worker that throws rejects what is waiting and what comes later, with its reason", async () => {
  const connection = new Connection(
    new Worker('require("worker_threads").parentPort.once("message", () => { throw new Error("out of luck") })', { eval: true }),
  );
  const waiting = [connection.ask(RUN), connection.ask(RUN)];
  for (const call of waiting)
    await expect(call).rejects.toMatchObject({ code: "session/worker-died", message: expect.stringContaining("out of luck") });
  await expect(connection.ask(RUN)).rejects.toMatchObject({ code: "session/worker-died" });
  await connection.close();
});

test("a worker that ends unasked is a death too", async () => {
  const connection = new Connection(
    new Worker('require("worker_threads").parentPort.once("message", () => process.exit(3))', { eval: true }),
  );
  await expect(connection.ask(RUN)).rejects.toMatchObject({ code: "session/worker-died", message: expect.stringContaining("code 3") });
});

test("closing rejects what is waiting at once, and resolves when the worker is gone", async () => {
  let ended = false;
  const worker = new Worker(
    'const { parentPort } = require("worker_threads"); parentPort.on("message", ({ id }) => id === null && setTimeout(() => parentPort.close(), 50))',
    { eval: true },
  );
  worker.on("exit", () => (ended = true));
  const connection = new Connection(worker);
  const waiting = connection.ask(RUN);
  const closed = connection.close();
  await expect(waiting).rejects.toMatchObject({ code: "session/disposed" });
  expect(ended).toBe(false);
  await closed;
  expect(ended).toBe(true);
  await expect(connection.ask(RUN)).rejects.toMatchObject({ code: "session/disposed" });
});

test("replies find their requests in whatever order they come", async () => {
  const swap = `const { parentPort } = require("worker_threads"); const held = [];
    parentPort.on("message", ({ id }) => { held.push(id); if (held.length === 2) for (const id of held.reverse()) parentPort.postMessage({ id, result: Float32Array.of(id) }); if (id === null) parentPort.close(); })`;
  const connection = new Connection(new Worker(swap, { eval: true }));
  const [first, second] = await Promise.all([connection.ask(RUN), connection.ask(RUN)]);
  expect([Array.from(first), Array.from(second)]).toEqual([[1], [2]]);
  await connection.close();
});

test("a worker whose answer cannot be read is given up, and closing ends it all the same", async () => {
  const worker = new Worker('require("worker_threads").parentPort.on("message", () => undefined)', { eval: true });
  const connection = new Connection(worker);
  const waiting = connection.ask(RUN);
  worker.emit("messageerror", new Error("unreadable"));
  await expect(waiting).rejects.toMatchObject({ code: "session/worker-died", message: expect.stringContaining("unreadable") });
  await connection.close();
});
