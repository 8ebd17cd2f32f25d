/** What a graph promises about values, names, scopes and branches, and what ops refuse. */
import { GraphError } from "../errors.ts";
import { Graph, type Value } from "./graph.ts";
import { ifElse } from "./ops/control.ts";
import { add, dequantize, mul, silu } from "./ops/elementwise.ts";
import { concat, expand, identity, reshape, split, transpose } from "./ops/layout.ts";
import { matmul, matmulNBits } from "./ops/linear.ts";
import { gather, gatherBlocks, topK } from "./ops/select.ts";
import { formatShape } from "./shape.ts";

function refused(code: string, message: RegExp, body: () => unknown): void {
  let thrown: unknown;
  try {
    body();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(GraphError);
  expect(thrown).toMatchObject({ code, message: expect.stringMatching(message) });
}

function inputs(...shapes: (readonly (number | string)[])[]): Value[] {
  const graph = new Graph("test");
  return shapes.map((shape, index) => graph.input(`x${index}`, "float32", shape));
}

describe("values and names", () => {
  test("a value of another graph is refused, and named", () => {
    const [a] = inputs([2]);
    const [b] = inputs([2]);
    refused("graph/foreign-value", /Add in graph test got x0, a value of graph test/, () => add(a!, b!));
  });

  test("nodes of one kind in one scope get different names, and scopes nest and end", () => {
    const [x] = inputs([2]);
    const { graph } = x!;
    const names = graph.scope("layers.0", () => [silu(x!), silu(x!), graph.scope("mlp", () => silu(x!))]).map((value) => value.name);
    expect(names).toEqual(["layers.0.QuickGelu", "layers.0.QuickGelu_1", "layers.0.mlp.QuickGelu"]);
    expect(() =>
      graph.scope("layers.1", () => {
        throw new Error("inside");
      }),
    ).toThrow("inside");
    expect(silu(x!).name).toBe("QuickGelu");
  });

  test("a name is given once to inputs and outputs", () => {
    const [x] = inputs([2]);
    refused("graph/duplicate-name", /x0/, () => x!.graph.input("x0", "float32", [1]));
    refused("graph/duplicate-name", /x0/, () => x!.graph.output("x0", silu(x!)));
  });

  test("an input, and a value that is an output already, cannot be an output", () => {
    const [x] = inputs([2]);
    const y = silu(x!);
    x!.graph.output("y", y);
    refused("graph/output", /QuickGelu cannot be the output again/, () => x!.graph.output("again", y));
    refused("graph/output", /x0/, () => x!.graph.output("x", x!));
    x!.graph.output("x", identity(x!));
  });

  test("equal constants are one initializer; other numbers, shapes and types are others", () => {
    const graph = new Graph("test");
    const one = graph.constant("float32", [1], [0]);
    expect(graph.constant("float32", [1], [0])).toBe(one);
    graph.constant("float32", [1], [-0]);
    graph.constant("float32", [], [0]);
    graph.constant("int64", [1], [0]);
    expect(graph.initializers).toHaveLength(4);
  });

  test("a weight asked for twice is one initializer; seen in another shape it is another", () => {
    const graph = new Graph("test");
    const range = { file: "weights.bin", offset: 64, length: 16 };
    const weight = graph.weight("w", "float32", [2, 2], range);
    expect(graph.weight("w", "float32", [2, 2], range)).toBe(weight);
    expect(graph.weight("w", "float32", [4], range).name).toBe("w_1");
    refused("graph/weight-size", /found 16 bytes, float32 \[3, 2\] has 24/, () => graph.weight("w", "float32", [3, 2], range));
  });
});

describe("branches", () => {
  test("a branch takes an outer value only by capture, through any number of levels", () => {
    const [x] = inputs([2]);
    const outer = x!.graph;
    const inner = outer.branch("then").branch("then");
    expect(silu(inner.capture(x!)).graph).toBe(inner);
    expect(inner.capture(x!)).toBe(inner.capture(x!));
    refused("graph/foreign-value", /QuickGelu|Add/, () => add(inner.capture(x!), x!));
    refused("graph/foreign-value", /does not enclose/, () => outer.branch("else").capture(silu(inner.capture(x!))));
  });

  test("constants of a branch lie in the outermost graph, weights in the branch", () => {
    const graph = new Graph("test");
    const branch = graph.branch("then");
    branch.constant("float32", [1], [2]);
    branch.weight("w", "float32", [1], { file: "weights.bin", offset: 0, length: 4 });
    expect([graph.initializers.length, branch.initializers.length]).toEqual([1, 1]);
  });

  test("an If whose branches differ in a dimension has a symbol there", () => {
    const graph = new Graph("test");
    const [condition, x] = [graph.input("c", "bool", [1]), graph.input("x", "float32", ["S", 4])];
    const none = (branch: Graph): Value => identity(branch.constant("float32", [0, 4], []));
    expect(formatShape(ifElse(condition, "rows", (branch) => silu(branch.capture(x)), none).shape)).toBe("[rows, 4]");
    refused("graph/dtype", /If: x is float32, expected bool/, () => ifElse(x, "rows", none, none));
    refused("graph/branch-input", /y/, () => graph.branch("then").input("y", "float32", [1]));
  });
});

describe("shapes", () => {
  test("symbols go through products, reshapes and joins", () => {
    const [q, k] = inputs(["S", 3, 2, 8], ["T", 3, 1, 8]);
    const scores = matmul(q!, k!, { transposeB: true, rowsFirst: { a: true, b: true } });
    expect(formatShape(scores.shape)).toBe("[3, 2, S, T]");
    expect(formatShape(reshape(q!, [1, "S", 48]).shape)).toBe("[1, S, 48]");
    const [more] = [q!.graph.input("more", "float32", ["S", 3, 1, 8])];
    expect(formatShape(concat([k!, more], 0).shape)).toBe("[T+S, 3, 1, 8]");
    expect(formatShape(transpose(scores, [2, 0, 1, 3]).shape)).toBe("[S, 3, 2, T]");
  });

  test.each<[string, RegExp, readonly (readonly (number | string)[])[], (values: readonly Value[]) => unknown]>([
    [
      "inner dimensions",
      /inner dimension of x0 × x1 is 5, expected 4/,
      [
        [2, 4],
        [3, 5],
      ],
      ([a, b]) => matmul(a!, b!, { transposeB: true }),
    ],
    ["a symbol against another", /S against T/, [["S"], ["T"]], ([a, b]) => mul(a!, b!)],
    ["a reshape that loses numbers", /\[S, 6\] cannot become \[S, 7\]/, [["S", 6]], ([a]) => reshape(a!, ["S", 7])],
    ["a reshape to two unknowns", /cannot become/, [["S", "T"]], ([a]) => reshape(a!, ["T", "S"])],
    ["parts that do not add up", /sum of the parts of x0 is 5, expected 6/, [["S", 6]], ([a]) => split(a!, [2, 3], 1)],
    [
      "a join of unequal sides",
      /dimension 1 of x1 is 3, expected 2/,
      [
        ["S", 2],
        ["T", 3],
      ],
      ([a, b]) => concat([a!, b!], 0),
    ],
    ["more than there are", /TopK: 9 of 8/, [["S", 8]], ([a]) => topK(a!, 9)],
    [
      "rows first in unequal ranks",
      /differ in rank/,
      [
        [2, 3, 4],
        [3, 4],
      ],
      ([a, b]) => matmul(a!, b!, { transposeB: true, rowsFirst: { a: true } }),
    ],
    ["a dimension that cannot stretch", /3 against 4/, [[3]], ([a]) => expand(a!, a!.graph.constant("int64", [1], [4]), [4])],
  ])("%s are refused with what was found", (_, message, shapes, body) => {
    refused("graph/shape-mismatch", message, () => body(inputs(...shapes)));
  });

  test("an axis that does not exist is refused", () => {
    const [x] = inputs(["S", 2]);
    refused("graph/axis", /axis 2/, () => split(x!, [1, 1], 2));
    refused("graph/axis", /0, 0/, () => transpose(x!, [0, 0]));
  });

  test("indices that are not integers are refused", () => {
    const [x] = inputs(["S", 2]);
    refused("graph/dtype", /Gather: x0 is float32, expected int64/, () => gather(x!, x!));
  });

  test("scales that are not one for each row are refused", () => {
    const [scales, wide] = inputs([3], [3, 2]);
    const x = scales!.graph.input("x", "int8", ["S", 4]);
    refused("graph/shape-mismatch", /number of scales in x0 is 3, expected S/, () => dequantize(x, scales!));
    refused("graph/shape-mismatch", /x1 is \[3, 2\], expected 1 dimensions/, () => dequantize(x, wide!));
    refused("graph/dtype", /x0 is float32, expected int8/, () => dequantize(scales!, scales!));
  });

  test("blocks that do not fit the matrix are refused", () => {
    const [x] = inputs(["S", 40]);
    const { graph } = x!;
    const bytes = (name: string, ...shape: number[]): Value => graph.input(name, "uint8", shape);
    const scales = graph.input("scales", "float32", [3, 2]);
    const format = { bits: 8, block: 32 } as const;
    refused("graph/shape-mismatch", /data is \[3, 1, 32\], expected \[3, 2, 32\]/, () =>
      matmulNBits(x!, { data: bytes("data", 3, 1, 32), scales, zeroPoints: null }, [3, 40], { ...format, accuracyLevel: 0 }),
    );
    const ids = graph.input("ids", "int64", ["S"]);
    refused("graph/shape-mismatch", /40 columns are not a multiple of the block 32/, () =>
      gatherBlocks({ data: bytes("rows", 3, 40), scales, zeroPoints: null }, ids, [3, 40], format),
    );
  });
});
