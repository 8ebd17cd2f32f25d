/** The thread behind run-graph.ts. In: `GraphWork` as worker data. Out: one message, the outputs of every run. */
import { parentPort, workerData } from "node:worker_threads";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { defaultThreads } from "./processors.ts";
import type { GraphWork } from "./run-graph.ts";

const { path, feeds, outputs } = workerData as GraphWork;

const session = await InferenceSession.create(path, { intraOpNumThreads: defaultThreads() });
const results: BigInt64Array[][] = [];
for (const feed of feeds) {
  const tensors = Object.entries(feed).map(([name, { type, data, dims }]) => [name, new Tensor(type, data, dims)] as const);
  const fetched = await session.run(Object.fromEntries(tensors), outputs);
  results.push(outputs.map((name) => BigInt64Array.from(fetched[name]!.data as BigInt64Array)));
}
parentPort?.postMessage(results);
