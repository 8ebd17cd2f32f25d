/**
 * The nodes of a model that have large weights, as small models. In: the bytes of a model. Out: models of some of those nodes each, with
 * the weights that they name. Law: a node is copied byte for byte; what other nodes give it becomes an input of float32. A slice computes
 * nothing of use: the engine prepares its weights as it does the whole model's, in the memory of a slice.
 */
import { readTensor } from "./external-data.ts";
import { ATTRIBUTE, DTYPE, GRAPH, MODEL, NODE, TENSOR_TYPE, TYPE, VALUE } from "./fields.ts";
import { malformed, MAX_DEPTH, readFields, text, type WireField } from "./wire-reader.ts";
import { WireWriter } from "./wire.ts";

export interface SliceOptions {
  /** Nodes of these operators are taken. */
  readonly operators: ReadonlySet<string>;
  /** Nodes are taken that have a weight of at least so many bytes in another file. */
  readonly atLeast: number;
  /** Bytes of weights in a slice, unless a single node has more. */
  readonly bytes: number;
}

interface Initializer {
  /** The message. */
  readonly content: Uint8Array;
  /** Bytes in another file. */
  readonly externalBytes: number;
}

/** What a graph and those around it define. */
type Scope = ReadonlyMap<string, Initializer>;

interface WeightNode {
  /** The message. */
  readonly content: Uint8Array;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly weights: ReadonlyMap<string, Initializer>;
  readonly bytes: number;
}

/** Slices that together have every such node, branches included. @throws GraphError `graph/malformed` */
export function* weightSlices(model: Uint8Array, options: SliceOptions): Generator<Uint8Array> {
  let slice: WeightNode[] = [];
  let names = new Set<string>();
  let bytes = 0;
  for (const field of readFields(model)) {
    if (field.number !== MODEL.graph || field.content === null) continue;
    for (const node of nodesOf(field.content, new Map(), options, 0)) {
      // Branches may use a name again, for something else.
      const taken = node.outputs.some((name) => names.has(name)) || [...node.weights.keys()].some((name) => names.has(name));
      if (slice.length > 0 && (taken || bytes + node.bytes > options.bytes)) {
        yield encodeSlice(model, slice);
        [slice, names, bytes] = [[], new Set(), 0];
      }
      slice.push(node);
      for (const name of [...node.outputs, ...node.weights.keys()]) names.add(name);
      bytes += node.bytes;
    }
  }
  if (slice.length > 0) yield encodeSlice(model, slice);
}

function* nodesOf(graph: Uint8Array, outer: Scope, options: SliceOptions, depth: number): Generator<WeightNode> {
  if (depth > MAX_DEPTH) throw malformed(`branches are nested more than ${MAX_DEPTH} deep`);
  const fields = [...readFields(graph)];
  const scope = new Map(outer);
  for (const content of contents(fields, GRAPH.initializer)) {
    const { name, externalBytes } = readTensor(content);
    scope.set(name, { content, externalBytes });
  }
  for (const content of contents(fields, GRAPH.node)) {
    const node = [...readFields(content)];
    if (options.operators.has(text(contents(node, NODE.operator)[0]))) {
      const weightNode = asWeightNode(content, node, scope);
      const largest = Math.max(0, ...[...weightNode.weights.values()].map(({ externalBytes }) => externalBytes));
      if (largest >= options.atLeast) yield weightNode;
    }
    for (const attribute of contents(node, NODE.attribute)) {
      const inner = [...readFields(attribute)];
      for (const branch of [...contents(inner, ATTRIBUTE.graph), ...contents(inner, ATTRIBUTE.graphs)])
        yield* nodesOf(branch, scope, options, depth + 1);
    }
  }
}

function asWeightNode(content: Uint8Array, fields: readonly WireField[], scope: Scope): WeightNode {
  const inputs = contents(fields, NODE.input).map(text);
  const weights = new Map(inputs.flatMap((name) => (scope.has(name) ? [[name, scope.get(name)!] as const] : [])));
  const bytes = [...weights.values()].reduce((sum, { externalBytes }) => sum + externalBytes, 0);
  return { content, inputs, outputs: contents(fields, NODE.output).map(text), weights, bytes };
}

/** The model's own versions and operator sets around a graph of these nodes. */
function encodeSlice(model: Uint8Array, nodes: readonly WeightNode[]): Uint8Array {
  const writer = new WireWriter();
  for (const { number, bytes } of readFields(model)) if (number !== MODEL.graph) writer.encoded(bytes);
  writer.message(MODEL.graph, (graph) => {
    graph.text(GRAPH.name, "slice");
    const given = new Set<string>();
    for (const { content, inputs, outputs, weights } of nodes) {
      graph.bytes(GRAPH.node, content);
      for (const weight of weights.values()) graph.bytes(GRAPH.initializer, weight.content);
      for (const name of inputs) if (name !== "" && !weights.has(name)) given.add(name);
      for (const name of outputs) if (name !== "") writeFloats(graph, GRAPH.output, name);
    }
    for (const name of given) writeFloats(graph, GRAPH.input, name);
  });
  return writer.finish();
}

/** A value of float32 and any shape. */
function writeFloats(graph: WireWriter, field: number, name: string): void {
  graph.message(field, (value) => {
    value.text(VALUE.name, name);
    value.message(VALUE.type, (type) => type.message(TYPE.tensor, (tensor) => tensor.integer(TENSOR_TYPE.dtype, DTYPE.float32)));
  });
}

function contents(fields: readonly WireField[], number: number): Uint8Array[] {
  return fields.flatMap((field) => (field.number === number && field.content !== null ? [field.content] : []));
}
