/** What an export is, for people: in: its directory; out: facts in plain numbers. Nothing is loaded but the manifest. */
import type { ModelConfig } from "../checkpoint/model-config.ts";
import { familyOf } from "../families/registry.ts";
import type { ExpertMode } from "../families/family.ts";
import type { Manifest } from "../manifest.ts";
import { openExport } from "../open-export.ts";

export interface ExportDescription {
  readonly family: string;
  readonly source: Manifest["source"];
  readonly contextLength: number;
  /** Numbers in all weights, and in those that one token passes. */
  readonly parameters: { readonly total: number; readonly active: number };
  readonly weights: Manifest["weights"];
  readonly experts: {
    readonly mode: ExpertMode;
    /** One sentence. */
    readonly why: string;
  };
  /** Bytes of all files, manifest apart. */
  readonly bytesOnDisk: number;
  readonly memory: {
    /** Bytes of the weight files; ONNX Runtime repacks them into 1.0 (float32) to 1.3 (int4) times as much memory of its own. */
    readonly weights: number;
    /** Bytes of key and value rows of one token, exactly. */
    readonly cachePerToken: number;
    /** `weights` and the rows of a full context. */
    readonly fullContext: number;
  };
}

/** Describes an export. @throws ExportError as {@link openExport} */
export async function describeExport(directory: string): Promise<ExportDescription> {
  const { manifest } = await openExport(directory);
  const { config, cache, files } = manifest;
  const bytesOnDisk = files.reduce((sum, file) => sum + file.bytes, 0);
  const weights = files.filter(({ name }) => name.endsWith(".bin")).reduce((sum, file) => sum + file.bytes, 0);
  const cachePerToken = cache.reduce((sum, { heads, size }) => sum + 2 * heads * size * 4, 0); // K and V, float32
  return {
    family: manifest.family,
    source: manifest.source,
    contextLength: config.contextLength,
    parameters: countParameters(manifest),
    weights: manifest.weights,
    experts: { mode: manifest.experts.mode, why: whyExperts(manifest.experts, config) },
    bytesOnDisk,
    memory: { weights, cachePerToken, fullContext: weights + cachePerToken * config.contextLength },
  };
}

function countParameters({ family, config, experts, weights }: Manifest): { total: number; active: number } {
  const specs = familyOf(family).weights(config, { experts: experts.mode, accuracyLevel: weights.accuracyLevel });
  const total = specs.reduce((sum, { shape: [rows, columns] }) => sum + rows * columns, 0);
  const { layers, hiddenSize, vocabularySize } = config;
  const { perLayer, experts: mixture } = config;
  const idleRows = (vocabularySize - 1) * layers.length * (perLayer?.width ?? 0); // of the layers' own embeddings a token reads one row
  if (mixture === null) return { total, active: total - idleRows };
  const { count, perToken, width } = mixture;
  const expert = 3 * hiddenSize * width; // gate, up, down
  return { total, active: total - idleRows - layers.length * (count - perToken) * expert };
}

function whyExperts({ mode, measured, reason }: Manifest["experts"], { experts }: ModelConfig): string {
  if (mode === "none" || experts === null) return "the model has no experts";
  const what =
    mode === "merged"
      ? `all ${experts.count} experts are computed at once`
      : `only the ${experts.perToken} chosen of ${experts.count} experts run`;
  if (reason !== null) return `${what}: ${reason}`;
  if (measured === null) return `${what}, as asked at export`;
  const { conditionalMs, mergedMs } = measured;
  return `${what}: one layer took ${ms(mergedMs)} ms per token merged and ${ms(conditionalMs)} ms conditional when measured at export`;
}

function ms(milliseconds: number): string {
  return milliseconds.toFixed(3);
}
