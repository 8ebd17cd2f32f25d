/** The graphs of Granite MoE, run by ONNX Runtime, against the reference implementation's logits and against each other. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { InferenceSession, Tensor } from "onnxruntime-node";
import type { LayerConfig, ModelConfig } from "../checkpoint/model-config.ts";
import { NOWHERE } from "../manifest.ts";
import { encodeModel } from "../onnx/model.ts";
import type { FileRange, StoredWeight, WeightSpec } from "../weights/weight.ts";
import type { BuildOptions, ExpertMode } from "./family.ts";
import { graniteMoe } from "./granite-moe.ts";

const GOLDENS = fileURLToPath(new URL("../../fixtures/goldens/", import.meta.url));
/** The goldens' own tolerance: the reference itself is 2e-5 from the exact result. */
const TOLERANCE = 1e-4;
const MODES = ["conditional", "merged"] as const;

type Floats = (tensor: string) => Float32Array;

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "orrery-graph-"));
});
afterAll(() => rm(directory, { recursive: true }));

/** Float32 tensors of a safetensors file by name. */
async function readSafetensors(path: string): Promise<Floats> {
  const file = new Uint8Array(await readFile(path));
  const length = Number(new DataView(file.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)));
  return (tensor) => {
    const [start, end] = header[tensor].data_offsets;
    return new Float32Array(file.slice(8 + length + start, 8 + length + end).buffer);
  };
}

function equalLayers(count: number, layer: Pick<LayerConfig, "heads" | "rope" | "mlpWidth">): LayerConfig[] {
  return Array.from({ length: count }, (_, keysFrom) => ({ ...layer, window: null, keysFrom, valueIsKey: false }));
}

async function readConfig(path: string): Promise<ModelConfig> {
  const json = JSON.parse(await readFile(path, "utf8"));
  return {
    family: "granite-moe",
    vocabularySize: json.vocab_size,
    hiddenSize: json.hidden_size,
    contextLength: json.max_position_embeddings,
    normEpsilon: json.rms_norm_eps,
    layers: equalLayers(json.num_hidden_layers, {
      heads: { query: json.num_attention_heads, keyValue: json.num_key_value_heads, size: json.hidden_size / json.num_attention_heads },
      rope: { theta: json.rope_parameters.rope_theta, pairs: json.hidden_size / json.num_attention_heads / 2 },
      mlpWidth: json.shared_intermediate_size ?? 0,
    }),
    scales: {
      embedding: json.embedding_multiplier,
      residual: json.residual_multiplier,
      attention: json.attention_multiplier,
      logits: json.logits_scaling,
    },
    softcap: null,
    perLayer: null,
    experts: { count: json.num_local_experts, perToken: json.num_experts_per_tok, width: json.intermediate_size },
    tiedHead: json.tie_word_embeddings,
    tokens: { bos: json.bos_token_id, stop: [json.eos_token_id] },
  };
}

/** The numbers of a weight, put together from rows of the checkpoint. */
function assemble({ shape, parts }: WeightSpec, floats: Floats, columnsOf: (tensor: string) => number): Float32Array {
  const matrix = new Float32Array(shape[0] * shape[1]).fill(NaN);
  for (const part of parts) {
    const numbers = floats(part.tensor);
    const columns = columnsOf(part.tensor);
    const [start, end] = part.rows ?? [0, numbers.length / columns];
    for (let row = start; row < end; row++)
      matrix.set(numbers.subarray(row * columns, (row + 1) * columns), (part.at[0] + row - start) * shape[1] + part.at[1]);
  }
  expect(matrix.some(Number.isNaN)).toBe(false);
  return matrix;
}

/** Last dimension of a checkpoint tensor. */
function columnsIn({ hiddenSize, layers, experts }: ModelConfig): (tensor: string) => number {
  const { heads, mlpWidth } = layers[0]!;
  return (tensor) => {
    if (tensor.includes("shared_mlp.output")) return mlpWidth;
    if (tensor.includes("output_linear")) return experts!.width;
    return tensor.includes("o_proj") ? heads.query * heads.size : hiddenSize;
  };
}

/** A file of arrays, one after the other. */
class Arrays {
  readonly #file: string;
  readonly #chunks: Uint8Array[] = [];
  #offset = 0;
  constructor(file: string) {
    this.#file = file;
  }
  put(array: Float32Array | Uint8Array): FileRange {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    const range = { file: this.#file, offset: this.#offset, length: bytes.length };
    this.#chunks.push(bytes);
    this.#offset += bytes.length;
    return range;
  }
  write(): Promise<void> {
    return writeFile(join(directory, this.#file), Buffer.concat(this.#chunks));
  }
}

type Store = (spec: WeightSpec, numbers: Float32Array, arrays: Arrays) => StoredWeight;

const storeFloats: Store = ({ shape }, numbers, arrays) => ({ kind: "float32", shape, data: arrays.put(numbers) });

async function load(
  name: string,
  config: ModelConfig,
  options: BuildOptions,
  floats: Floats,
  store = storeFloats,
): Promise<InferenceSession> {
  const arrays = new Arrays(`${name}.bin`);
  const columnsOf = columnsIn(config);
  const table = new Map(
    graniteMoe.weights(config, options).map((spec) => [spec.name, store(spec, assemble(spec, floats, columnsOf), arrays)]),
  );
  await arrays.write();
  const path = join(directory, `${name}.onnx`);
  await writeFile(path, encodeModel(graniteMoe.build(config, table, options)));
  return InferenceSession.create(path, { intraOpNumThreads: 1, logSeverityLevel: 3 });
}

/** What a run is given; `past[i]` holds the rows of layer i's keys, then its values. */
interface Rows {
  length: number;
  readonly past: Float32Array[];
}

function emptyRows(config: ModelConfig, capacity: number): Rows {
  const { keyValue, size } = config.layers[0]!.heads;
  const width = keyValue * size;
  return { length: 0, past: Array.from({ length: 2 * config.layers.length }, () => new Float32Array(capacity * width)) };
}

/**
 * One run of tokens after `rows`, which then holds their rows too. Logits [wanted.length, vocabulary], flat. `padding`: rows given when
 * there are fewer; the graph masks them, whatever they hold.
 */
async function run(
  session: InferenceSession,
  config: ModelConfig,
  rows: Rows,
  ids: readonly number[],
  wanted = ids.map((_, i) => i),
  padding = 1,
): Promise<Float32Array> {
  const given = Math.max(rows.length, padding);
  const integers = (numbers: readonly number[]) => BigInt64Array.from(numbers, BigInt);
  const { keyValue, size } = config.layers[0]!.heads;
  const width = keyValue * size;
  const feeds: Record<string, Tensor> = {
    input_ids: new Tensor("int64", integers(ids), [ids.length]),
    positions: new Tensor("int64", integers(ids.map((_, i) => rows.length + i)), [ids.length]),
    "past_positions.all": new Tensor("int64", integers(Array.from({ length: given }, (_, i) => (i < rows.length ? i : NOWHERE))), [given]),
    logit_rows: new Tensor("int64", integers(wanted), [wanted.length]),
  };
  rows.past.forEach((array, index) => {
    feeds[`past.${index >> 1}.${index % 2 === 0 ? "key" : "value"}`] = new Tensor("float32", array.subarray(0, given * width), [
      given,
      keyValue,
      1,
      size,
    ]);
  });
  const { logits, rows: made } = await session.run(feeds);
  expect(logits!.dims).toEqual([wanted.length, config.vocabularySize]);
  expect(made!.dims).toEqual([ids.length, rows.past.length * width]);
  const flat = made!.data as Float32Array;
  rows.past.forEach((array, index) => {
    for (let token = 0; token < ids.length; token++) {
      const start = token * rows.past.length * width + index * width;
      array.set(flat.subarray(start, start + width), (rows.length + token) * width);
    }
  });
  rows.length += ids.length;
  return logits!.data as Float32Array;
}

/** Logits of all tokens, computed in runs of `chunk`. */
async function runInChunks(session: InferenceSession, config: ModelConfig, ids: readonly number[], chunk: number): Promise<Float32Array> {
  const rows = emptyRows(config, ids.length);
  const all = new Float32Array(ids.length * config.vocabularySize);
  while (rows.length < ids.length) {
    const at = rows.length;
    all.set(await run(session, config, rows, ids.slice(at, at + chunk)), at * config.vocabularySize);
  }
  return all;
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((largest, x, index) => Math.max(largest, Math.abs(x - b[index]!)), 0);
}

describe.each(["granitemoe", "granitemoe-shared"])("%s against the reference", (model) => {
  let config: ModelConfig;
  let floats: Floats;
  let logits: Floats;
  let cases: { readonly name: string; readonly input_ids: number[] }[];
  beforeAll(async () => {
    const folder = join(GOLDENS, model);
    config = await readConfig(join(folder, "config.json"));
    floats = await readSafetensors(join(folder, "model.safetensors"));
    logits = await readSafetensors(join(folder, "logits.safetensors"));
    cases = JSON.parse(await readFile(join(folder, "cases.json"), "utf8")).cases;
  });

  test.each(MODES)("experts %s: logits agree within 1e-4, in one go, in chunks of 7 and of 3, and token by token", async (experts) => {
    const session = await load(`${model}-${experts}`, config, { experts, accuracyLevel: 0 }, floats);
    const worst: Record<string, number> = {};
    for (const chunk of [Infinity, 7, 3, 1])
      for (const { name, input_ids: ids } of cases) {
        const difference = largestDifference(await runInChunks(session, config, ids, chunk), logits(name));
        worst[chunk] = Math.max(worst[chunk] ?? 0, difference);
      }
    for (const difference of Object.values(worst)) expect(difference).toBeLessThan(TOLERANCE);
    await session.release();
  });

  test("a run gives the logits that are asked for, in the order asked, and fails without any", async () => {
    const session = await load(`${model}-rows`, config, { experts: "merged", accuracyLevel: 0 }, floats);
    const { input_ids: ids, name } = cases.find((one) => one.name === "three-windows")!;
    const rows = emptyRows(config, ids.length);
    await run(session, config, rows, ids.slice(0, 20), [19]);
    const some = await run(session, config, rows, ids.slice(20), [8, 0]);
    const row = (index: number): Float32Array => logits(name).subarray(index * config.vocabularySize, (index + 1) * config.vocabularySize);
    expect(largestDifference(some.subarray(0, config.vocabularySize), row(28))).toBeLessThan(TOLERANCE);
    expect(largestDifference(some.subarray(config.vocabularySize), row(20))).toBeLessThan(TOLERANCE);
    await expect(run(session, config, emptyRows(config, 16), ids.slice(0, 3), [])).rejects.toThrow(/Gather/);
    await session.release();
  });

  test("padding is never seen, whatever it holds; without any, an empty past fails instead of killing the process", async () => {
    const session = await load(`${model}-padding`, config, { experts: "merged", accuracyLevel: 0 }, floats);
    const { input_ids: ids, name } = cases.find((one) => one.name === "window")!;
    const rows = emptyRows(config, 16);
    for (const array of rows.past) array.fill(1e3);
    const padded = await run(session, config, rows, ids, undefined, 3);
    expect(largestDifference(padded, logits(name))).toBeLessThan(TOLERANCE);
    await expect(run(session, config, emptyRows(config, 16), ids, undefined, 0)).rejects.toThrow(/Gather/);
    await session.release();
  });
});

/** Random numbers, the same each time. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32 - 0.5;
}

/** 19 experts: two groups of eight and a rest. A shared width that is no multiple of the experts'. */
const MANY: ModelConfig = {
  family: "granite-moe",
  vocabularySize: 40,
  hiddenSize: 32,
  contextLength: 32,
  normEpsilon: 1e-5,
  layers: equalLayers(2, { heads: { query: 4, keyValue: 2, size: 16 }, rope: { theta: 10000, pairs: 8 }, mlpWidth: 48 }),
  scales: { embedding: 1, residual: 1, attention: 0.3, logits: 1 },
  softcap: null,
  perLayer: null,
  experts: { count: 19, perToken: 3, width: 32 },
  tiedHead: true,
  tokens: { bos: 1, stop: [2] },
};

/** Random checkpoint tensors of MANY; large routers, so that no choice is near a tie. */
function manyFloats(): Floats {
  const made = new Map<string, Float32Array>();
  const random = randomNumbers(7);
  const { hiddenSize, vocabularySize } = MANY;
  const { heads, mlpWidth } = MANY.layers[0]!;
  const experts = MANY.experts!;
  const rowsOf = (tensor: string): number => {
    if (tensor.includes("norm")) return 1;
    if (tensor.includes("router")) return experts.count;
    if (tensor.includes("shared_mlp.input")) return 2 * mlpWidth;
    if (tensor.includes("block_sparse_moe.input")) return experts.count * 2 * experts.width;
    if (tensor.includes("block_sparse_moe.output")) return experts.count * hiddenSize;
    if (tensor.includes("embed")) return vocabularySize;
    return /[kv]_proj/.test(tensor) ? heads.keyValue * heads.size : tensor.includes("q_proj") ? heads.query * heads.size : hiddenSize;
  };
  return (tensor) => {
    const known = made.get(tensor);
    if (known !== undefined) return known;
    const size = tensor.includes("router") ? 4 : 0.7;
    const numbers = Float32Array.from({ length: rowsOf(tensor) * columnsIn(MANY)(tensor) }, () =>
      tensor.includes("norm") ? 1 + random() : size * random(),
    );
    made.set(tensor, numbers);
    return numbers;
  };
}

const IDS = [1, 5, 39, 0, 17, 17, 22, 8, 30];

test("experts in groups give what experts merged give, for one token and for many", async () => {
  const floats = manyFloats();
  const sessions = await Promise.all(MODES.map((experts) => load(`many-${experts}`, MANY, { experts, accuracyLevel: 0 }, floats)));
  for (const chunk of [Infinity, 1]) {
    const [conditional, merged] = await Promise.all(sessions.map((session) => runInChunks(session, MANY, IDS, chunk)));
    expect(largestDifference(conditional!, merged!)).toBeLessThan(1e-5);
  }
});

describe("weights in blocks", () => {
  const BLOCK = 16;

  /** Rounds `numbers` to blocks and overwrites them with what the blocks stand for. */
  const storeBlocks =
    (matrixBits: 4 | 8, symmetric: boolean): Store =>
    ({ role, shape }, numbers, arrays) => {
      if (role === "exact") return storeFloats({ name: "", role, shape, parts: [] }, numbers, arrays);
      const bits = role === "embedding" ? 8 : matrixBits;
      const [rows, columns] = shape;
      const perRow = columns / BLOCK;
      const data = new Uint8Array((rows * columns * bits) / 8);
      const scales = new Float32Array(rows * perRow);
      const zeroBytes = Math.ceil((perRow * bits) / 8);
      const zeroPoints = new Uint8Array(rows * zeroBytes);
      for (let block = 0; block < scales.length; block++) {
        const values = numbers.subarray(block * BLOCK, (block + 1) * BLOCK);
        const scale = Math.fround((2.2 * values.reduce((largest, x) => Math.max(largest, Math.abs(x)), 0)) / 2 ** bits);
        const zero = 2 ** (bits - 1) - (symmetric ? 0 : 1);
        const [row, column] = [Math.floor(block / perRow), block % perRow];
        scales[block] = scale;
        if (bits === 8) zeroPoints[block] = zero;
        else zeroPoints[row * zeroBytes + (column >> 1)]! |= zero << (4 * (column & 1));
        values.forEach((x, index) => {
          const q = Math.min(2 ** bits - 1, Math.max(0, Math.round(x / scale) + zero));
          const at = block * BLOCK + index;
          if (bits === 8) data[at] = q;
          else data[at >> 1]! |= q << (4 * (at & 1));
          values[index] = (q - zero) * scale;
        });
      }
      return {
        kind: "blocks",
        bits,
        block: BLOCK,
        shape,
        data: arrays.put(data),
        scales: arrays.put(scales),
        zeroPoints: symmetric ? null : arrays.put(zeroPoints),
      };
    };

  test.each([
    [4, true, "merged"],
    [4, false, "merged"],
    [8, true, "conditional"],
    [8, false, "conditional"],
    [8, false, "merged"],
  ] as const)("of %d bits, symmetric %p, experts %s give what the numbers they stand for give", async (bits, symmetric, experts) => {
    const name = `blocks-${bits}-${symmetric}-${experts}`;
    const options = { experts: experts satisfies ExpertMode, accuracyLevel: 0 } as const;
    const rounded = new Map<string, Float32Array>();
    const store = storeBlocks(bits, symmetric);
    const quantized = await load(name, MANY, options, manyFloats(), (spec, numbers, arrays) => {
      const weight = store(spec, numbers, arrays);
      rounded.set(spec.name, numbers); // by now the numbers that the blocks stand for
      return weight;
    });
    const exact = await load(`${name}-exact`, MANY, options, manyFloats(), (spec, _, arrays) =>
      storeFloats(spec, rounded.get(spec.name)!, arrays),
    );
    for (const chunk of [Infinity, 1])
      expect(largestDifference(await runInChunks(quantized, MANY, IDS, chunk), await runInChunks(exact, MANY, IDS, chunk))).toBeLessThan(
        1e-5,
      );
  });
});

test("a graph of experts cannot be built without them", () => {
  expect(() => graniteMoe.build(MANY, new Map(), { experts: "none", accuracyLevel: 0 })).toThrow(
    expect.objectContaining({ code: "graph/expert-mode" }),
  );
});

test("a weight that is missing is named", () => {
  expect(() => graniteMoe.build(MANY, new Map(), { experts: "merged", accuracyLevel: 0 })).toThrow(
    expect.objectContaining({ code: "graph/missing-weight", message: expect.stringContaining("embedding") }),
  );
});
