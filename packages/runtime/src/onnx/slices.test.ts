/** Slices of a model with branches, as ONNX Runtime loads them, and of hostile bytes. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { GraphError } from "../errors.ts";
import { Graph, type Value } from "../graph/graph.ts";
import { ifElse } from "../graph/ops/control.ts";
import { add } from "../graph/ops/elementwise.ts";
import { readExternal } from "./external-data.ts";
import { encodeModel } from "./model.ts";
import { weightSlices, type SliceOptions } from "./slices.ts";

const OPTIONS: SliceOptions = { operators: new Set(["Add"]), atLeast: 16, bytes: 40 };
const SLICED = { outer: 0, yes: 16, no: 32, shared: 48 };

/** Sums with weights in the graph, in both branches (from their own and from the outer graph), a small one, and one without a weight. */
function model(): Uint8Array {
  const graph = new Graph("sums");
  const x = graph.input("x", "float32", [1, 4]);
  const weight = (owner: Graph, name: keyof typeof SLICED): Value =>
    owner.weight(name, "float32", [1, 4], { file: "w.bin", offset: SLICED[name], length: 16 });
  const shared = weight(graph, "shared");
  const y = ifElse(
    graph.input("condition", "bool", [1]),
    "rows",
    (branch) => add(add(branch.capture(x), weight(branch, "yes")), branch.capture(shared)),
    (branch) => add(branch.capture(x), weight(branch, "no")),
  );
  const small = graph.weight("small", "float32", [1, 1], { file: "w.bin", offset: 64, length: 4 });
  graph.output("y", add(add(add(y, y), weight(graph, "outer")), small));
  return encodeModel(graph);
}

const named = (slice: Uint8Array): string[] => readExternal(slice).map(({ name }) => name);

test("every node with a large weight is in one slice, which is no larger than asked, unless one node is", () => {
  const slices = [...weightSlices(model(), OPTIONS)].map(named);
  expect(slices.flat().toSorted()).toEqual(Object.keys(SLICED).toSorted());
  expect(slices.map(({ length }) => length)).toEqual([2, 2]);
  expect([...weightSlices(model(), { ...OPTIONS, bytes: 1 })].map(named).map(({ length }) => length)).toEqual([1, 1, 1, 1]);
  expect([...weightSlices(model(), { ...OPTIONS, bytes: 1e9 })]).toHaveLength(1);
  expect([...weightSlices(model(), { ...OPTIONS, operators: new Set(["Mul"]) })]).toEqual([]);
  expect([...weightSlices(model(), { ...OPTIONS, atLeast: 17 })]).toEqual([]);
});

test("ONNX Runtime runs a slice: its nodes, with the weights that they have in the model", async () => {
  const directory = await mkdtemp(join(tmpdir(), "orrery-slices-"));
  try {
    await writeFile(join(directory, "w.bin"), new Float32Array(Array.from({ length: 17 }, (_, i) => i)));
    for (const slice of weightSlices(model(), { ...OPTIONS, bytes: 1 })) {
      await writeFile(join(directory, "slice.onnx"), slice);
      const session = await InferenceSession.create(join(directory, "slice.onnx"));
      const [input] = session.inputNames;
      const result = await session.run({ [input!]: new Tensor("float32", new Float32Array(4), [1, 4]) });
      const first = SLICED[named(slice)[0] as keyof typeof SLICED] / 4;
      expect(Array.from(result[session.outputNames[0]!]!.data as Float32Array)).toEqual([first, first + 1, first + 2, first + 3]);
      await session.release();
    }
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("wild bytes, and every byte of a model flipped, are sliced or refused", () => {
  let refused = 0;
  const tried = (bytes: Uint8Array): void => {
    try {
      for (const slice of weightSlices(bytes, OPTIONS)) expect(slice.length).toBeGreaterThan(0);
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(GraphError);
      refused++;
    }
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), tried));
  const whole = model();
  for (let at = 0; at < whole.length; at++) {
    const changed = whole.slice();
    changed[at]! ^= 0xff;
    tried(changed);
  }
  expect(refused).toBeGreaterThan(whole.length / 4);
});
