/**
 * Stored tensors to the model's tensors. In: what the family asks for and what the files hold. Out: tensors with Hugging Face names and
 * shapes, as runs of rows. Law: nothing is missing, nothing has another shape, and nothing is left over that might matter.
 */
import { CheckpointError } from "../errors.ts";
import type { ModelTensor } from "./checkpoint-family.ts";
import { rowBytes } from "./dequantize.ts";
import { quoted } from "./json.ts";
import { countNumbers, type StoredTensor, type TensorTable } from "./stored-tensor.ts";
import type { RowRun, StoredType, Tensor } from "./tensor.ts";

export interface Layout {
  readonly wanted: readonly ModelTensor[];
  readonly stored: TensorTable;
  /** File or directory that should hold them, for messages. */
  readonly where: string;
  ignores(name: string): boolean;
}

/** Files with Hugging Face's own names and shapes. @throws as {@link find}, and `checkpoint/unsupported` for tensors left over */
export function layoutHuggingFace(layout: Layout): ReadonlyMap<string, Tensor> {
  return assemble(layout, ({ name }) => [name]);
}

/** Files in llama.cpp's layout. @throws as {@link layoutHuggingFace} */
export function layoutGguf(layout: Layout): ReadonlyMap<string, Tensor> {
  return assemble(layout, ({ gguf }) => gguf.parts, true);
}

type Located = StoredTensor & { readonly type: StoredType };

function assemble(layout: Layout, namesOf: (tensor: ModelTensor) => readonly string[], paired = false): ReadonlyMap<string, Tensor> {
  const { wanted, stored, where } = layout;
  const tensors = new Map<string, Tensor>();
  const used = new Set<string>();
  for (const tensor of wanted) {
    const names = namesOf(tensor);
    const numbers = countNumbers(tensor.shape, where, tensor.name);
    const columns = tensor.shape.at(-1)!;
    const parts = names.map((name) => find(stored, name, partShape(tensor.shape, names.length), where));
    const runs = paired && tensor.gguf.pairs !== undefined ? unpaired(parts[0]!, tensor.gguf.pairs) : merged(parts, tensor.shape);
    tensors.set(tensor.name, { name: tensor.name, shape: tensor.shape, columns, rows: numbers / columns, runs });
    for (const name of names) used.add(name);
  }
  for (const [name, { file }] of stored) {
    if (used.has(name) || layout.ignores(name)) continue;
    throw new CheckpointError("checkpoint/unsupported", `${file}: found tensor ${quoted(name)}, for which this family has no place`, {
      hint: "the model is of another kind than its config says, and leaving a tensor out would give wrong answers",
    });
  }
  return tensors;
}

/** The shape of one of `parts` equal parts along the rows. */
function partShape(shape: readonly number[], parts: number): readonly number[] {
  return parts === 1 ? shape : shape.with(-2, shape.at(-2)! / parts);
}

/** @throws CheckpointError `checkpoint/missing-tensor`, `checkpoint/shape`, `checkpoint/unknown-dtype` */
function find(stored: TensorTable, name: string, shape: readonly number[], where: string): Located {
  const tensor = stored.get(name);
  if (tensor === undefined) {
    throw new CheckpointError("checkpoint/missing-tensor", `${where}: tensor ${quoted(name)} is missing, expected [${shape.join(",")}]`, {
      hint: "the checkpoint is not complete, or its config describes another model",
    });
  }
  const { file, type } = tensor;
  if (tensor.shape.length !== shape.length || tensor.shape.some((n, i) => n !== shape[i])) {
    throw new CheckpointError(
      "checkpoint/shape",
      `${file}: tensor ${quoted(name)}: found [${tensor.shape.join(",")}], expected [${shape.join(",")}]`,
      { hint: "the weights and the config belong to different models" },
    );
  }
  if (typeof type === "string") return { ...tensor, type };
  throw new CheckpointError(
    "checkpoint/unknown-dtype",
    `${file}: tensor ${quoted(name)}: found ${type.unsupported}, expected F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0 or Q5_1`,
    { hint: "choose a copy of the model in one of these types, e.g. Q8_0" },
  );
}

/** Group by group (expert by expert), the rows of every part. */
function merged(parts: readonly Located[], shape: readonly number[]): readonly RowRun[] {
  const columns = shape.at(-1)!;
  if (parts.length === 1) {
    const { type, file, offset } = parts[0]!;
    return [{ type, file, offset, rows: shape.slice(0, -1).reduce((product, n) => product * n, 1) }];
  }
  const groups = shape.slice(0, -2).reduce((product, n) => product * n, 1);
  const rows = shape.at(-2)! / parts.length;
  const runs: RowRun[] = [];
  for (let group = 0; group < groups; group++) {
    for (const { type, file, offset } of parts) runs.push({ type, file, offset: offset + group * rows * rowBytes(type, columns), rows });
  }
  return runs;
}

/** Undoes llama.cpp's order of rows: row i of a head's first half lies at 2i, of its second half at 2i + 1. */
function unpaired({ type, file, offset, shape }: Located, headSize: number): readonly RowRun[] {
  const bytes = rowBytes(type, shape[1]!);
  const half = headSize / 2;
  return Array.from({ length: shape[0]! }, (_, row) => {
    const inHead = row % headSize;
    const at = row - inHead + (inHead < half ? 2 * inHead : 2 * (inHead - half) + 1);
    return { type, file, offset: offset + at * bytes, rows: 1 };
  });
}
