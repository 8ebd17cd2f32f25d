/** Has ONNX Runtime save a model with its weights as it packs them here. In: a model. Out: a graph, and beside it one file of weights. */
import { extname } from "node:path";
import type { SavePacked } from "../prepack/make.ts";
import { runInWorker } from "./run-in-worker.ts";

/** The worker beside this file: .js when built, .ts when Node runs the sources. */
const WORKER = new URL(`./save-packed-worker${extname(import.meta.url)}`, import.meta.url);

/** What the worker is started with. */
export type SavingWork = Parameters<SavePacked>[0];

/** Takes the memory of the packed weights while it runs. Rejects with ONNX Runtime's reason. */
export const savePacked: SavePacked = async (work) => {
  await runInWorker(WORKER, work);
};
