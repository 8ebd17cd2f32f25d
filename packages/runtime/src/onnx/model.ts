/**
 * Graph → bytes of an ONNX file.
 * Law: nothing is decided here; weights in files are written as references (location, offset, length), never read.
 */
import { GraphError } from "../errors.ts";
import type { Attribute, Graph, GraphNode, Initializer, Value, ValueType } from "../graph/graph.ts";
import { elementCount } from "../graph/shape.ts";
import {
  ATTRIBUTE,
  ATTRIBUTE_TYPE,
  DIM,
  DTYPE,
  ENTRY,
  EXTERNAL,
  GRAPH,
  MODEL,
  NODE,
  OPSET,
  SHAPE,
  TENSOR,
  TENSOR_TYPE,
  TYPE,
  VALUE,
} from "./fields.ts";
import { WireWriter } from "./wire.ts";

/** IR version that came with opset 21 (ONNX 1.16); ONNX Runtime 1.30 reads it. */
const IR_VERSION = 10;
const OPSETS = [
  { domain: "", version: 21 },
  { domain: "com.microsoft", version: 1 },
];

/** The graph as a model file. @throws GraphError `graph/branch` when given a branch, `graph/no-output` when it computes nothing. */
export function encodeModel(graph: Graph): Uint8Array {
  if (graph.parent !== null)
    throw new GraphError("graph/branch", `${graph.name} is a branch of ${graph.parent.name}, not a model`, {
      hint: "encode the outermost graph",
    });
  if (graph.outputs.length === 0)
    throw new GraphError("graph/no-output", `graph ${graph.name} has no output`, { hint: "call output() before encoding" });
  const writer = new WireWriter();
  writer.integer(MODEL.irVersion, IR_VERSION);
  writer.text(MODEL.producer, "orrery");
  writer.message(MODEL.graph, (inner) => writeGraph(inner, graph));
  for (const { domain, version } of OPSETS)
    writer.message(MODEL.opset, (inner) => {
      inner.text(OPSET.domain, domain);
      inner.integer(OPSET.version, version);
    });
  return writer.finish();
}

function writeGraph(writer: WireWriter, graph: Graph): void {
  const outputNames = new Map(graph.outputs.map(({ name, value }) => [value, name]));
  const nameOf = (value: Value | null): string => (value === null ? "" : (outputNames.get(value) ?? value.name));
  for (const node of graph.nodes) writer.message(GRAPH.node, (inner) => writeNode(inner, node, nameOf));
  writer.text(GRAPH.name, graph.name);
  for (const initializer of graph.initializers) writer.message(GRAPH.initializer, (inner) => writeTensor(inner, initializer));
  for (const input of graph.inputs) writer.message(GRAPH.input, (inner) => writeValue(inner, input.name, input));
  for (const { name, value } of graph.outputs) writer.message(GRAPH.output, (inner) => writeValue(inner, name, value));
}

function writeNode(writer: WireWriter, node: GraphNode, nameOf: (value: Value | null) => string): void {
  const dot = node.operator.lastIndexOf(".");
  for (const input of node.inputs) writer.text(NODE.input, nameOf(input));
  for (const output of node.outputs) writer.text(NODE.output, nameOf(output));
  writer.text(NODE.name, node.name);
  writer.text(NODE.operator, node.operator.slice(dot + 1));
  for (const [name, attribute] of Object.entries(node.attributes))
    writer.message(NODE.attribute, (inner) => writeAttribute(inner, name, attribute));
  if (dot > 0) writer.text(NODE.domain, node.operator.slice(0, dot));
}

function writeAttribute(writer: WireWriter, name: string, attribute: Attribute): void {
  writer.text(ATTRIBUTE.name, name);
  if ("int" in attribute) {
    writer.integer(ATTRIBUTE.int, attribute.int);
    writer.integer(ATTRIBUTE.type, ATTRIBUTE_TYPE.int);
  } else if ("float" in attribute) {
    writer.float(ATTRIBUTE.float, attribute.float);
    writer.integer(ATTRIBUTE.type, ATTRIBUTE_TYPE.float);
  } else if ("ints" in attribute) {
    writer.packedIntegers(ATTRIBUTE.ints, attribute.ints);
    writer.integer(ATTRIBUTE.type, ATTRIBUTE_TYPE.ints);
  } else if ("text" in attribute) {
    writer.text(ATTRIBUTE.text, attribute.text);
    writer.integer(ATTRIBUTE.type, ATTRIBUTE_TYPE.text);
  } else {
    writer.message(ATTRIBUTE.graph, (inner) => writeGraph(inner, attribute.graph));
    writer.integer(ATTRIBUTE.type, ATTRIBUTE_TYPE.graph);
  }
}

function writeTensor(writer: WireWriter, { value, data }: Initializer): void {
  elementCount(value.shape);
  writer.packedIntegers(TENSOR.dims, value.shape.map(Number));
  writer.integer(TENSOR.dtype, DTYPE[value.dtype]);
  writer.text(TENSOR.name, value.name);
  if (data instanceof Uint8Array) {
    writer.bytes(TENSOR.raw, data);
    return;
  }
  for (const [key, text] of [
    ["location", data.file],
    ["offset", String(data.offset)],
    ["length", String(data.length)],
  ] as const)
    writer.message(TENSOR.externalData, (inner) => {
      inner.text(ENTRY.key, key);
      inner.text(ENTRY.value, text);
    });
  writer.integer(TENSOR.location, EXTERNAL);
}

function writeValue(writer: WireWriter, name: string, { dtype, shape }: ValueType): void {
  writer.text(VALUE.name, name);
  writer.message(VALUE.type, (type) =>
    type.message(TYPE.tensor, (tensor) => {
      tensor.integer(TENSOR_TYPE.dtype, DTYPE[dtype]);
      tensor.message(TENSOR_TYPE.shape, (dims) => {
        for (const dim of shape)
          dims.message(SHAPE.dim, (inner) => {
            if (typeof dim === "number") inner.integer(DIM.value, dim);
            else inner.text(DIM.symbol, dim);
          });
      });
    }),
  );
}
