/** The blocks that quantize.ts makes mean to ONNX Runtime what they mean to us. */
import { InferenceSession, Tensor } from "onnxruntime-node";
import { Graph } from "../graph/graph.ts";
import { matmulNBits } from "../graph/ops/linear.ts";
import { gatherBlocks } from "../graph/ops/select.ts";
import { encodeModel } from "../onnx/model.ts";
import { quantizeRows, zeroPointBytes, type Bits, type Block } from "./quantize.ts";

const ROWS = 24;
const TOKENS = 3;

const LAYOUTS: readonly (readonly [bits: Bits, block: Block, columns: number])[] = [
  [8, 128, 384],
  [8, 64, 576],
  [8, 16, 48],
  [4, 128, 384],
  [4, 64, 576],
  [4, 16, 48],
];

describe.each(LAYOUTS)("%i bits in blocks of %i, %i columns", (bits, block, columns) => {
  const x = numbers(TOKENS * columns, 3);
  const blocks = quantizeRows(numbers(ROWS * columns, 5), columns, block, bits);
  const zeroBytes = zeroPointBytes(columns, block, bits);

  /** The matrix that the arrays stand for, by the definition of the operator. */
  function weights(zeroPoints: "explicit" | "implicit"): Float64Array {
    const unpack = (bytes: Uint8Array, at: number): number => (bits === 8 ? bytes[at]! : (bytes[at >> 1]! >> (4 * (at & 1))) & 15);
    return Float64Array.from({ length: ROWS * columns }, (_, i) => {
      const row = Math.floor(i / columns);
      const b = Math.floor((i % columns) / block);
      const zero = zeroPoints === "implicit" ? 2 ** (bits - 1) : unpack(blocks.zeroPoints.subarray(row * zeroBytes), b);
      return Math.fround((unpack(blocks.data, i) - zero) * blocks.scales[(row * columns) / block + b]!);
    });
  }

  /** A graph of one product and one gather over the same bytes. */
  async function run(zeroPoints: "explicit" | "implicit", accuracyLevel: 0 | 4): Promise<{ product: Float32Array; rows: Float32Array }> {
    const graph = new Graph("blocks");
    const scales = graph.weight("scales", "float32", [ROWS, columns / block], new Uint8Array(blocks.scales.buffer));
    const zeros = zeroPoints === "implicit" ? null : graph.weight("zeros", "uint8", [ROWS, zeroBytes], blocks.zeroPoints);
    const forProduct = graph.weight("product", "uint8", [ROWS, columns / block, (block * bits) / 8], blocks.data);
    const forRows = graph.weight("rows", "uint8", [ROWS, (columns * bits) / 8], blocks.data);
    const input = graph.input("x", "float32", ["m", columns]);
    const ids = graph.input("ids", "int64", ["n"]);
    graph.output("y", matmulNBits(input, { data: forProduct, scales, zeroPoints: zeros }, [ROWS, columns], { bits, block, accuracyLevel }));
    graph.output("gathered", gatherBlocks({ data: forRows, scales, zeroPoints: zeros }, ids, [ROWS, columns], { bits, block }));
    const session = await InferenceSession.create(encodeModel(graph));
    const { y, gathered } = await session.run({
      x: new Tensor("float32", x, [TOKENS, columns]),
      ids: new Tensor("int64", BigInt64Array.of(23n, 0n), [2]),
    });
    await session.release();
    return { product: y!.data as Float32Array, rows: gathered!.data as Float32Array };
  }

  /** Largest difference of a product from x · wᵀ in float64, relative to the largest result. */
  function errorOf(product: Float32Array, w: Float64Array): number {
    const exact = Array.from(product, (_, i) => {
      const [token, row] = [Math.floor(i / ROWS), i % ROWS];
      return w.subarray(row * columns, (row + 1) * columns).reduce((sum, value, k) => sum + value * x[token * columns + k]!, 0);
    });
    const largest = Math.max(...exact.map(Math.abs));
    return Math.max(...exact.map((value, i) => Math.abs(value - product[i]!))) / largest;
  }

  test.each(["explicit", "implicit"] as const)("with %s zero points a product is that of the matrix they stand for", async (zeroPoints) => {
    const w = weights(zeroPoints);
    expect(errorOf((await run(zeroPoints, 0)).product, w)).toBeLessThan(1e-6);
    expect(errorOf((await run(zeroPoints, 4)).product, w)).toBeLessThan(0.02);
  });

  test.each(["explicit", "implicit"] as const)("with %s zero points a gathered row is exactly the matrix's", async (zeroPoints) => {
    const w = weights(zeroPoints);
    const { rows } = await run(zeroPoints, 0);
    expect([...rows]).toEqual([...w.subarray(23 * columns), ...w.subarray(0, columns)]);
  });
});

/** Fixed numbers in (−1.2, 0.8): not symmetric, so that zero points differ from the middle. */
function numbers(length: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length }, () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 31 - 1.2);
}
