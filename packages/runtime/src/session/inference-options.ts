/** How every graph is opened. In: threads and profile. Out: options of onnxruntime, the same for each kind of model. */
import type { InferenceSession } from "onnxruntime-node";
import type { EngineSettings } from "./protocol.ts";

export function inferenceOptions({ threads, profile }: EngineSettings): InferenceSession.SessionOptions {
  return {
    executionProviders: ["cpu"],
    graphOptimizationLevel: "all",
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    // What goes wrong comes back as an error; a library does not print it as well.
    logSeverityLevel: 4,
    // A pattern is kept for every combination of input shapes; ours has a new one at every token.
    enableMemPattern: false,
    // Threads of an idle session must not spin: they starve the session that runs.
    extra: { session: { force_spinning_stop: "1" } },
    ...(profile === null ? {} : { enableProfiling: true, profileFilePrefix: profile }),
  };
}
