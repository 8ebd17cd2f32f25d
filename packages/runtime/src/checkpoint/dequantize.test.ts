import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { BLOCKS, dequantize } from "./dequantize.ts";
import { readGguf } from "./gguf.ts";
import { halfToFloat } from "./half.ts";
import { readSafetensors } from "./safetensors.ts";
import type { StoredTensor } from "./stored-tensor.ts";
import type { StoredType } from "./tensor.ts";
import type { ByteSource } from "./weight-file.ts";

const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/checkpoint/${name}`, import.meta.url));

function bytesOf({ file, offset, bytes }: StoredTensor): Uint8Array {
  return Uint8Array.from(readFileSync(file).subarray(offset, offset + bytes));
}

function source(name: string): ByteSource {
  const bytes = readFileSync(fixture(name));
  return {
    path: fixture(name),
    size: bytes.length,
    read: (position, length) => Uint8Array.from(bytes.subarray(position, position + length)),
  };
}

const types = Object.keys(BLOCKS) as StoredType[];

test.each(types)("%s gives the reference's values bit for bit", (type) => {
  const name = type.toLowerCase();
  const stored = readGguf(source("types.gguf")).tensors.get(name)!;
  const expected = readSafetensors(source("types.safetensors")).get(name)!;
  expect(stored.type).toBe(type);
  expect(stored.shape).toEqual([3, 512]);

  const floats = new Float32Array(3 * 512);
  dequantize(type, bytesOf(stored), floats, 0, floats.length);
  expect(Buffer.from(floats.buffer).equals(bytesOf(expected))).toBe(true);
});

test.each(types)("%s decodes from the middle of a buffer into the middle of another", (type) => {
  const stored = bytesOf(readGguf(source("types.gguf")).tensors.get(type.toLowerCase())!);
  const whole = new Float32Array(1536);
  dequantize(type, stored, whole, 0, 1536);

  const row = (512 / BLOCKS[type].numbers) * BLOCKS[type].bytes;
  const odd = new Uint8Array(row + 1);
  odd.set(stored.subarray(row, 2 * row), 1);
  const floats = new Float32Array(600).fill(7);
  dequantize(type, odd.subarray(1), floats, 40, 512);
  expect(floats.subarray(40, 552)).toEqual(whole.subarray(512, 1024));
  expect([floats[39], floats[552]]).toEqual([7, 7]);
});

test("a float16 is exact at its edges: zeros, subnormals, the largest, infinities, NaN", () => {
  const cases: [bits: number, value: number][] = [
    [0x0000, 0],
    [0x8000, -0],
    [0x0001, 2 ** -24],
    [0x83ff, -1023 * 2 ** -24],
    [0x0400, 2 ** -14],
    [0x3c00, 1],
    [0xc000, -2],
    [0x7bff, 65504],
    [0x7c00, Infinity],
    [0xfc00, -Infinity],
    [0x7e00, NaN],
  ];
  for (const [bits, value] of cases) expect(halfToFloat(bits)).toBe(value);
});
