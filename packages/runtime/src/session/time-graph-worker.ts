/** The thread behind time-graph.ts. In: `TimingWork` as worker data. Out: one message, the medians. */
import { parentPort, workerData } from "node:worker_threads";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { defaultThreads } from "./processors.ts";
import type { TimedTensor, TimingWork } from "./time-graph.ts";

const { graphs, rounds } = workerData as TimingWork;

const candidates = await Promise.all(
  graphs.map(async ({ path, feeds }) => ({
    // An idle session's spinning threads would slow down the one that is timed.
    session: await InferenceSession.create(path, {
      intraOpNumThreads: defaultThreads(),
      extra: { session: { force_spinning_stop: "1" } },
    }),
    feeds: feeds.map(tensors),
    times: [] as number[],
  })),
);
for (let round = 0; round <= rounds; round++) {
  for (const { session, feeds, times } of candidates) {
    const start = performance.now();
    await session.run(feeds[round % feeds.length]!);
    if (round > 0) times.push(performance.now() - start); // the first run warms up
  }
}
parentPort?.postMessage(candidates.map(({ times }) => median(times)));

function tensors(feeds: Readonly<Record<string, TimedTensor>>): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(feeds).map(([name, { type, data, dims }]) => [name, new Tensor(type, data, dims)]));
}

function median(numbers: number[]): number {
  return numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
}
