/**
 * A language model on bare onnxruntime-node: the other runtime. In: token ids. Out: the logits of the next one. It has no part of Orrery's
 * runtime; it only knows the graph's inputs, which docs/architecture.md describes. The cache is the least that works: all rows, copied.
 */
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";

/** Stands for no row: later than any token. */
const NOWHERE = 2n ** 53n - 1n;

interface CacheArray {
  readonly name: string;
  /** Of a row: heads, 1, size. */
  readonly shape: readonly number[];
  readonly width: number;
}

export class OnnxModel {
  readonly #session: InferenceSession;
  readonly #arrays: readonly CacheArray[];
  /** By array: the rows of each run. */
  #past: Float32Array[];
  #length = 0;

  private constructor(session: InferenceSession) {
    this.#session = session;
    this.#arrays = session.inputMetadata.flatMap((input) => {
      if (!input.isTensor || !/^past\.\d+\.(key|value)$/.test(input.name)) return [];
      const shape = input.shape.slice(1).map(Number);
      return [{ name: input.name, shape, width: shape.reduce((a, b) => a * b) }];
    });
    this.#past = this.#arrays.map(() => new Float32Array(0));
  }

  static async load(folder: string): Promise<OnnxModel> {
    return new OnnxModel(await InferenceSession.create(join(folder, "model.onnx")));
  }

  /** Forgets the text. */
  reset(): void {
    this.#past = this.#arrays.map(() => new Float32Array(0));
    this.#length = 0;
  }

  /** Goes on with the text. */
  async step(ids: readonly number[]): Promise<Float32Array> {
    const from = this.#length;
    const feeds: Record<string, Tensor> = {
      input_ids: int64(ids.map(BigInt)),
      positions: int64(range(from, ids.length)),
      logit_rows: int64([BigInt(ids.length - 1)]),
      candidates: int64([]),
      "past_positions.all": int64(from === 0 ? [NOWHERE] : range(0, from)),
    };
    for (const [i, { name, shape, width }] of this.#arrays.entries())
      feeds[name] = new Tensor("float32", from === 0 ? new Float32Array(width) : this.#past[i]!, [Math.max(from, 1), ...shape]);
    const { logits, rows } = await this.#session.run(feeds, ["logits", "rows"]);
    this.#keep(rows!.data as Float32Array, ids.length);
    this.#length += ids.length;
    return logits!.data as Float32Array;
  }

  async close(): Promise<void> {
    await this.#session.release();
  }

  /** A row of the output has the keys and values of all layers, side by side. */
  #keep(rows: Float32Array, count: number): void {
    const all = rows.length / count;
    let column = 0;
    for (const [i, { width }] of this.#arrays.entries()) {
      const past = new Float32Array(this.#past[i]!.length + count * width);
      past.set(this.#past[i]!);
      for (let row = 0; row < count; row++) {
        const at = row * all + column;
        past.set(rows.subarray(at, at + width), this.#past[i]!.length + row * width);
      }
      this.#past[i] = past;
      column += width;
    }
  }
}

function int64(values: readonly bigint[]): Tensor {
  return new Tensor("int64", BigInt64Array.from(values), [values.length]);
}

function range(from: number, count: number): bigint[] {
  return Array.from({ length: count }, (_, i) => BigInt(from + i));
}
