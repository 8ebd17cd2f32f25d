import { gguf as oracle } from "@huggingface/gguf";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { CheckpointError } from "../errors.ts";
import { GGML_TYPES } from "./ggml-types.ts";
import { readGguf } from "./gguf.ts";
import type { ByteSource } from "./weight-file.ts";

const fixtures = fileURLToPath(new URL("../../fixtures/checkpoint/", import.meta.url));

function memory(bytes: Uint8Array, path = "memory.gguf"): ByteSource {
  return { path, size: bytes.length, read: (position, length) => bytes.slice(position, position + length) };
}

function errorOf(bytes: Uint8Array, path?: string): CheckpointError {
  try {
    readGguf(memory(bytes, path));
  } catch (error) {
    if (error instanceof CheckpointError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

test.each([5, 5_000, 1_000_000])("arrays in arrays, %i deep, are refused without a stack overflow", (depth) => {
  const level = Buffer.alloc(12);
  level.writeUInt32LE(9);
  level.writeBigUInt64LE(1n, 4);
  const bytes = Buffer.concat([
    head(0n, 1n),
    string("x"),
    Buffer.from([9, 0, 0, 0]),
    ...Array.from({ length: depth }, () => level),
    Buffer.alloc(64),
  ]);
  const error = errorOf(bytes);
  expect(error.code).toBe("checkpoint/too-deep");
  expect(error.message).toContain('"x"');
});

test("a huge array is refused before it is read, even when the file could hold it", () => {
  const start = Buffer.concat([
    head(0n, 1n),
    string("x"),
    Buffer.from([9, 0, 0, 0]),
    Buffer.from([0, 0, 0, 0]),
    Buffer.from(new BigUint64Array([2n ** 33n]).buffer),
  ]);
  const source: ByteSource = {
    path: "big",
    size: 2 ** 34,
    read: (position, length) => {
      if (length > 1 << 20) throw new Error("read on the word of a header");
      const bytes = new Uint8Array(length);
      bytes.set(start.subarray(position, position + length));
      return bytes;
    },
  };
  expect(() => readGguf(source)).toThrow(expect.objectContaining({ code: "checkpoint/too-large" }));
});

test.each(["granitemoe-shared.q4_0.gguf", "granitemoe-shared.f32.gguf", "types.gguf"])(
  "%s: @huggingface/gguf reads the same header",
  async (name) => {
    const own = readGguf(memory(readFileSync(fixtures + name)));
    const other = await oracle(fixtures + name, { allowLocalFile: true });
    const { version: _, tensor_count: tensors, kv_count: entries, ...metadata } = other.metadata as Record<string, unknown>;
    expect(Object.fromEntries(own.metadata)).toEqual(metadata);
    expect([own.tensors.size, own.metadata.size]).toEqual([Number(tensors), Number(entries)]);
    for (const info of other.tensorInfos) {
      const { type, shape, offset } = own.tensors.get(info.name)!;
      expect(typeof type === "string" ? type : type.unsupported).toBe(GGML_TYPES.get(info.dtype)!.name);
      expect(shape).toEqual(info.shape.map(Number).toReversed());
      expect(offset).toBe(Number(other.tensorDataOffset + info.offset));
    }
  },
);

test("a file cut anywhere in its header, or inside any tensor, is refused with a hint", () => {
  const whole = readFileSync(`${fixtures}granitemoe-shared.q4_0.gguf`);
  const places = [...readGguf(memory(whole)).tensors.values()];
  const dataStart = Math.min(...places.map((place) => place.offset));
  const cuts = [0, 3, 4, 7, 8, 15, 16, 23, 24, dataStart - 1, dataStart, dataStart + 1, whole.length - 1];
  for (let at = 25; at < dataStart; at += 41) cuts.push(at);
  for (const { offset, bytes } of places) cuts.push(offset + 1, offset + (bytes >> 1));
  for (const cut of cuts) {
    const error = errorOf(whole.subarray(0, cut));
    expect(error.code).toMatch(/^checkpoint\/(truncated|offsets)$/);
    expect(error.hint).toBe("the download is cut short; fetch it again");
  }
  expect(cuts.length).toBeGreaterThan(300);
});

function head(tensors: bigint, entries: bigint): Buffer {
  return Buffer.concat([Buffer.from("GGUF"), Buffer.from([3, 0, 0, 0]), Buffer.from(new BigUint64Array([tensors, entries]).buffer)]);
}

function string(text: string): Buffer {
  return Buffer.concat([Buffer.from(new BigUint64Array([BigInt(text.length)]).buffer), Buffer.from(text)]);
}
