/** A model file becomes an ONNX Runtime session, its weights packed in memory or mapped as packed before. */
import { readFile } from "node:fs/promises";
import { InferenceSession } from "onnxruntime-node";
import { packedGraph } from "../prepack/graph.ts";
import type { PackedWeights } from "../prepack/packed-weights.ts";

/** @param packed Blobs of an earlier load of this model; null to pack in memory. */
export async function createInferenceSession(
  model: string,
  packed: PackedWeights | null,
  options: InferenceSession.SessionOptions,
): Promise<InferenceSession> {
  if (packed === null) return InferenceSession.create(model, options);
  const { model: rooted, root } = packedGraph(model, await readFile(model), packed);
  const extra = options.extra as { readonly session?: object } | undefined;
  return InferenceSession.create(rooted, {
    ...options,
    extra: { ...extra, session: { ...extra?.session, model_external_initializers_file_folder_path: root } },
  });
}
