/** What a directory of ONNX graphs made elsewhere is, for people. In: the directory. Out: plain facts. Law: no graph is read, only names, sizes and JSON. */
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { openOnnxRepository, type OnnxRepositoryConfig } from "./open-onnx-repository.ts";

export interface OnnxRepositoryDescription extends OnnxRepositoryConfig {
  readonly format: "onnx";
  /** The variant that is loaded unless another is asked for, and all there are; null and none where genai_config.json names the graph. */
  readonly variant: string | null;
  readonly variants: readonly string[];
  /** Paths in the directory. */
  readonly decoder: string;
  readonly embedding: string | null;
  /** Bytes of these graphs and of the data files that bear their names. */
  readonly bytesOnDisk: number;
}

/**
 * Describes ONNX graphs of others; null when the directory holds none.
 * @throws ExportError `export/unmerged-decoder`; CheckpointError `checkpoint/…` for a config that cannot be read, or a link that leads out
 */
export async function describeOnnxRepository(path: string): Promise<OnnxRepositoryDescription | null> {
  const found = await openOnnxRepository(path);
  if (found === null) return null;
  const { directory, variant, variants, decoder, embedding, config } = found;
  const sizes = await Promise.all([decoder, ...(embedding === null ? [] : [embedding])].map(bytesOf));
  return {
    format: "onnx",
    variant,
    variants,
    decoder: relative(directory, decoder),
    embedding: embedding === null ? null : relative(directory, embedding),
    bytesOnDisk: sizes.reduce((sum, bytes) => sum + bytes, 0),
    ...config,
  };
}

/** `model_q4.onnx` and `model_q4.onnx_data`, `model_q4.onnx.data`, … beside it. */
async function bytesOf(graph: string): Promise<number> {
  const names = (await readdir(dirname(graph))).filter((name) => name.startsWith(basename(graph)));
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(dirname(graph), name))).size));
  return sizes.reduce((sum, bytes) => sum + bytes, 0);
}
