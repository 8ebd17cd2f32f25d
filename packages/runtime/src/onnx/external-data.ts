/**
 * References of an ONNX file to data in other files. In: the bytes of a model. Out: its references, or the model with others. Law: all but
 * the references is kept byte for byte; branches are gone through like the graph that they stand in.
 */
import { ATTRIBUTE, ENTRY, GRAPH, MODEL, NODE, TENSOR } from "./fields.ts";
import { malformed, MAX_DEPTH, readFields, text, type WireField } from "./wire-reader.ts";
import { WireWriter } from "./wire.ts";

/** Bytes of a file. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/** A weight as ONNX Runtime packed it: the key is made of a hash of the packed bytes. */
export interface PackedEntry {
  readonly key: string;
  readonly blobs: readonly ByteRange[];
}

/** An initializer whose data lies in another file. */
export interface ExternalTensor {
  readonly name: string;
  /** Whether it stands in a branch. */
  readonly nested: boolean;
  /** The file, relative to the model's directory. */
  readonly location: string;
  readonly range: ByteRange;
  readonly packed: readonly PackedEntry[];
}

/** What {@link rewriteExternal} may change of a reference. */
export type Reference = Omit<ExternalTensor, "name" | "nested">;

/** All references, in the order of the file. @throws GraphError `graph/malformed` */
export function readExternal(model: Uint8Array): ExternalTensor[] {
  const found: ExternalTensor[] = [];
  rewriteExternal(model, (tensor) => {
    found.push(tensor);
    return tensor;
  });
  return found;
}

/** The model with each reference replaced by what `change` makes of it. @throws GraphError `graph/malformed` */
export function rewriteExternal(model: Uint8Array, change: (tensor: ExternalTensor) => Reference): Uint8Array {
  const tensor =
    (nested: boolean): Rewrite =>
    (content) =>
      rewriteTensor(content, nested, change);
  const attribute = (depth: number): Rewrite => inside({ [ATTRIBUTE.graph]: graph(depth + 1), [ATTRIBUTE.graphs]: graph(depth + 1) });
  const graph =
    (depth: number): Rewrite =>
    (content) => {
      if (depth > MAX_DEPTH) throw malformed(`branches are nested more than ${MAX_DEPTH} deep`);
      return inside({ [GRAPH.node]: inside({ [NODE.attribute]: attribute(depth) }), [GRAPH.initializer]: tensor(depth > 0) })(content);
    };
  return inside({ [MODEL.graph]: graph(0) })(model);
}

type Rewrite = (content: Uint8Array) => Uint8Array;

/** Rewrites a message's fields of the given numbers, and keeps all others. */
function inside(fields: Readonly<Record<number, Rewrite>>): Rewrite {
  return (message) => {
    const writer = new WireWriter();
    let changed = false;
    for (const { number, bytes, content } of readFields(message)) {
      const rewrite = fields[number];
      const rewritten = rewrite === undefined || content === null ? content : rewrite(content);
      if (rewritten === content || rewritten === null) writer.encoded(bytes);
      else {
        writer.bytes(number, rewritten);
        changed = true;
      }
    }
    return changed ? writer.finish() : message;
  };
}

function rewriteTensor(content: Uint8Array, nested: boolean, change: (tensor: ExternalTensor) => Reference): Uint8Array {
  const fields = [...readFields(content)];
  const tensor = externalTensor(fields, nested);
  const changed = tensor === null ? null : change(tensor);
  if (changed === null || changed === tensor) return content;
  const writer = new WireWriter();
  for (const field of fields) if (field.number !== TENSOR.externalData) writer.encoded(field.bytes);
  for (const [key, value] of entries(changed))
    writer.message(TENSOR.externalData, (entry) => {
      entry.text(ENTRY.key, key);
      entry.text(ENTRY.value, value);
    });
  return writer.finish();
}

/** An initializer's name, and the bytes of it that lie in another file. @throws GraphError `graph/malformed` */
export function readTensor(content: Uint8Array): { readonly name: string; readonly externalBytes: number } {
  const fields = [...readFields(content)];
  return { name: nameOf(fields), externalBytes: externalTensor(fields, false)?.range.length ?? 0 };
}

/** The reference that a tensor's fields hold; null when its data is its own. */
function externalTensor(fields: readonly WireField[], nested: boolean): ExternalTensor | null {
  const pairs = fields.filter(({ number }) => number === TENSOR.externalData).map(({ content }) => readEntry(content));
  if (pairs.length === 0) return null;
  const value = (wanted: string): string | undefined => pairs.find(([key]) => key === wanted)?.[1];
  const name = nameOf(fields);
  return {
    name,
    nested,
    location: value("location") ?? "",
    range: { offset: wholeNumber(value("offset") ?? "0", name), length: wholeNumber(value("length") ?? "", name) },
    packed: pairs.filter(([key]) => key.startsWith("prepacked")).map(([, entry]) => readPacked(entry, name)),
  };
}

function nameOf(fields: readonly WireField[]): string {
  return text(fields.find(({ number }) => number === TENSOR.name)?.content);
}

function readEntry(content: Uint8Array | null): readonly [key: string, value: string] {
  const fields = [...readFields(content ?? new Uint8Array(0))];
  const field = (wanted: number): string => text(fields.find(({ number }) => number === wanted)?.content);
  return [field(ENTRY.key), field(ENTRY.value)];
}

/** ONNX Runtime's form: key, then offset;length;checksum of each blob, all divided by bars. The checksum is always 0. */
function readPacked(entry: string, tensor: string): PackedEntry {
  const [key, ...blobs] = entry.split("|");
  return {
    key: key!,
    blobs: blobs.map((blob) => {
      const [offset, length] = blob.split(";");
      return { offset: wholeNumber(offset!, tensor), length: wholeNumber(length ?? "", tensor) };
    }),
  };
}

function* entries({ location, range, packed }: Reference): Generator<readonly [key: string, value: string]> {
  yield ["location", location];
  yield ["offset", String(range.offset)];
  yield ["length", String(range.length)];
  for (const [i, { key, blobs }] of packed.entries())
    yield [`prepacked_${i}`, [key, ...blobs.map(({ offset, length }) => `${offset};${length};0`)].join("|")];
}

function wholeNumber(digits: string, tensor: string): number {
  const value = Number(digits);
  if (!/^\d{1,16}$/.test(digits) || !Number.isSafeInteger(value))
    throw malformed(`the reference of ${tensor} has ${JSON.stringify(digits.slice(0, 40))} where a number of bytes should be`);
  return value;
}
