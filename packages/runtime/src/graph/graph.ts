/**
 * A dataflow graph under construction. In: inputs, weights, nodes (through the ops). Out: a plain description that onnx/ writes.
 * Law: edges are values, never names; a value belongs to one graph, and a node takes only values of its own graph. A branch of an
 * `If` is a graph with a parent, which takes a value of an outer graph only through `capture`.
 */
import { GraphError } from "../errors.ts";
import type { FileRange } from "../weights/weight.ts";
import { DTYPE_BYTES, type Dtype } from "./dtype.ts";
import { elementCount, formatShape, type Shape } from "./shape.ts";

/** Number type and shape. */
export interface ValueType {
  readonly dtype: Dtype;
  readonly shape: Shape;
}

/** An edge: what one node (or input, or weight) gives and others take. Made by a graph. */
export class Value implements ValueType {
  readonly graph: Graph;
  /** Unique among a graph and its branches; for diagnostics and for the file. */
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: Shape;
  constructor(graph: Graph, name: string, type: ValueType) {
    this.graph = graph;
    this.name = name;
    this.dtype = type.dtype;
    this.shape = type.shape;
  }
}

/** A constant of a node. */
export type Attribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly ints: readonly number[] }
  | { readonly text: string }
  | { readonly graph: Graph };

/** By ONNX name. */
export type Attributes = Readonly<Record<string, Attribute>>;

/** One operator with what it takes and gives. */
export interface GraphNode {
  readonly name: string;
  /** ONNX operator, with its domain where it is not ONNX's own: `com.microsoft.MatMulNBits`. */
  readonly operator: string;
  /** null: an optional input left out. */
  readonly inputs: readonly (Value | null)[];
  /** null: an optional output nobody wants. */
  readonly outputs: readonly (Value | null)[];
  readonly attributes: Attributes;
}

/** A tensor known when the graph is built: bytes of a file beside the model, or (small ones) bytes in the model. */
export interface Initializer {
  readonly value: Value;
  readonly data: FileRange | Uint8Array;
}

/** A graph in the making, or a branch of one. Nodes are kept in the order they were made, so inputs come before their users. */
export class Graph {
  readonly name: string;
  readonly parent: Graph | null;
  readonly #inputs: Value[] = [];
  readonly #outputs: { readonly name: string; readonly value: Value }[] = [];
  readonly #nodes: GraphNode[] = [];
  readonly #initializers: Initializer[] = [];
  /** Constants by their numbers, weights by their range: what is asked for twice is made once. */
  readonly #shared = new Map<string, Value>();
  readonly #captured = new Map<Value, Value>();
  /** Names taken, with the next number to try; one table for a graph and its branches, since ONNX forbids a branch to shadow. */
  readonly #taken: Map<string, number>;
  #scope: string;

  constructor(name: string, parent: Graph | null = null) {
    this.name = name;
    this.parent = parent;
    this.#taken = parent === null ? new Map() : parent.#taken;
    this.#scope = parent === null ? "" : `${parent.#scope}${name}.`;
  }

  get inputs(): readonly Value[] {
    return this.#inputs;
  }
  get outputs(): readonly { readonly name: string; readonly value: Value }[] {
    return this.#outputs;
  }
  /** In the order they were made, which is an order in which they can run. */
  get nodes(): readonly GraphNode[] {
    return this.#nodes;
  }
  get initializers(): readonly Initializer[] {
    return this.#initializers;
  }

  /** Names of what `body` makes begin with `name` and a dot; scopes nest. */
  scope<T>(name: string, body: () => T): T {
    const outer = this.#scope;
    this.#scope = `${outer}${name}.`;
    try {
      return body();
    } finally {
      this.#scope = outer;
    }
  }

  /** A tensor that each run is given. @throws GraphError `graph/duplicate-name` */
  input(name: string, dtype: Dtype, shape: Shape): Value {
    if (this.parent !== null)
      throw new GraphError("graph/branch-input", `branch ${this.name} cannot have an input (${name}): capture a value instead`, {
        hint: "declare it in the outermost graph and take it through capture()",
      });
    const value = new Value(this, this.#claim(name), { dtype, shape });
    this.#inputs.push(value);
    return value;
  }

  /**
   * An input that whoever needs it asks for: the first to ask declares it in the outermost graph, and branches capture it.
   * @throws GraphError `graph/duplicate-name`
   */
  sharedInput(name: string, dtype: Dtype, shape: Shape): Value {
    if (this.parent !== null) return this.capture(this.parent.sharedInput(name, dtype, shape));
    return this.#once(`input ${name}`, () => this.input(name, dtype, shape));
  }

  /**
   * Names `value` as a result. A value is at most one output, and is made by a node (an input or weight goes through `identity`).
   * @throws GraphError `graph/duplicate-name`, `graph/foreign-value`, `graph/output`
   */
  output(name: string, value: Value): void {
    this.#own(value, `output ${name}`);
    if (this.#outputs.some((output) => output.value === value) || !this.#nodes.some((node) => node.outputs.includes(value)))
      throw new GraphError("graph/output", `${value.name} cannot be the output ${name}`, { hint: "pass it through identity() first" });
    this.#outputs.push({ name: this.#claim(name), value });
  }

  /**
   * A weight. `data` lies in a file beside the model, or is kept in the model itself (little-endian; keep that for small tables).
   * Asked for again with the same name, dtype, shape and range, the graph gives the same value.
   * @throws GraphError `graph/weight-size`
   */
  weight(name: string, dtype: Dtype, shape: Shape, data: FileRange | Uint8Array): Value {
    const expected = elementCount(shape) * DTYPE_BYTES[dtype];
    if (data.length !== expected)
      throw new GraphError("graph/weight-size", `${name}: found ${data.length} bytes, ${dtype} ${formatShape(shape)} has ${expected}`, {
        hint: "correct the shape or the data",
      });
    if (data instanceof Uint8Array) return this.#initializer(name, { dtype, shape }, data);
    const key = `${name} ${dtype} ${shape.join("×")} ${data.file}@${data.offset}`;
    return this.#once(key, () => this.#initializer(name, { dtype, shape }, data));
  }

  /**
   * A small constant in the model. The same constant is made once, in the outermost graph, and captured by branches.
   * @throws GraphError `graph/weight-size`
   */
  constant(dtype: "float32" | "int64", shape: Shape, numbers: readonly number[]): Value {
    if (this.parent !== null) return this.capture(this.parent.constant(dtype, shape, numbers));
    if (numbers.length !== elementCount(shape))
      throw new GraphError(
        "graph/weight-size",
        `constant: found ${numbers.length} numbers, ${formatShape(shape)} has ${elementCount(shape)}`,
        { hint: "correct the shape or the numbers" },
      );
    const key = `constant ${dtype} ${shape.join("×")} ${numbers.map((number) => (Object.is(number, -0) ? "-0" : number)).join()}`;
    return this.#once(key, () => {
      const array = dtype === "float32" ? new Float32Array(numbers) : new BigInt64Array(numbers.map((number) => BigInt(number)));
      return this.#initializer("constant", { dtype, shape }, new Uint8Array(array.buffer));
    });
  }

  /** A node with one output. The ops call it after checking; `operator` names its domain where it is not ONNX's own. */
  node(operator: string, inputs: readonly (Value | null)[], output: ValueType, attributes: Attributes = {}): Value {
    return this.nodeWithOutputs(operator, inputs, [output], attributes)[0]!;
  }

  /** A node with several outputs; null leaves one out, and is left out of the answer. @throws GraphError `graph/foreign-value` */
  nodeWithOutputs(
    operator: string,
    inputs: readonly (Value | null)[],
    outputs: readonly (ValueType | null)[],
    attributes: Attributes,
  ): Value[] {
    for (const input of inputs) if (input !== null) this.#own(input, operator);
    const name = this.#unique(`${this.#scope}${operator.slice(operator.lastIndexOf(".") + 1)}`);
    const made = outputs.map((type, index) =>
      type === null ? null : new Value(this, outputs.length === 1 ? name : `${name}:${index}`, type),
    );
    this.#nodes.push({ name, operator, inputs, outputs: made, attributes });
    return made.filter((value) => value !== null);
  }

  /** A graph for one branch of an `If` in this graph. Its weights are its own; everything else of the outer graphs it captures. */
  branch(name: string): Graph {
    return new Graph(name, this);
  }

  /** A value of an outer graph as a value of this one. No node, no copy. @throws GraphError `graph/foreign-value` */
  capture(outer: Value): Value {
    if (outer.graph === this) return outer;
    const known = this.#captured.get(outer);
    if (known !== undefined) return known;
    let ancestor = this.parent;
    while (ancestor !== null && ancestor !== outer.graph) ancestor = ancestor.parent;
    if (ancestor === null)
      throw new GraphError(
        "graph/foreign-value",
        `${outer.name} belongs to graph ${outer.graph.name}, which does not enclose ${this.name}`,
        { hint: "use values of this graph, or capture from one around it" },
      );
    const value = new Value(this, outer.name, outer);
    this.#captured.set(outer, value);
    return value;
  }

  #initializer(name: string, type: ValueType, data: FileRange | Uint8Array): Value {
    const value = new Value(this, this.#unique(name), type);
    this.#initializers.push({ value, data });
    return value;
  }

  #once(key: string, make: () => Value): Value {
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    const value = make();
    this.#shared.set(key, value);
    return value;
  }

  #own(value: Value, user: string): void {
    if (value.graph !== this)
      throw new GraphError("graph/foreign-value", `${user} in graph ${this.name} got ${value.name}, a value of graph ${value.graph.name}`, {
        hint: "in a branch, take outer values through capture()",
      });
  }

  #claim(name: string): string {
    if (this.#taken.has(name))
      throw new GraphError("graph/duplicate-name", `the name ${name} is taken in graph ${this.name}`, { hint: "choose another name" });
    this.#taken.set(name, 1);
    return name;
  }

  /** `name`, or `name_1`, `name_2`, … if it is taken. ORT refuses two nodes with one name, and two values. */
  #unique(name: string): string {
    let candidate = name;
    while (this.#taken.has(candidate)) {
      const next = this.#taken.get(name)!;
      this.#taken.set(name, next + 1);
      candidate = `${name}_${next}`;
    }
    return this.#claim(candidate);
  }
}
