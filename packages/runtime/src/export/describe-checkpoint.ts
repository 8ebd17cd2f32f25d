/** What a checkpoint is and what it would become, for people. In: an open checkpoint. Out: plain data. Law: no weight is read. */
import { checkpointFacts, type CheckpointFacts } from "../checkpoint/describe.ts";
import type { Checkpoint } from "../checkpoint/tensor.ts";
import { ExportError } from "../errors.ts";
import type { ExpertMode } from "../families/family.ts";
import { familyOf } from "../families/registry.ts";
import { PRECISIONS, type Precision } from "../manifest.ts";
import { planContents } from "./contents.ts";
import { whyNotMerged } from "./cost.ts";
import { estimateMemory, idleNumbers, type MemoryEstimate } from "./estimate.ts";
import { plannedBytes } from "./plan.ts";

/** An export before it is made. */
export interface ExportEstimate {
  /** How experts will be computed: plain, or what the measurement of an export will most likely choose (it does where they are small). */
  readonly experts: ExpertMode;
  /** Bytes of all files, manifest apart; exact if experts are computed so. */
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
  const likely = (precision: Precision): ExpertMode => (whyNotMerged(config, precision) === null ? "merged" : "conditional");
  const estimates = PRECISIONS.map((precision) => {
    const experts = config.experts === null ? "none" : likely(precision);
    try {
      const { dataFiles, graph, others } = planContents(family, checkpoint, precision, {
        experts,
        accuracyLevel: precision === "float32" ? 0 : 4,
        sparseHead: true,
      });
      const beside = [...others.values()].reduce((sum, { length }) => sum + length, 0);
      const memory = estimateMemory(config, dataFiles, graph, checkpoint.tokenizer !== null);
      return [precision, { experts, bytesOnDisk: plannedBytes(dataFiles) + beside, memory }] as const;
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
