/**
 * Attention over past and new rows: joined (copies the past inside the engine, then one product) against two-part (a product over the
 * past where it lies, another over the new row). One token, alternating, medians. docs/decisions/2026-11-24-attention-in-two-parts.md
 *
 *   npm run attention --prefix bench
 */
import { InferenceSession, Tensor } from "../node_modules/onnxruntime-node/dist/index.js";
import { add, concat, encodeModel, Graph, matmul, reshape, softmax, split, transpose } from "../packages/runtime/dist/graph-entry.js";
import { median, spread } from "./measure.mjs";

const LAYERS = 12;
const ROUNDS = 60;
const SHAPES = [
  { name: "3 heads of 64, 3 queries each", heads: 3, size: 64, groups: 3 },
  { name: "1 head of 256, 4 queries", heads: 1, size: 256, groups: 4 },
];

function joined(q, k, v, past) {
  const [keys, values] = [concat([past.key, k], 0), concat([past.value, v], 0)];
  const scores = matmul(q, keys, { transposeB: true, rowsFirst: { a: true, b: true } });
  return matmul(softmax(scores), values, { rowsFirst: { b: true } });
}

function twoPart(q, k, v, past, T) {
  const byHead = { transposeB: true, rowsFirst: { a: true, b: true } };
  const scores = concat([matmul(q, past.key, byHead), matmul(q, k, byHead)], -1);
  const [onPast, onNew] = split(softmax(scores), [T, 1], -1);
  const rows = { rowsFirst: { b: true } };
  return add(matmul(onPast, past.value, rows), matmul(onNew, v, rows));
}

function build(attend, { heads, size, groups }, T) {
  const graph = new Graph();
  const q = graph.input("q", "float32", [1, heads, groups, size]);
  const k = graph.input("k", "float32", [1, heads, 1, size]);
  const v = graph.input("v", "float32", [1, heads, 1, size]);
  let sum;
  for (let i = 0; i < LAYERS; i++) {
    const past = {
      key: graph.input(`key${i}`, "float32", [T, heads, 1, size]),
      value: graph.input(`value${i}`, "float32", [T, heads, 1, size]),
    };
    const mixed = attend(q, k, v, past, T); // [heads, groups, 1, size]
    sum = sum ? add(sum, mixed) : mixed;
  }
  graph.output("y", reshape(transpose(sum, [2, 0, 1, 3]), [1, heads * groups * size]));
  return InferenceSession.create(encodeModel(graph), {
    intraOpNumThreads: 2,
    interOpNumThreads: 1,
    enableMemPattern: false,
    extra: { session: { force_spinning_stop: "1" } },
  });
}

const random = (dims) =>
  new Tensor(
    "float32",
    Float32Array.from({ length: dims.reduce((a, b) => a * b) }, () => Math.random() - 0.5),
    dims,
  );

for (const shape of SHAPES) {
  for (const T of [64, 256, 512, 1024, 4096]) {
    const sessions = [await build(joined, shape, T), await build(twoPart, shape, T)];
    const { heads, size, groups } = shape;
    const feeds = { q: random([1, heads, groups, size]), k: random([1, heads, 1, size]), v: random([1, heads, 1, size]) };
    for (let i = 0; i < LAYERS; i++) for (const side of ["key", "value"]) feeds[`${side}${i}`] = random([T, heads, 1, size]);
    const times = [[], []];
    const outputs = [];
    for (let round = -5; round < ROUNDS; round++) {
      for (const i of round % 2 ? [0, 1] : [1, 0]) {
        const start = performance.now();
        outputs[i] = (await sessions[i].run(feeds)).y.data;
        if (round >= 0) times[i].push((1000 * (performance.now() - start)) / LAYERS);
      }
    }
    const difference = Math.max(...outputs[0].map((x, i) => Math.abs(x - outputs[1][i])));
    if (!(difference < 1e-5)) throw new Error(`the two differ by ${difference}`);
    const [a, b] = times;
    console.log(
      `${shape.name}, T=${String(T).padStart(4)}: µs a layer: joined ${spread(a, 0)}, two-part ${spread(b, 0)}, ratio ${(median(b) / median(a)).toFixed(2)}`,
    );
    for (const session of sessions) await session.release();
  }
}
