/** What a checkpoint is and what it would become, for people. In: an open checkpoint. Out: plain data. Law: no weight is read. */
import { checkpointFacts, type CheckpointFacts } from "../checkpoint/describe.ts";
import type { Checkpoint } from "../checkpoint/tensor.ts";
import { ExportError } from "../errors.ts";
import { familyOf } from "../families/registry.ts";
import { PRECISIONS, type Precision } from "../manifest.ts";
import { planContents } from "./contents.ts";
import { estimateMemory, idleNumbers, type MemoryEstimate } from "./estimate.ts";
import { plannedBytes } from "./plan.ts";

/** An export before it is made. */
export interface ExportEstimate {
  /** Bytes of all files, manifest apart: exact where experts are `conditional` or there are none, else within a few per cent. */
  readonly bytesOnDisk: number;
  readonly memory: MemoryEstimate;
}

export interface CheckpointDescription extends CheckpointFacts {
  /** All numbers, and those that one token uses: of experts the chosen ones, of the layers' own embeddings one row. */
  readonly parameters: { readonly total: number; readonly active: number };
  /** By precision; `unavailable` says why a precision cannot be had. */
  readonly exports: Readonly<Record<Precision, ExportEstimate | { readonly unavailable: string }>>;
}

/** What a checkpoint is and holds, in numbers, and what each precision would take of disk and memory. */
export function describeCheckpoint(checkpoint: Checkpoint): CheckpointDescription {
  const facts = checkpointFacts(checkpoint);
  const { config } = checkpoint;
  const family = familyOf(config.family);
  const experts = config.experts === null ? "none" : "conditional";
  const estimates = PRECISIONS.map((precision) => {
    try {
      const { dataFiles, graph, others } = planContents(family, checkpoint, precision, {
        experts,
        accuracyLevel: precision === "float32" ? 0 : 4,
      });
      const beside = [...others.values()].reduce((sum, { length }) => sum + length, 0);
      const memory = estimateMemory(config, dataFiles, graph, checkpoint.tokenizer !== null);
      return [precision, { bytesOnDisk: plannedBytes(dataFiles) + beside, memory }] as const;
    } catch (error) {
      if (error instanceof ExportError) return [precision, { unavailable: error.message }] as const;
      throw error;
    }
  });
  return {
    ...facts,
    parameters: { total: facts.parameters.total, active: facts.parameters.total - idleNumbers(config) },
    exports: Object.fromEntries(estimates) as CheckpointDescription["exports"],
  };
}
