/** The thread behind save-packed.ts. In: `SavingWork` as worker data. Out: one message when the files are written. */
import { parentPort, workerData } from "node:worker_threads";
import { InferenceSession } from "onnxruntime-node";
import type { SavingWork } from "./save-packed.ts";

const { model, root, graph, weights, atLeast } = workerData as SavingWork;

const session = await InferenceSession.create(model, {
  executionProviders: ["cpu"],
  graphOptimizationLevel: "all",
  logSeverityLevel: 4,
  optimizedModelFilePath: graph,
  extra: {
    session: {
      model_external_initializers_file_folder_path: root,
      save_external_prepacked_constant_initializers: "1",
      optimized_model_external_initializers_file_name: weights,
      optimized_model_external_initializers_min_size_in_bytes: String(atLeast),
    },
  },
});
await session.release();
parentPort?.postMessage(null);
