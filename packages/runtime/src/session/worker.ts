/** The worker thread: takes messages in order, one at a time, and answers requests. Logits are handed over, not copied. */
import { parentPort } from "node:worker_threads";
import { toOrreryError } from "@orrery/chat";
import { PastPresentEngine } from "./past-present-engine.ts";
import type { Message, Notice, Reply, Request } from "./protocol.ts";
import { RowEngine } from "./row-engine.ts";
import type { WorkerEngine } from "./worker-engine.ts";

const NOTHING = new Float32Array(0);

const port = parentPort!;
let engine: WorkerEngine | null = null;
let last: Promise<void> = Promise.resolve();

async function answer(request: Request): Promise<Float32Array> {
  if (request.kind === "load") {
    engine = await RowEngine.load(request);
    return NOTHING;
  }
  if (request.kind === "load-past-present") {
    engine = await PastPresentEngine.load(request);
    return NOTHING;
  }
  if (request.kind === "run") return engine!.run(request);
  engine!.fork(request.sequence, request.to, request.length);
  return NOTHING;
}

async function heed(notice: Notice): Promise<void> {
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
    const { code, message: text, hint, cause } = toOrreryError(thrown, "session/run-failed");
    reply = { id: message.id, failure: { code, message: text, hint, cause: clonable(cause) } };
  }
  port.postMessage(reply, "result" in reply && reply.result.length > 0 ? [reply.result.buffer as ArrayBuffer] : []);
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
