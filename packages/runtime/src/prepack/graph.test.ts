import { parse } from "node:path";
import { Graph } from "../graph/graph.ts";
import { add } from "../graph/ops/elementwise.ts";
import { readExternal } from "../onnx/external-data.ts";
import { encodeModel } from "../onnx/model.ts";
import { packedGraph } from "./graph.ts";
import type { PackedWeights } from "./packed-weights.ts";

const { root } = parse(process.cwd());
const packed = [{ key: "MatMul+1", blobs: [{ offset: 4096, length: 100 }] }];
const weights: PackedWeights = {
  path: `${root}cache/blobs.bin`,
  bytes: 8192,
  sha256: "",
  carrier: { name: "small", range: { offset: 0, length: 16 } },
  packed,
};

function model(file: string): Uint8Array {
  const graph = new Graph("g");
  const weight = (name: string, offset: number) => graph.weight(name, "float32", [4], { file, offset, length: 16 });
  graph.output("y", add(weight("small", 0), weight("large", 16)));
  return encodeModel(graph);
}

test("weights stay where they are, and the carrier lists the blobs", () => {
  const graph = packedGraph(`${root}models/mini/model.onnx`, model("weights-0.bin"), weights);
  expect(graph.root).toBe(root);
  expect(readExternal(graph.model)).toEqual([
    { name: "small", nested: false, location: "cache/blobs.bin", range: { offset: 0, length: 16 }, packed },
    { name: "large", nested: false, location: "models/mini/weights-0.bin", range: { offset: 16, length: 16 }, packed: [] },
  ]);
});

test.each(["../secret", "/etc/passwd", "sub/weights.bin", "..", "", "a\\b", "a\0b"])(
  "a weight in %j is refused: from the root it could be any file",
  (location) => {
    expect(() => packedGraph(`${root}models/model.onnx`, model(location), weights)).toThrow(
      expect.objectContaining({ code: "session/prepack-failed" }),
    );
  },
);

test("a graph without the carrier, or with another of its name, is refused", () => {
  for (const carrier of [
    { ...weights.carrier, name: "gone" },
    { ...weights.carrier, range: { offset: 0, length: 12 } },
  ])
    expect(() => packedGraph(`${root}models/model.onnx`, model("w.bin"), { ...weights, carrier })).toThrow("expected one");
});
