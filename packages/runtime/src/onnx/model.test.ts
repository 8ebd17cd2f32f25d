/** What encodeModel writes, as ONNX Runtime reads it. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { Graph } from "../graph/graph.ts";
import { ifElse } from "../graph/ops/control.ts";
import { add, greater, mul, silu } from "../graph/ops/elementwise.ts";
import { identity, reshape, transpose } from "../graph/ops/layout.ts";
import { rmsNorm } from "../graph/ops/norm.ts";
import { encodeModel } from "./model.ts";

async function runOnce(graph: Graph, feeds: Record<string, Tensor>): Promise<Record<string, number[]>> {
  const session = await InferenceSession.create(encodeModel(graph), { intraOpNumThreads: 1 });
  const results = await session.run(feeds);
  return Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, Array.from(tensor.data as Float32Array)]));
}

test("inputs and outputs keep their names, types and shapes, symbols included", async () => {
  const graph = new Graph("test");
  const x = graph.input("x", "float32", ["S", 2]);
  graph.output("doubled", add(x, x));
  const session = await InferenceSession.create(encodeModel(graph));
  expect(session.inputMetadata).toMatchObject([{ name: "x", type: "float32", shape: ["S", 2] }]);
  expect(session.outputMetadata).toMatchObject([{ name: "doubled", type: "float32", shape: ["S", 2] }]);
});

test("attributes of every kind reach the operator", async () => {
  const graph = new Graph("test");
  const x = graph.input("x", "float32", [2, 2]);
  graph.output("turned", transpose(x, [1, 0])); // ints
  graph.output("norm", rmsNorm(x, graph.constant("float32", [2], [1, 1]), 0.25)); // float, int
  const tanh = graph.node("Gelu", [x], x, { approximate: { text: "tanh" } });
  graph.output("gelu", tanh);
  const { turned, norm, gelu } = await runOnce(graph, { x: new Tensor("float32", new Float32Array([1, 2, -3, 0]), [2, 2]) });
  expect(turned).toEqual([1, -3, 2, 0]);
  expect(norm![0]).toBeCloseTo(1 / Math.sqrt(2.75), 6);
  expect(gelu![0]).toBeCloseTo(0.5 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * 1.044715)), 5);
});

test("a value that is an output goes on to other nodes under its new name", async () => {
  const graph = new Graph("test");
  const x = graph.input("x", "float32", [1]);
  const y = mul(x, x);
  graph.output("square", y);
  graph.output("fourth", mul(y, y));
  expect(await runOnce(graph, { x: new Tensor("float32", new Float32Array([3]), [1]) })).toEqual({ square: [9], fourth: [81] });
});

test("branches see captured values two levels out, and only the chosen one runs", async () => {
  const graph = new Graph("test");
  const [x, y] = [graph.input("x", "float32", [1]), graph.input("y", "float32", [1])];
  const zero = graph.constant("float32", [1], [0]);
  const result = ifElse(
    greater(x, zero),
    "rows",
    (branch) =>
      ifElse(
        greater(branch.capture(y), branch.constant("float32", [1], [0])),
        "rows",
        (inner) => add(inner.capture(x), inner.capture(y)),
        (inner) => identity(inner.capture(x)),
      ),
    (branch) => silu(branch.capture(y)),
  );
  graph.output("result", result);
  const at = async (a: number, b: number): Promise<number> => {
    const scalar = (number: number): Tensor => new Tensor("float32", new Float32Array([number]), [1]);
    return (await runOnce(graph, { x: scalar(a), y: scalar(b) }))["result"]![0]!;
  };
  expect(await at(2, 3)).toBe(5);
  expect(await at(2, -3)).toBe(2);
  expect(await at(-2, 3)).toBeCloseTo(3 / (1 + Math.exp(-3)), 6);
});

test("a weight is read from its range of the file beside the model", async () => {
  const directory = await mkdtemp(join(tmpdir(), "orrery-onnx-"));
  try {
    const file = new Float32Array([9, 9, 1, 2, 3, 9]);
    await writeFile(join(directory, "weights.bin"), new Uint8Array(file.buffer));
    const graph = new Graph("test");
    const weight = graph.weight("w", "float32", [3], { file: "weights.bin", offset: 8, length: 12 });
    graph.output("y", add(reshape(graph.input("x", "float32", [1, 1]), [1]), weight));
    await writeFile(join(directory, "model.onnx"), encodeModel(graph));
    const session = await InferenceSession.create(join(directory, "model.onnx"));
    const { y } = await session.run({ x: new Tensor("float32", new Float32Array([10]), [1, 1]) });
    expect(Array.from(y!.data as Float32Array)).toEqual([11, 12, 13]);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("a branch, and a graph without outputs, are no models", () => {
  const graph = new Graph("test");
  expect(() => encodeModel(graph)).toThrow(expect.objectContaining({ code: "graph/no-output" }));
  expect(() => encodeModel(graph.branch("then"))).toThrow(expect.objectContaining({ code: "graph/branch" }));
});
