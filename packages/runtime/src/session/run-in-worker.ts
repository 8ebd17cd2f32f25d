/** One piece of work in a thread of its own. In: a worker and its data. Out: the one message it posts. Law: the thread is gone afterwards. */
import { Worker } from "node:worker_threads";
import { ENGINE_STACK_MB } from "./session.ts";

/** Rejects with what the worker throws, or when it ends without a message. */
export async function runInWorker<T>(url: URL, workerData: unknown): Promise<T> {
  const worker = new Worker(url, { name: "orrery worker", execArgv: [], workerData, resourceLimits: { stackSizeMb: ENGINE_STACK_MB } });
  try {
    return await new Promise<T>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
      worker.once("exit", (code) => reject(new Error(`the worker ended with exit code ${code}`)));
    });
  } finally {
    await worker.terminate();
  }
}
