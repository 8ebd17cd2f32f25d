/**
 * Stored tensors to the model's tensors. In: what the family asks for and what the files hold. Out: tensors with Hugging Face names and
 * shapes, as runs of rows. Law: nothing is missing, nothing has another shape, and nothing is left over that might matter.
 */
import { CheckpointError } from "../errors.ts";
import type { ModelTensor } from "./checkpoint-family.ts";
import { rowBytes, STORED_TYPES } from "./dequantize.ts";
import { quoted } from "./json.ts";
import { countNumbers, type StoredTensor, type TensorTable } from "./stored-tensor.ts";
import type { RowRun, StoredType, Tensor } from "./tensor.ts";

export interface Layout {
  readonly wanted: readonly ModelTensor[];
  readonly stored: TensorTable;
  /** File or directory that should hold them, for messages. */
  readonly where: string;
  /** What may stand in the place of `model.` in Hugging Face names; the first is usual. */
  readonly prefixes: readonly string[];
  /** Asked with the name as stored, and with `model.` in its place. */
  ignores(name: string): boolean;
}

const PREFIX = "model.";

/** Files with Hugging Face's own names and shapes. @throws as {@link find}, and `checkpoint/unsupported` for tensors left over */
export function layoutHuggingFace(layout: Layout): ReadonlyMap<string, Tensor> {
  const [embedding] = layout.wanted;
  const named = (name: string, prefix: string): string => (name.startsWith(PREFIX) ? prefix + name.slice(PREFIX.length) : name);
  const prefix = layout.prefixes.find((candidate) => layout.stored.has(named(embedding!.name, candidate))) ?? layout.prefixes[0]!;
  const files: Naming = {
    stored: ({ name }) => [named(name, prefix)],
    canonical: (name) => (name.startsWith(prefix) ? PREFIX + name.slice(prefix.length) : name),
    runs: (tensor, parts) => merged(parts, tensor.shape),
    offset: (tensor) => tensor.offset ?? 0,
  };
  return assemble(layout, files);
}

/** Files in llama.cpp's layout. @throws as {@link layoutHuggingFace} */
export function layoutGguf(layout: Layout): ReadonlyMap<string, Tensor> {
  return assemble(layout, {
    stored: ({ gguf }) => (gguf.merged !== undefined && layout.stored.has(gguf.merged) ? [gguf.merged] : gguf.parts),
    canonical: (name) => name,
    runs: ({ gguf, shape }, parts) => (gguf.pairs === undefined ? merged(parts, shape) : unpaired(parts[0]!, gguf.pairs)),
    offset: () => 0,
  });
}

type Located = StoredTensor & { readonly type: StoredType };

/** How a kind of file keeps the model's tensors. */
interface Naming {
  stored(tensor: ModelTensor): readonly string[];
  /** The name with `model.` in the place of the file's prefix. */
  canonical(name: string): string;
  runs(tensor: ModelTensor, parts: readonly Located[]): readonly RowRun[];
  offset(tensor: ModelTensor): number;
}

function assemble(layout: Layout, files: Naming): ReadonlyMap<string, Tensor> {
  const { wanted, stored, where } = layout;
  const tensors = new Map<string, Tensor>();
  const used = new Set<string>();
  for (const tensor of wanted) {
    const { name, shape, absent } = tensor;
    const names = files.stored(tensor);
    const columns = shape.at(-1)!;
    const rows = countNumbers(shape, where, name) / columns;
    if (absent !== undefined && names.every((part) => !stored.has(part))) {
      tensors.set(name, { name, shape, columns, rows, runs: [], offset: absent });
      continue;
    }
    const parts = names.map((part) => find(stored, part, partShape(shape, names.length), where));
    tensors.set(name, { name, shape, columns, rows, runs: files.runs(tensor, parts), offset: files.offset(tensor) });
    for (const part of names) used.add(part);
  }
  for (const [name, { file }] of stored) {
    if (used.has(name) || layout.ignores(name) || layout.ignores(files.canonical(name))) continue;
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
    `${file}: tensor ${quoted(name)}: found ${type.unsupported}, expected one of ${STORED_TYPES}`,
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
