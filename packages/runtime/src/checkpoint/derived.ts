/**
 * Tensors that repeat the config. In: what must stand in them, and a GGUF's tensors. Out: nothing, or an error. Law: a file that says
 * something else than its config is refused, because it would be run by its config.
 */
import type { DerivedTensor } from "./checkpoint-family.ts";
import { CheckpointError } from "../errors.ts";
import { dequantize } from "./dequantize.ts";
import { quoted } from "./json.ts";
import type { TensorTable } from "./stored-tensor.ts";
import type { ByteSource } from "./weight-file.ts";

/** float32 rounding of numbers that a converter computed; the numbers themselves are 1 and 1e30. */
const TOLERANCE = 1e-6;

/** A file need not hold them. @throws CheckpointError `checkpoint/shape`, `checkpoint/unsupported` */
export function checkDerived(derived: readonly DerivedTensor[], stored: TensorTable, files: ReadonlyMap<string, ByteSource>): void {
  for (const { name, length, at } of derived) {
    const tensor = stored.get(name);
    if (tensor === undefined) continue;
    const { shape, type, file } = tensor;
    if (shape.length !== 1 || shape[0] !== length)
      throw new CheckpointError("checkpoint/shape", `${file}: tensor ${quoted(name)}: found [${shape.join(",")}], expected [${length}]`, {
        hint: "the weights and the metadata belong to different models",
      });
    if (type !== "F32") throw unexpected(file, name, typeof type === "string" ? type : type.unsupported, "F32");
    const numbers = new Float32Array(length);
    dequantize(type, files.get(file)!.read(tensor.offset, tensor.bytes), numbers, 0, length);
    const wrong = numbers.findIndex((number, index) => !(Math.abs(number / at(index) - 1) <= TOLERANCE));
    if (wrong >= 0) throw unexpected(file, `${name} [${wrong}]`, numbers[wrong], String(at(wrong)));
  }
}

function unexpected(file: string, what: string, found: unknown, expected: string): CheckpointError {
  return new CheckpointError("checkpoint/unsupported", `${file}: tensor ${quoted(what)}: found ${quoted(found)}, expected ${expected}`, {
    hint: "this model is of another kind than its metadata says; convert it again with a current llama.cpp",
  });
}
