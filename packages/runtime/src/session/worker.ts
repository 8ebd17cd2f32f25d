/** The worker thread: takes messages in order, one at a time, and answers requests. Logits and snapshots are handed over, not copied. */
import { parentPort } from "node:worker_threads";
import { toOrreryError } from "@orrery/chat";
import { CacheMemoryError } from "../errors.ts";
import { PastPresentEngine } from "./past-present-engine.ts";
import type { Failure, Message, Notice, Reply, Request, Result } from "./protocol.ts";
import { RowEngine } from "./row-engine.ts";
import type { WorkerEngine } from "./worker-engine.ts";

const NOTHING = new Uint8Array(0);

const port = parentPort!;
let engine: WorkerEngine | null = null;
/** The same, where its rows are ours. */
let rows: RowEngine | null = null;
let last: Promise<void> = Promise.resolve();

async function answer(request: Request): Promise<Result> {
  switch (request.kind) {
    case "load":
      engine = rows = await RowEngine.load(request);
      return Uint8Array.from(Buffer.from(rows.version));
    case "load-past-present":
      engine = await PastPresentEngine.load(request);
      return NOTHING;
    case "run":
      return engine!.run(request);
    case "snapshot":
      return rows!.snapshot(request);
    case "restore":
      rows!.restore(request);
      return NOTHING;
  }
}

async function heed(notice: Notice): Promise<void> {
  if (notice.kind === "fork") return engine?.fork(notice.sequence, notice.to, notice.length);
  if (notice.kind === "free") return engine?.free(notice.sequence);
  // With its port closed and its model released the thread has nothing left to do and ends.
  port.close();
  await engine?.close();
}

async function handle(message: Message): Promise<void> {
  if (message.id === null) return heed(message.notice);
  let reply: Reply;
  try {
    reply = { id: message.id, result: await answer(message.request) };
  } catch (thrown) {
    reply = { id: message.id, failure: failure(thrown) };
  }
  port.postMessage(reply, "result" in reply && reply.result.length > 0 ? [reply.result.buffer] : []);
}

function failure(thrown: unknown): Failure {
  const { code, message, hint, cause } = toOrreryError(thrown, "session/run-failed");
  const memory =
    thrown instanceof CacheMemoryError ? { needed: thrown.neededBytes, budget: thrown.budgetBytes, left: thrown.leftBytes } : undefined;
  return { code, message, hint, cause: clonable(cause), memory };
}

function clonable(cause: unknown): Error | undefined {
  if (!(cause instanceof Error)) return undefined;
  const copy = new Error(cause.message);
  if (cause.stack !== undefined) copy.stack = cause.stack;
  return copy;
}

port.on("message", (message: Message) => {
  last = last.then(() => handle(message));
});
