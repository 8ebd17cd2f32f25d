/** The ways in which the families' weights are made of a checkpoint's tensors. */
import type { LayerConfig } from "../checkpoint/model-config.ts";
import type { WeightPart, WeightRole, WeightSpec } from "../weights/weight.ts";

/** A weight that is one tensor. */
export function whole(name: string, role: WeightRole, shape: readonly [rows: number, columns: number], tensor: string): WeightSpec {
  return { name, role, shape, parts: [all(tensor, [0, 0])] };
}

/** A vector that is one tensor, never quantized. */
export function exactVector(name: string, length: number, tensor: string): WeightSpec {
  return whole(name, "exact", [1, length], tensor);
}

/** All rows of a tensor, placed `at`. */
export function all(tensor: string, at: WeightPart["at"]): WeightPart {
  return { tensor, at };
}

/** `count` rows of a tensor from row `start`, placed `at`. */
export function rows(tensor: string, start: number, count: number, at: WeightPart["at"]): WeightPart {
  return { tensor, rows: [start, start + count], at };
}

/** For each key head: its query heads, its key, its value (as far as the layer has them). So one reshape serves all. */
export function attentionParts({ heads, valueIsKey }: LayerConfig, source: string, owner: boolean): WeightPart[] {
  const { keyValue, size } = heads;
  const groups = heads.query / keyValue;
  const vectors = attentionVectors({ heads, valueIsKey }, owner);
  return Array.from({ length: keyValue }, (_, head): WeightPart[] => {
    const top = head * vectors * size;
    const query = rows(`${source}.q_proj.weight`, head * groups * size, groups * size, [top, 0]);
    if (!owner) return [query];
    const key = rows(`${source}.k_proj.weight`, head * size, size, [top + groups * size, 0]);
    if (valueIsKey) return [query, key];
    return [query, key, rows(`${source}.v_proj.weight`, head * size, size, [top + (groups + 1) * size, 0])];
  }).flat();
}

/** Vectors that the first product of an attention gives for each key head. */
export function attentionVectors({ heads, valueIsKey }: Pick<LayerConfig, "heads" | "valueIsKey">, owner: boolean): number {
  const groups = heads.query / heads.keyValue;
  return owner ? groups + (valueIsKey ? 1 : 2) : groups;
}

/** gate over up, as `gatedMlp` wants them, from two tensors. */
export function gateUp(name: string, width: number, hidden: number, source: string): WeightSpec {
  const parts = [all(`${source}.gate_proj.weight`, [0, 0]), all(`${source}.up_proj.weight`, [width, 0])];
  return { name, role: "matrix", shape: [2 * width, hidden], parts };
}
