/**
 * Protocol-buffer wire format, reading. In: the bytes of a message. Out: its fields, in order. Law: a field is a view of the message, never
 * a copy; fields that nobody knows keep their bytes; nothing is read beyond the end, whatever a length says.
 */
import { GraphError } from "../errors.ts";

/** Graphs in graphs, at most; ours are two deep. */
export const MAX_DEPTH = 16;

/** Bytes of the longest varint: 64 bits, 7 a byte. */
const MAX_VARINT_BYTES = 10;

export interface WireField {
  readonly number: number;
  /** The whole field with its tag and length: what to write to keep it as it is. */
  readonly bytes: Uint8Array;
  /** Contents of a length-delimited field (text, bytes, a message); null for numbers. */
  readonly content: Uint8Array | null;
}

/** @throws GraphError `graph/malformed` at the field that breaks the format */
export function* readFields(message: Uint8Array): Generator<WireField> {
  let at = 0;
  while (at < message.length) {
    const start = at;
    const tag = varint(message, at);
    const number = tag.value >>> 3;
    if (number === 0) throw malformed(`field number 0 at byte ${start}`);
    const [from, to] = extent(message, tag.value & 7, tag.end);
    if (to > message.length) throw malformed(`field ${number} at byte ${start} ends at byte ${to} of ${message.length}`);
    at = to;
    yield { number, bytes: message.subarray(start, to), content: from === null ? null : message.subarray(from, to) };
  }
}

/** Where a field's contents begin (null for a number) and where it ends. */
function extent(message: Uint8Array, type: number, at: number): readonly [from: number | null, to: number] {
  switch (type) {
    case 0:
      return [null, varint(message, at).end];
    case 1:
      return [null, at + 8];
    case 2: {
      const length = varint(message, at);
      return [length.end, length.end + length.value];
    }
    case 5:
      return [null, at + 4];
    default:
      throw malformed(`wire type ${type} before byte ${at}, expected 0, 1, 2 or 5`);
  }
}

/** A varint; of a number beyond 2^53 the value is approximate, which no tag and no length that fits can be. */
function varint(message: Uint8Array, start: number): { readonly value: number; readonly end: number } {
  let value = 0;
  for (let i = 0; i < MAX_VARINT_BYTES; i++) {
    const byte = message[start + i];
    if (byte === undefined) throw malformed(`a number at byte ${start} is cut off`);
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { value, end: start + i + 1 };
  }
  throw malformed(`a number at byte ${start} has more than ${MAX_VARINT_BYTES} bytes`);
}

/** An ONNX file that breaks its format. */
export function malformed(what: string): GraphError {
  return new GraphError("graph/malformed", `the ONNX file is malformed: ${what}`, {
    hint: "the file is damaged: copy or export the model again",
  });
}

/** A field's contents as text; "" for a field that is not there. */
export function text(content: Uint8Array | null | undefined): string {
  return content === null || content === undefined ? "" : new TextDecoder().decode(content);
}
