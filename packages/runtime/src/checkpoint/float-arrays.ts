/** Reads every tensor of a .safetensors file as float32: reference numbers, not models (nothing is streamed). */
import { CheckpointError } from "../errors.ts";
import { dequantize } from "./dequantize.ts";
import { quoted } from "./json.ts";
import { readSafetensors } from "./safetensors.ts";
import { WeightFile } from "./weight-file.ts";

/**
 * Name → numbers, row-major. Integer tensors are left out.
 * @throws CheckpointError as opening a checkpoint; `checkpoint/empty-file` when no tensor holds floating point numbers
 */
export async function readFloatArrays(path: string): Promise<ReadonlyMap<string, Float32Array>> {
  const file = await WeightFile.open(path);
  try {
    const arrays = new Map<string, Float32Array>();
    for (const { name, type, shape, offset, bytes } of readSafetensors(file).values()) {
      if (typeof type !== "string") continue;
      const numbers = new Float32Array(shape.reduce((n, size) => n * size, 1));
      dequantize(type, file.read(offset, bytes), numbers, 0, numbers.length);
      arrays.set(name, numbers);
    }
    if (arrays.size === 0)
      throw new CheckpointError("checkpoint/empty-file", `${quoted(path)} holds no tensor of F32, F16 or BF16`, {
        hint: "name a file with reference numbers",
      });
    return arrays;
  } finally {
    await file.close();
  }
}
