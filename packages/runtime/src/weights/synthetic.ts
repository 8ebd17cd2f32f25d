/**
 * Weights of the right shape and layout but without meaning, for timing a graph before its real weights are written. In: a weight with its
 * places. Out: arrays of numbers that keep activations near 1. Law: the same spec gives the same bytes.
 */
import type { ArraySink } from "./materialize.ts";
import type { PlacedWeight } from "./storage.ts";
import type { BlockWeight } from "./weight.ts";

const CHUNK_BYTES = 2 ** 22;

/** Writes a synthetic weight: integers over their whole range around the middle; vectors (norms) are ones. */
export async function synthesize({ spec, stored }: PlacedWeight, sink: ArraySink): Promise<void> {
  const [rows, columns] = spec.shape;
  /** Uniform numbers in ±limit have variance limit² / 3: so a row of them neither raises nor lowers the size of what it multiplies. */
  const limit = Math.sqrt(3 / columns);
  if (stored.kind === "float32") {
    const fill = (chunk: Uint32Array): Float32Array => Float32Array.from(chunk, (x) => (rows === 1 ? 1 : (x / 2 ** 31 - 1) * limit));
    return sink.write(stored.data, randomChunks(stored.data.length, fill));
  }
  if (stored.kind === "sliced") {
    for (const slice of [stored.low, stored.full]) await synthesizeBlocks(slice, limit, sink);
    return;
  }
  return synthesizeBlocks(stored, limit, sink);
}

async function synthesizeBlocks({ bits, data, scales, zeroPoints }: BlockWeight, limit: number, sink: ArraySink): Promise<void> {
  await sink.write(
    data,
    randomChunks(data.length, (chunk) => chunk),
  );
  await sink.write(scales, single(new Float32Array(scales.length / 4).fill(limit / 2 ** (bits - 1))));
  if (zeroPoints !== null) await sink.write(zeroPoints, single(new Uint8Array(zeroPoints.length).fill(bits === 8 ? 0x80 : 0x88)));
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
