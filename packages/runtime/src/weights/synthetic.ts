/**
 * Weights of the right shape and layout but without meaning, for timing a graph before its real weights are written. In: a spec and its
 * storage. Out: arrays of numbers that keep activations near 1. Law: the same spec gives the same bytes.
 */
import type { ArraySink } from "./materialize.ts";
import type { Storage } from "./storage.ts";
import type { StoredWeight, WeightSpec } from "./weight.ts";

const CHUNK_BYTES = 2 ** 22;

/** Writes a synthetic weight: integers over their whole range around the middle; vectors (norms) are ones. */
export async function synthesize(spec: WeightSpec, storage: Exclude<Storage, { kind: "carried" }>, sink: ArraySink): Promise<StoredWeight> {
  const [rows, columns] = spec.shape;
  /** Uniform numbers in ±limit have variance limit² / 3: so a row of them neither raises nor lowers the size of what it multiplies. */
  const limit = Math.sqrt(3 / columns);
  if (storage.kind === "float32") {
    const fill = (chunk: Uint32Array): Float32Array => Float32Array.from(chunk, (x) => (rows === 1 ? 1 : (x / 2 ** 31 - 1) * limit));
    return { kind: "float32", shape: spec.shape, data: await sink.write(storage.bytes, randomChunks(storage.bytes, fill)) };
  }
  const { bits, block, bytes } = storage;
  const scales = new Float32Array(bytes.scales / 4).fill(limit / 2 ** (bits - 1));
  const zeroPoints = new Uint8Array(bytes.zeroPoints).fill(bits === 8 ? 0x80 : 0x88);
  return {
    kind: "blocks",
    bits,
    block,
    shape: spec.shape,
    data: await sink.write(
      bytes.data,
      randomChunks(bytes.data, (chunk) => chunk),
    ),
    scales: await sink.write(bytes.scales, single(scales)),
    zeroPoints: await sink.write(bytes.zeroPoints, single(zeroPoints)),
  };
}

/** Marsaglia's xorshift32: any bits will do, quickly. */
async function* randomChunks(bytes: number, as: (chunk: Uint32Array) => Float32Array | Uint32Array): AsyncGenerator<Uint8Array> {
  let state = 1;
  for (let left = bytes; left > 0; left -= CHUNK_BYTES) {
    const length = Math.min(left, CHUNK_BYTES);
    const chunk = new Uint32Array(Math.ceil(length / 4));
    for (let i = 0; i < chunk.length; i++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      chunk[i] = state;
    }
    yield new Uint8Array(as(chunk).buffer, 0, length);
  }
}

async function* single(array: Float32Array | Uint8Array): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
