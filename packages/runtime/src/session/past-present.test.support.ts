/**
 * Graphs in the form that others export: past in, present out. In: weights. Out: graphs, and directories with them. They are built without
 * the runtime's layers, by other operators, so that the two check each other.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Graph, type Value } from "../graph/graph.ts";
import { ifElse } from "../graph/ops/control.ts";
import { add, mul, silu, toFloat, toHalf, where, greater, or, sub } from "../graph/ops/elementwise.ts";
import { concat, identity, reshape, split, transpose } from "../graph/ops/layout.ts";
import { matmul } from "../graph/ops/linear.ts";
import { rmsNorm, softmax } from "../graph/ops/norm.ts";
import { reduceSum, sumBefore } from "../graph/ops/reduce.ts";
import { gather, topK } from "../graph/ops/select.ts";
import { encodeModel } from "../onnx/model.ts";

/** Writes a repository: paths relative to `directory`, graphs as files, other values as JSON. */
export async function writeRepository(directory: string, files: Readonly<Record<string, object>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const path = join(directory, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(
      path,
      content instanceof Graph ? encodeModel(content) : content instanceof Uint8Array ? content : JSON.stringify(content),
    );
  }
}

const VOCABULARY = 16;
const HIDDEN = 8;
const POSITIONS = 1024;
/** Windows of the two layers of fixtures/session. */
const WINDOWS = [24, null];

export const FIXTURE_CONFIG = {
  vocab_size: VOCABULARY,
  max_position_embeddings: POSITIONS,
  num_hidden_layers: 2,
  num_key_value_heads: 2,
  head_dim: 4,
  eos_token_id: 15,
};

/** How a graph differs from a plain one. */
export interface Form {
  /** Number type of past, present and logits. */
  readonly half?: boolean;
  /** Takes use_cache_branch and, where it is false, looks at no past. */
  readonly branch?: boolean;
  /** Takes num_logits_to_keep. */
  readonly keep?: boolean;
  /** Takes inputs_embeds and per_layer_inputs, which `embedTokens` gives, instead of input_ids. */
  readonly split?: boolean;
  /** Name of the past inputs, up to the layer. */
  readonly past?: string;
  /** Numbers of the two layers in the names. */
  readonly layers?: readonly [number, number];
}

/** The weights of fixtures/session/make.mjs, in the order in which it draws them. */
function fixtureWeights(graph: Graph) {
  let seed = 1;
  const random = (): number => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32 - 0.5;
  const matrix = (name: string, rows: number, columns: number, number: (row: number, column: number) => number = random): Value =>
    weight(
      graph,
      name,
      [rows, columns],
      Float32Array.from({ length: rows * columns }, (_, i) => number(Math.floor(i / columns), i % columns)),
    );
  return {
    angles: matrix("positions table", POSITIONS, HIDDEN, (row, column) => Math.sin(row / 2 ** column)),
    embedding: matrix("embedding", VOCABULARY, HIDDEN),
    qkv: [matrix("qkv 0", HIDDEN, 24), matrix("qkv 1", HIDDEN, 24)],
    head: matrix("head", HIDDEN, VOCABULARY),
  };
}

function weight(graph: Graph, name: string, shape: readonly number[], numbers: Float32Array): Value {
  return graph.weight(name, "float32", shape, new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength));
}

/** input_ids → a quarter of the embedding, and three eighths of it for each of the two layers. */
export function embedTokens(): Graph {
  const graph = new Graph("embed tokens");
  const { embedding } = fixtureWeights(graph);
  const x = gather(embedding, graph.input("input_ids", "int64", [1, "S"]));
  graph.output("inputs_embeds", mul(x, graph.constant("float32", [1], [0.25])));
  const each = reshape(mul(x, graph.constant("float32", [1], [0.375])), [1, "S", 1, HIDDEN]);
  graph.output("per_layer_inputs", concat([each, each], 2));
  return graph;
}

/** The decoder of fixtures/session with past and present [1, 2, T, 4]. */
export function fixtureDecoder({ half, branch, keep, split: fed, past: prefix = "past_key_values", layers = [0, 1] }: Form = {}): Graph {
  const graph = new Graph("past and present");
  const weights = fixtureWeights(graph);
  const embedded = fed ? splitInputs(graph) : gather(weights.embedding, graph.input("input_ids", "int64", [1, "S"]));
  const positions = graph.input("position_ids", "int64", [1, "S"]);
  const mask = graph.input("attention_mask", "int64", [1, "P+S"]);
  const useCache = branch ? graph.input("use_cache_branch", "bool", [1]) : null;
  let x = add(embedded, gather(weights.angles, positions));
  const presents: [string, Value][] = [];
  for (const [index, window] of WINDOWS.entries()) {
    const qkv = reshape(matmul(x, weights.qkv[index]!), ["S", 2, 3, 4]);
    const [q, key, value] = split(qkv, [1, 1, 1], 2).map((part) => transpose(reshape(part, [1, "S", 2, 4]), [0, 2, 1, 3]));
    const joined = (
      [
        ["key", key!],
        ["value", value!],
      ] as const
    ).map(([side, own]) => {
      const given = graph.input(`${prefix}.${layers[index]}.${side}`, half ? "float16" : "float32", [1, 2, "P", 4]);
      const past = half ? toFloat(given) : given;
      const all = useCache === null ? concat([past, own], 2) : cached(useCache, past, own);
      presents.push([`present.${layers[index]}.${side}`, half ? toHalf(all) : identity(all)]);
      return all;
    });
    const scores = add(matmul(q!, joined[0]!, { transposeB: true }), hidden(graph, positions, mask, window));
    const mixed = matmul(softmax(scores), joined[1]!);
    x = add(x, reshape(transpose(mixed, [0, 2, 1, 3]), [1, "S", HIDDEN]));
  }
  const logits = matmul(keep ? lastRows(graph, x) : x, weights.head);
  graph.output("logits", half ? toHalf(logits) : logits);
  for (const [name, value] of presents) graph.output(name, value);
  return graph;
}

function splitInputs(graph: Graph): Value {
  const x = graph.input("inputs_embeds", "float32", [1, "S", HIDDEN]);
  const perLayer = graph.input("per_layer_inputs", "float32", [1, "S", 2, HIDDEN]);
  return add(x, reshape(reduceSum(perLayer, 2), [1, "S", HIDDEN]));
}

function cached(useCache: Value, past: Value, own: Value): Value {
  return ifElse(
    useCache,
    "P+S",
    (then) => concat([then.capture(past), then.capture(own)], 2),
    (otherwise) => identity(otherwise.capture(own)),
  );
}

/** float32 [S, T]: 0 where a token may look, else the lowest number. The place of a row is how many ones of the mask stand before it. */
function hidden(graph: Graph, positions: Value, mask: Value, window: number | null): Value {
  const places = sumBefore(mask, 1);
  const own = reshape(positions, ["S", 1]);
  const masked = greater(graph.constant("int64", [1], [1]), mask);
  const later = or(greater(places, own), masked);
  const far = window === null ? later : or(later, greater(sub(own, places), graph.constant("int64", [1], [window - 1])));
  return where(far, graph.constant("float32", [1], [-3.4e38]), graph.constant("float32", [1], [0]));
}

/** The last num_logits_to_keep tokens; all for 0. */
function lastRows(graph: Graph, x: Value): Value {
  const from = sub(graph.constant("int64", [1], [0]), reshape(graph.input("num_logits_to_keep", "int64", []), [1]));
  const end = graph.constant("int64", [1], [2 ** 40]);
  return graph.node("Slice", [x, from, end, graph.constant("int64", [1], [1])], { dtype: x.dtype, shape: [1, "R", HIDDEN] });
}

/** A config.json of Granite MoE, as far as the graph below needs it. */
export interface GraniteConfig {
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
  readonly max_position_embeddings: number;
  readonly intermediate_size: number;
  readonly shared_intermediate_size: number;
  readonly num_local_experts: number;
  readonly num_experts_per_tok: number;
  readonly rms_norm_eps: number;
  readonly attention_multiplier: number;
  readonly embedding_multiplier: number;
  readonly residual_multiplier: number;
  readonly logits_scaling: number;
  readonly rope_parameters: { readonly rope_theta: number };
}

/** Granite MoE with GroupQueryAttention, as onnxruntime-genai builds it: rotation, past and mask are the operator's. */
export function graniteDecoder(config: GraniteConfig, tensors: ReadonlyMap<string, Float32Array>): Graph {
  const graph = new Graph("granite");
  const { hidden_size: hiddenSize, num_attention_heads: heads, num_key_value_heads: kvHeads, rms_norm_eps: epsilon } = config;
  const size = hiddenSize / heads;
  const scaled = (x: Value, by: number): Value => mul(x, graph.constant("float32", [1], [by]));
  const stored = (name: string, shape: readonly number[]): Value => weight(graph, name, shape, tensors.get(`${name}.weight`)!);
  const project = (x: Value, name: string, rows: number, columns: number): Value =>
    matmul(x, stored(name, [rows, columns]), { transposeB: true });
  const norm = (x: Value, name: string): Value => rmsNorm(x, stored(name, [hiddenSize]), epsilon);
  const swiglu = (gateUp: Value, width: number): Value => {
    const [gate, up] = split(gateUp, [width, width], -1);
    return mul(silu(gate!), up!);
  };

  const ids = graph.input("input_ids", "int64", [1, "S"]);
  const length = reduceSum(graph.input("attention_mask", "int64", [1, "T"]), 1);
  const int32 = (x: Value): Value => graph.node("Cast", [x], x, { to: { int: 6 } });
  const lastKey = int32(reshape(sub(length, graph.constant("int64", [1], [1])), [1]));
  const total = int32(reshape(length, []));
  const angle = (of: (x: number) => number) => (_: unknown, i: number) =>
    of(Math.fround(Math.floor(i / (size / 2)) / config.rope_parameters.rope_theta ** ((2 * (i % (size / 2))) / size)));
  const [cosines, sines] = [Math.cos, Math.sin].map((of, i) => {
    const numbers = Float32Array.from({ length: (config.max_position_embeddings * size) / 2 }, angle(of));
    return weight(graph, `angles ${i}`, [config.max_position_embeddings, size / 2], numbers);
  });

  const embedding = stored("model.embed_tokens", [config.vocab_size, hiddenSize]);
  let x = scaled(gather(embedding, ids), config.embedding_multiplier);
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const name = `model.layers.${layer}`;
    const n = norm(x, `${name}.input_layernorm`);
    const [q, k, v] = (["q_proj", "k_proj", "v_proj"] as const).map((part, i) =>
      project(n, `${name}.self_attn.${part}`, (i === 0 ? heads : kvHeads) * size, hiddenSize),
    );
    const cache = ["key", "value"].map((side) =>
      graph.input(`past_key_values.${layer}.${side}`, "float32", ["batch", kvHeads, "past", size]),
    );
    const [mixed, ...presents] = graph.nodeWithOutputs(
      "com.microsoft.GroupQueryAttention",
      [q!, k!, v!, ...cache, lastKey, total, cosines!, sines!],
      [q!, ...cache.map(({ dtype }) => ({ dtype, shape: ["batch", kvHeads, "T", size] }))],
      { num_heads: { int: heads }, kv_num_heads: { int: kvHeads }, scale: { float: config.attention_multiplier }, do_rotary: { int: 1 } },
    );
    for (const [i, side] of ["key", "value"].entries()) graph.output(`present.${layer}.${side}`, presents[i]!);
    x = add(x, scaled(project(mixed!, `${name}.self_attn.o_proj`, hiddenSize, heads * size), config.residual_multiplier));

    const m = norm(x, `${name}.post_attention_layernorm`);
    const width = config.intermediate_size;
    const expertWeights = (part: string, rows: number, columns: number): Value[] =>
      split(
        stored(`${name}.block_sparse_moe.${part}`, [config.num_local_experts * rows, columns]),
        Array(config.num_local_experts).fill(rows),
        0,
      );
    const inputs = expertWeights("input_linear", 2 * width, hiddenSize);
    const outputs = expertWeights("output_linear", hiddenSize, width);
    const scores = project(m, `${name}.block_sparse_moe.router.layer`, config.num_local_experts, hiddenSize);
    // An expert weighs what the softmax over the best gives it: all others stand at the lowest number.
    const [best] = topK(scores, config.num_experts_per_tok);
    const least = split(best!, [config.num_experts_per_tok - 1, 1], -1)[1]!;
    const shares = softmax(where(greater(least, scores), graph.constant("float32", [1], [-3.4e38]), scores));
    const shared = config.shared_intermediate_size;
    let sum = project(
      swiglu(project(m, `${name}.shared_mlp.input_linear`, 2 * shared, hiddenSize), shared),
      `${name}.shared_mlp.output_linear`,
      hiddenSize,
      shared,
    );
    for (const [expert, share] of split(shares, Array(config.num_local_experts).fill(1), -1).entries()) {
      const inner = swiglu(matmul(m, inputs[expert]!, { transposeB: true }), width);
      sum = add(sum, mul(share, matmul(inner, outputs[expert]!, { transposeB: true })));
    }
    x = add(x, scaled(sum, config.residual_multiplier));
  }
  const logits = matmul(norm(x, "model.norm"), embedding, { transposeB: true });
  graph.output("logits", scaled(logits, 1 / config.logits_scaling));
  return graph;
}
