/** What a checkpoint holds, in numbers. In: an open checkpoint. Out: plain data. */
import { rowBytes } from "./dequantize.ts";
import type { ModelConfig } from "./model-config.ts";
import type { Checkpoint, StoredType } from "./tensor.ts";

export interface CheckpointFacts {
  /** As opened, absolute. */
  readonly path: string;
  readonly format: "gguf" | "safetensors";
  readonly config: ModelConfig;
  readonly parameters: { readonly total: number };
  /** Most bytes first. */
  readonly stored: readonly { readonly type: StoredType; readonly parameters: number; readonly bytes: number }[];
  readonly tensors: number;
  readonly tokenizer: boolean;
}

/** What a checkpoint is and holds, in numbers, without reading its weights. */
export function checkpointFacts(checkpoint: Checkpoint): CheckpointFacts {
  const { path, format, config, tensors } = checkpoint;
  const stored = new Map<StoredType, { parameters: number; bytes: number }>();
  let total = 0;
  for (const tensor of tensors.values()) {
    total += tensor.rows * tensor.columns;
    for (const { type, rows } of tensor.runs) {
      const sum = stored.get(type) ?? { parameters: 0, bytes: 0 };
      stored.set(type, { parameters: sum.parameters + rows * tensor.columns, bytes: sum.bytes + rows * rowBytes(type, tensor.columns) });
    }
  }
  return {
    path,
    format,
    config,
    parameters: { total },
    stored: [...stored].map(([type, sums]) => ({ type, ...sums })).toSorted((a, b) => b.bytes - a.bytes),
    tensors: tensors.size,
    tokenizer: checkpoint.tokenizer !== null,
  };
}
