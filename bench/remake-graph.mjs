/**
 * The graph of an export anew, by the exporter of this checkout, over the weight files that are there. In: the export's directory (default:
 * data). Out: model.onnx, and manifest.json with its size and hash. Law: no weight is read or moved.
 *
 *   node bench/remake-graph.mjs [directory]
 */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { encodeModel, familyOf } from "../packages/runtime/dist/graph-entry.js";
import { readExternal } from "../packages/runtime/dist/onnx/external-data.js";

const directory = resolve(process.argv[2] ?? join(import.meta.dirname, "../packages/model/data"));
const file = (name) => join(directory, name);
const manifest = JSON.parse(readFileSync(file("manifest.json"), "utf8"));
const { config, weights, experts } = manifest;
const build = {
  experts: experts.mode,
  accuracyLevel: weights.accuracyLevel,
  expertMass: experts.mass ?? 1,
  cache: weights.cache ?? "float32",
  sparseHead: true,
};
const family = familyOf(manifest.family);

/** File ranges by the names that the graph of now gives them. */
const ranges = new Map(
  readExternal(readFileSync(file("model.onnx"))).map(({ name, location, range }) => [name, { file: location, ...range }]),
);

function stored({ name, shape }) {
  const whole = ranges.get(name);
  if (whole) return { kind: "float32", shape, data: whole };
  const data = ranges.get(`${name}.blocks`) ?? ranges.get(`${name}.rows`);
  const scales = ranges.get(`${name}.scales`);
  if (!data || !scales) throw new Error(`${name} is neither float32 nor in blocks: this script does not know its form`);
  const [rows, columns] = shape;
  const block = columns / (scales.length / 4 / rows);
  const bits = (8 * data.length) / (rows * columns);
  return { kind: "blocks", bits, block, shape, data, scales, zeroPoints: ranges.get(`${name}.zero_points`) ?? null };
}

const table = new Map(family.weights(config, build).map((spec) => [spec.name, stored(spec)]));
const graph = family.build(config, table, build);
const model = encodeModel(graph);
const entry = manifest.files.find(({ name }) => name === "model.onnx");
Object.assign(entry, { bytes: model.length, sha256: createHash("sha256").update(model).digest("hex") });
if (graph.inputs.some(({ name }) => name === "candidates")) weights.sparseHead = true;
writeFileSync(file("model.onnx"), model);
writeFileSync(file("manifest.json"), JSON.stringify(manifest, null, 2));
