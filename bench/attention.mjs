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
const ROUNDS = 40;
const SHAPES = [
  { name: "3 heads of 64, 3 queries each", heads: 3, size: 64, groups: 3 },
  { name: "1 head of 256, 4 queries", heads: 1, size: 256, groups: 4 },
  { name: "1 head of 512, 8 queries", heads: 1, size: 512, groups: 8 },
  { name: "8 heads of 256, 2 queries each", heads: 8, size: 256, groups: 2 },
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

/** Two-part, with the query heads of a key head as rows of one product: the keys are read once for all of them. */
function folded(q, k, v, past, T) {
  const [tokens, heads, groups, size] = q.shape;
  const rowsOf = (x) => reshape(transpose(x, [1, 0, 2, 3]), [heads, tokens * groups, size]);
  const flat = (x) => reshape(x, [x.shape[0], heads, size]);
  const [qs, keys, values] = [rowsOf(q), flat(past.key), flat(past.value)];
  const byHead = { transposeB: true, rowsFirst: { b: true } };
  const scores = concat([matmul(qs, keys, byHead), matmul(qs, flat(k), byHead)], -1); // [heads, groups, T + 1]
  const [onPast, onNew] = split(softmax(scores), [T, 1], -1);
  const rows = { rowsFirst: { b: true } };
  const mixed = add(matmul(onPast, values, rows), matmul(onNew, flat(v), rows));
  return reshape(mixed, [heads, groups, tokens, size]);
}

const WAYS = { joined, "two-part": twoPart, folded };

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
    const sessions = await Promise.all(Object.values(WAYS).map((way) => build(way, shape, T)));
    const { heads, size, groups } = shape;
    const feeds = { q: random([1, heads, groups, size]), k: random([1, heads, 1, size]), v: random([1, heads, 1, size]) };
    for (let i = 0; i < LAYERS; i++) for (const side of ["key", "value"]) feeds[`${side}${i}`] = random([T, heads, 1, size]);
    const times = sessions.map(() => []);
    const outputs = [];
    for (let round = -5; round < ROUNDS; round++) {
      for (let turn = 0; turn < sessions.length; turn++) {
        const i = (turn + Math.max(0, round)) % sessions.length;
        const start = performance.now();
        outputs[i] = (await sessions[i].run(feeds)).y.data;
        if (round >= 0) times[i].push((1000 * (performance.now() - start)) / LAYERS);
      }
    }
    for (const output of outputs) {
      const difference = Math.max(...outputs[0].map((x, i) => Math.abs(x - output[i])));
      if (!(difference < 1e-5)) throw new Error(`two ways differ by ${difference}`);
    }
    const line = Object.keys(WAYS).map((name, i) => `${name} ${spread(times[i], 0)} = ${(median(times[i]) / median(times[0])).toFixed(2)}`);
    console.log(`${shape.name}, T=${String(T).padStart(4)}: µs a layer: ${line.join(", ")}`);
    for (const session of sessions) await session.release();
  }
}
