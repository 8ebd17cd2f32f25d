import { TINY_CONFIG } from "../checkpoint/tiny-config.test.support.ts";
import type { Checkpoint, StoredType, Tensor } from "../checkpoint/tensor.ts";
import type { Precision } from "../manifest.ts";
import { materialize, type ArraySink } from "./materialize.ts";
import { placeWeight, planStorage } from "./storage.ts";
import type { FileRange, StoredWeight, WeightSpec } from "./weight.ts";

/** What the test wants of a tensor: its stored bytes, or numbers. */
interface Source {
  readonly shape: readonly number[];
  readonly type?: StoredType;
  readonly floats: Float32Array;
  readonly stored?: Uint8Array;
}

function checkpointOf(sources: Readonly<Record<string, Source>>): Checkpoint {
  const table = Object.entries(sources).map(([name, { shape, type = "F32" }]): [string, Tensor] => {
    const columns = shape.at(-1)!;
    const rows = shape.slice(0, -1).reduce((product, size) => product * size, 1);
    return [name, { name, shape, columns, rows, runs: [{ type, file: "/none", offset: 0, rows }], offset: 0 }];
  });
  const tensors = new Map(table);
  const part = <T extends Float32Array | Uint8Array>(all: T, tensor: Tensor, start = 0, end = tensor.rows): T => {
    const width = all.length / tensor.rows;
    return all.slice(start * width, end * width) as T;
  };
  return {
    path: "/none",
    format: "gguf",
    config: TINY_CONFIG,
    tensors,
    tokenizer: null,
    tensor: (name) => tensors.get(name)!,
    readFloats: async (tensor, start, end) => part(sources[tensor.name]!.floats, tensor, start, end),
    readStored: async (tensor, start, end) => {
      const { type = "F32", stored } = sources[tensor.name]!;
      return { type, bytes: part(stored!, tensor, start, end) };
    },
    hash: async () => "",
    close: async () => {},
  };
}

class MemorySink implements ArraySink {
  #arrays: Uint8Array[] = [];
  #placed = 0;
  /** Chunks that the last array came in. */
  chunks = 0;

  /** Room for an array: its number is its offset. */
  place(length: number): FileRange {
    return { file: "memory", offset: this.#placed++, length };
  }

  async write(range: FileRange, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const all: Uint8Array[] = [];
    for await (const chunk of chunks) all.push(chunk.slice());
    this.chunks = all.length;
    const array = new Uint8Array(Buffer.concat(all));
    expect([array.length, this.#arrays.length]).toEqual([range.length, range.offset]);
    this.#arrays.push(array);
  }

  bytes(range: FileRange): Uint8Array {
    return this.#arrays[range.offset]!;
  }

  floats(range: FileRange): Float32Array {
    return new Float32Array(this.bytes(range).buffer);
  }
}

/** Writes a weight and reads it back as numbers. */
async function roundTrip(
  spec: WeightSpec,
  precision: Precision,
  checkpoint: Checkpoint,
): Promise<{ weight: StoredWeight; values: number[]; chunks: number }> {
  const sink = new MemorySink();
  const placed = placeWeight(spec, planStorage(spec, precision, checkpoint), (bytes) => sink.place(bytes));
  await materialize(placed, checkpoint, sink);
  return { weight: placed.stored, values: valuesOf(placed.stored, sink), chunks: sink.chunks };
}

/** The numbers that a weight stands for: of a sliced one, in a full step. */
function valuesOf(weight: StoredWeight, sink: MemorySink): number[] {
  if (weight.kind === "float32") return [...sink.floats(weight.data)];
  if (weight.kind === "sliced") {
    const [low, full] = [valuesOf(weight.low, sink), valuesOf(weight.full, sink)];
    return weight.fullIs === "whole" ? full : low.map((value, i) => value + full[i]!);
  }
  const [rows, columns] = weight.shape;
  const data = sink.bytes(weight.data);
  const scales = sink.floats(weight.scales);
  const zeros = weight.zeroPoints && sink.bytes(weight.zeroPoints);
  const unpack = (bytes: Uint8Array, at: number): number => (weight.bits === 8 ? bytes[at]! : (bytes[at >> 1]! >> (4 * (at & 1))) & 15);
  return Array.from({ length: rows * columns }, (_, i) => {
    const row = Math.floor(i / columns);
    const block = Math.floor((i % columns) / weight.block);
    const zero = zeros === null ? 2 ** (weight.bits - 1) : unpack(zeros.subarray((row * zeros.length) / rows), block);
    return (unpack(data, i) - zero) * scales[(row * columns) / weight.block + block]!;
  });
}

function counting(length: number, from = 0): Float32Array {
  return Float32Array.from({ length }, (_, i) => from + i);
}

/** Q8_0 blocks of scale 1 with the integers q(i), and what they stand for. */
function q8(shape: readonly number[], q: (i: number) => number): Source {
  const length = shape.reduce((product, size) => product * size, 1);
  const floats = Float32Array.from({ length }, (_, i) => q(i));
  const stored = new Uint8Array((length / 32) * 34);
  floats.forEach((x, i) => {
    stored.set([0x00, 0x3c], (i >> 5) * 34); // 1 as float16
    stored[(i >> 5) * 34 + 2 + (i & 31)] = x & 255;
  });
  return { shape, type: "Q8_0", floats, stored };
}

function whole(tensor: string, shape: readonly [number, number], role: WeightSpec["role"] = "matrix"): WeightSpec {
  return { name: "w", role, shape, parts: [{ tensor, at: [0, 0] }] };
}

describe("assembling", () => {
  const checkpoint = checkpointOf({
    a: { shape: [2, 3], floats: counting(6) },
    b: { shape: [1, 3], floats: counting(3, 10) },
    experts: { shape: [2, 2, 2], floats: counting(8) },
  });

  test("parts lie below each other in the order of their places", async () => {
    const parts = [
      { tensor: "b", at: [0, 0] },
      { tensor: "a", at: [1, 0] },
    ] as const;
    const { values } = await roundTrip({ name: "w", role: "exact", shape: [3, 3], parts }, "float32", checkpoint);
    expect(values).toEqual([10, 11, 12, 0, 1, 2, 3, 4, 5]);
  });

  test("experts stored below each other can lie side by side", async () => {
    const parts = [
      { tensor: "experts", rows: [0, 2], at: [0, 0] },
      { tensor: "experts", rows: [2, 4], at: [0, 2] },
    ] as const;
    const { values } = await roundTrip({ name: "w", role: "exact", shape: [2, 4], parts }, "float32", checkpoint);
    expect(values).toEqual([0, 1, 4, 5, 2, 3, 6, 7]);
  });

  test("a weight larger than a chunk is the same as in one piece", async () => {
    const columns = 2 ** 16;
    const floats = counting(70 * columns);
    const large = checkpointOf({
      top: { shape: [33, columns], floats: floats.subarray(0, 33 * columns) },
      rest: { shape: [37, columns], floats: floats.subarray(33 * columns) },
    });
    const parts = [
      { tensor: "top", at: [0, 0] },
      { tensor: "rest", at: [33, 0] },
    ] as const;
    const { values, chunks } = await roundTrip({ name: "w", role: "exact", shape: [70, columns], parts }, "float32", large);
    expect(chunks).toBe(3); // 2 Mi numbers are 32 of these rows
    expect(values.findIndex((x, i) => x !== i)).toBe(-1);
  });

  test.each([
    ["a part outside the shape", [2, 3], [{ tensor: "a", at: [1, 0] }], "do not fit"],
    ["rows that the tensor has not", [3, 3], [{ tensor: "a", rows: [0, 3], at: [0, 0] }], "do not fit"],
    ["a hole", [3, 3], [{ tensor: "a", at: [0, 0] }], "6 numbers, expected 3 × 3 = 9"],
    [
      "an overlap",
      [3, 3],
      [
        { tensor: "a", at: [0, 0] },
        { tensor: "b", at: [1, 0] },
      ],
      "overlap",
    ],
  ] as const)("%s is refused", (_, shape, parts, what) => {
    expect(() => planStorage({ name: "w", role: "exact", shape, parts }, "float32", checkpoint)).toThrow(
      expect.objectContaining({ code: "export/parts", message: expect.stringContaining(what) }),
    );
  });
});

describe("storage", () => {
  const integers = (i: number): number => ((i * 37) % 255) - 127;
  const checkpoint = checkpointOf({
    q8: q8([4, 64], integers),
    norm: { shape: [64], floats: counting(64) },
    floats: { shape: [4, 64], floats: Float32Array.from({ length: 256 }, (_, i) => Math.sin(i)) },
    narrow: q8([4, 32], integers),
  });

  test("exact weights are float32 in every precision", async () => {
    const { weight, values } = await roundTrip(whole("norm", [1, 64], "exact"), "int4", checkpoint);
    expect(weight.kind).toBe("float32");
    expect(values).toEqual([...counting(64)]);
  });

  test("Q8_0 is carried over into an int8 model, value for value", async () => {
    const { weight, values } = await roundTrip(whole("q8", [4, 64]), "int8", checkpoint);
    expect(weight).toMatchObject({ kind: "blocks", bits: 8, block: 32, zeroPoints: null });
    expect(values).toEqual(Array.from({ length: 256 }, (_, i) => integers(i)));
  });

  test("carried parts may lie side by side", async () => {
    const parts = [
      { tensor: "narrow", rows: [0, 2], at: [0, 32] },
      { tensor: "narrow", rows: [2, 4], at: [0, 0] },
    ] as const;
    const { weight, values } = await roundTrip({ name: "w", role: "matrix", shape: [2, 64], parts }, "int8", checkpoint);
    expect(weight).toMatchObject({ block: 32, zeroPoints: null });
    const row = (r: number): number[] => Array.from({ length: 32 }, (_, i) => integers(r * 32 + i));
    expect(values).toEqual([row(2), row(0), row(3), row(1)].flat());
  });

  test("a weight of two stored types is quantized from numbers", () => {
    const parts = [
      { tensor: "q8", at: [0, 0] },
      { tensor: "floats", at: [4, 0] },
    ] as const;
    expect(planStorage({ name: "w", role: "matrix", shape: [8, 64], parts }, "int8", checkpoint)).toMatchObject({
      kind: "quantized",
      block: 64,
    });
  });

  test("an int4 model quantizes Q8_0 matrices and carries a Q8_0 embedding", () => {
    expect(planStorage(whole("q8", [4, 64]), "int4", checkpoint)).toMatchObject({ kind: "quantized", bits: 4 });
    expect(planStorage(whole("q8", [4, 64], "embedding"), "int4", checkpoint)).toMatchObject({ kind: "carried", bits: 8 });
  });

  test.each([
    ["int8", 0.01],
    ["int4", 0.15],
    ["sliced", 0.01],
    ["paired", 0.01],
  ] as const)("numbers come back from %s within %f", async (precision, error) => {
    const { weight, values } = await roundTrip(whole("floats", [4, 64]), precision, checkpoint);
    expect(weight.kind === "sliced" ? weight.low : weight).toMatchObject({ kind: "blocks", block: 64 });
    values.forEach((x, i) => expect(Math.abs(x - Math.sin(i))).toBeLessThan(error));
  });
});

describe("numbers that are not finite", () => {
  test("NaN is refused with the tensor's name", async () => {
    const checkpoint = checkpointOf({ bad: { shape: [2, 16], floats: counting(32).fill(NaN, 20, 21) } });
    await expect(roundTrip(whole("bad", [2, 16]), "int8", checkpoint)).rejects.toMatchObject({
      code: "export/not-finite",
      message: expect.stringContaining("bad holds NaN or infinity"),
    });
  });

  test("an infinite scale of a carried block is refused with the tensor's name", async () => {
    const bad = q8([1, 32], () => 1);
    bad.stored!.set([0x00, 0x7c]); // infinity as float16
    await expect(roundTrip(whole("bad", [1, 32]), "int8", checkpointOf({ bad }))).rejects.toMatchObject({
      code: "export/not-finite",
      message: expect.stringContaining("bad holds NaN or infinity"),
    });
  });
});
