/** References read and rewritten, against what encodeModel writes, ONNX Runtime, and hostile bytes. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { GraphError } from "../errors.ts";
import { Graph, type Value } from "../graph/graph.ts";
import { ifElse } from "../graph/ops/control.ts";
import { add } from "../graph/ops/elementwise.ts";
import { readExternal, rewriteExternal, type ExternalTensor } from "./external-data.ts";
import { encodeModel } from "./model.ts";
import { WireWriter } from "./wire.ts";

/** x + a weight of 16 bytes: in the else branch, or in one of two branches of the then branch. */
function nested(): Uint8Array {
  const graph = new Graph("nested");
  const x = graph.input("x", "float32", [1, 4]);
  const yes = graph.input("yes", "bool", [1]);
  const plus = (branch: Graph, name: string, offset: number): Value =>
    add(branch.capture(x), branch.weight(name, "float32", [1, 4], { file: "w.bin", offset, length: 16 }));
  const y = ifElse(
    yes,
    "rows",
    (outer) =>
      ifElse(
        outer.capture(yes),
        "rows",
        (inner) => plus(inner, "deep", 16),
        (inner) => plus(inner, "other", 32),
      ),
    (outer) => plus(outer, "shallow", 0),
  );
  graph.output("y", y);
  return encodeModel(graph);
}

const named = (tensors: readonly ExternalTensor[]) => Object.fromEntries(tensors.map(({ name, ...rest }) => [name, rest]));

test("references in the graph and in branches of branches are found", () => {
  expect(named(readExternal(nested()))).toEqual({
    deep: { nested: true, location: "w.bin", range: { offset: 16, length: 16 }, packed: [] },
    other: { nested: true, location: "w.bin", range: { offset: 32, length: 16 }, packed: [] },
    shallow: { nested: true, location: "w.bin", range: { offset: 0, length: 16 }, packed: [] },
  });
});

test("a model whose references stay is the same, byte for byte", () => {
  const model = nested();
  expect(rewriteExternal(model, (tensor) => tensor)).toEqual(model);
});

test("a rewritten reference is read back, and ONNX Runtime follows it", async () => {
  const packed = [
    {
      key: "MatMul+17",
      blobs: [
        { offset: 4096, length: 7 },
        { offset: 8192, length: 9 },
      ],
    },
    { key: "b", blobs: [{ offset: 0, length: 1 }] },
  ];
  const model = rewriteExternal(nested(), ({ name, range }) => ({
    location: "other.bin",
    range: { ...range, offset: range.offset + 8 },
    packed: name === "deep" ? packed : [],
  }));
  expect(named(readExternal(model))).toMatchObject({
    deep: { location: "other.bin", range: { offset: 24, length: 16 }, packed },
    shallow: { packed: [] },
  });
  const directory = await mkdtemp(join(tmpdir(), "orrery-external-"));
  try {
    await writeFile(join(directory, "other.bin"), new Float32Array(Array.from({ length: 16 }, (_, i) => i)));
    const whole = rewriteExternal(model, ({ location, range }) => ({ location, range, packed: [] }));
    await writeFile(join(directory, "model.onnx"), whole);
    const session = await InferenceSession.create(join(directory, "model.onnx"));
    const x = new Tensor("float32", new Float32Array(4), [1, 4]);
    const { y } = await session.run({ x, yes: new Tensor("bool", [1], [1]) });
    expect(Array.from(y!.data as Float32Array)).toEqual([6, 7, 8, 9]);
    await session.release();
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("fields that nobody knows are kept where they stand", () => {
  const unknown = fc.oneof(
    fc.tuple(fc.integer({ min: 100, max: 2000 }), fc.uint8Array({ maxLength: 300 })).map(
      ([field, bytes]) =>
        (w: WireWriter) =>
          w.bytes(field, bytes),
    ),
    fc.tuple(fc.integer({ min: 100, max: 2000 }), fc.maxSafeInteger()).map(
      ([field, value]) =>
        (w: WireWriter) =>
          w.integer(field, value),
    ),
    fc.tuple(fc.integer({ min: 100, max: 2000 }), fc.float()).map(
      ([field, value]) =>
        (w: WireWriter) =>
          w.float(field, value),
    ),
  );
  fc.assert(
    fc.property(fc.array(unknown), fc.array(unknown), (before, after) => {
      const wrap = (content: Uint8Array): Uint8Array => {
        const writer = new WireWriter();
        for (const write of before) write(writer);
        writer.encoded(content);
        for (const write of after) write(writer);
        return writer.finish();
      };
      const change = ({ range }: ExternalTensor) => ({ location: "elsewhere.bin", range, packed: [] });
      expect(rewriteExternal(wrap(nested()), change)).toEqual(wrap(rewriteExternal(nested(), change)));
    }),
    { numRuns: 50 },
  );
});

/** Runs to the end or throws what a damaged file throws. */
function readable(bytes: Uint8Array): boolean {
  try {
    readExternal(bytes);
    return true;
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(GraphError);
    expect(thrown).toMatchObject({ code: "graph/malformed" });
    return false;
  }
}

test("wild bytes, and every byte of a model flipped, are read or refused", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void readable(bytes)));
  const model = nested();
  let refused = 0;
  for (let at = 0; at < model.length; at++) {
    const changed = model.slice();
    changed[at]! ^= 0xff;
    if (!readable(changed)) refused++;
    if (at > 0 && !readable(model.subarray(0, at))) refused++;
  }
  expect(refused).toBeGreaterThan(model.length);
});

test("branches without end are refused", () => {
  const level = (depth: number): Uint8Array => {
    const writer = new WireWriter();
    if (depth > 0) writer.message(1, (node) => node.message(5, (attribute) => attribute.bytes(6, level(depth - 1))));
    return writer.finish();
  };
  const model = (depth: number): Uint8Array => {
    const writer = new WireWriter();
    writer.bytes(7, level(depth));
    return writer.finish();
  };
  expect(readable(model(16))).toBe(true);
  expect(readable(model(17))).toBe(false);
});

test.each(["-1", "1e3", "", "99999999999999999", "0x10"])("an offset of %j is refused", (offset) => {
  const model = rewriteExternal(nested(), (tensor) => ({ ...tensor, range: { offset: offset as unknown as number, length: 1 } }));
  expect(() => readExternal(model)).toThrow(GraphError);
});
