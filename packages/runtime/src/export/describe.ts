/**
 * What an export is, for people. In: its directory. Out: facts in plain numbers. Law: nothing is read but the manifest and the sizes of
 * the files.
 */
import type { ModelConfig } from "../checkpoint/model-config.ts";
import type { ExpertMode, Family } from "../families/family.ts";
import { familyOf } from "../families/registry.ts";
import { TOKENIZER_FILE, type Manifest } from "../manifest.ts";
import { openExport } from "../open-export.ts";
import { carriedStorage, planQuantized } from "../weights/storage.ts";
import { expertPrecision } from "./contents.ts";
import { estimateMemory, idleNumbers, type MemoryEstimate } from "./estimate.ts";
import { planDataFiles, plannedBytes, weightTable, type DataFile } from "./plan.ts";

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
  readonly memory: MemoryEstimate;
}

/** Describes an export. @throws ExportError as {@link openExport} */
export async function describeExport(directory: string): Promise<ExportDescription> {
  const { manifest } = await openExport(directory);
  const { config, files } = manifest;
  const family = familyOf(manifest.family);
  const build = {
    experts: manifest.experts.mode,
    accuracyLevel: manifest.weights.accuracyLevel,
    expertMass: manifest.experts.mass ?? 1,
    cache: manifest.weights.cache,
    sparseHead: manifest.weights.sparseHead ?? false,
  };
  const dataFiles = likelyFiles(manifest, family);
  const graph = family.build(config, weightTable(dataFiles), build);
  const total = dataFiles.flatMap(({ weights }) => weights).reduce((sum, { spec }) => sum + spec.shape[0] * spec.shape[1], 0);
  return {
    family: manifest.family,
    source: manifest.source,
    contextLength: config.contextLength,
    parameters: { total, active: total - idleNumbers(config) },
    weights: manifest.weights,
    experts: { mode: manifest.experts.mode, why: whyExperts(manifest.experts, config) },
    bytesOnDisk: files.reduce((sum, file) => sum + file.bytes, 0),
    memory: estimateMemory(
      config,
      dataFiles,
      graph,
      files.some(({ name }) => name === TOKENIZER_FILE),
      manifest.weights.cache,
    ),
  };
}

/** How the weights lie in blocks is not in the manifest: of the ways, quantized here or carried over from 4 or 8 bits, the one nearest to the files' size. */
function likelyFiles({ config, experts, weights, files }: Manifest, family: Family): readonly DataFile[] {
  const { precision, accuracyLevel } = weights;
  const specs = family.weights(config, { experts: experts.mode, accuracyLevel });
  const written = files.filter(({ name }) => name.endsWith(".bin")).reduce((sum, { bytes }) => sum + bytes, 0);
  const ways = ([null, 4, 8] as const).map((bits) =>
    planDataFiles(
      specs.map((spec) => {
        const own = expertPrecision(spec, experts.bits) ?? precision;
        return { spec, storage: (bits === null ? null : carriedStorage(spec, own, bits)) ?? planQuantized(spec, own) };
      }),
    ),
  );
  const distance = (plan: readonly DataFile[]): number => Math.abs(plannedBytes(plan) - written);
  return ways.reduce((best, way) => (distance(way) < distance(best) ? way : best));
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
