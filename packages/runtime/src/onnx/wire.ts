/**
 * Protocol-buffer wire format, writing only. In: field numbers and values. Out: bytes.
 * Law: what is written is never changed; a message inside a message is written apart and then copied in with its length.
 */

const VARINT = 0;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

const utf8 = new TextEncoder();

export class WireWriter {
  #bytes = new Uint8Array(256);
  #length = 0;

  /** The bytes so far. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** int64 field (negative numbers take ten bytes, as the format says). `value` is a safe integer. */
  integer(field: number, value: number): void {
    this.#tag(field, VARINT);
    this.#varint(BigInt.asUintN(64, BigInt(value)));
  }

  /** float field. */
  float(field: number, value: number): void {
    this.#tag(field, FIXED32);
    const at = this.#reserve(4);
    new DataView(this.#bytes.buffer).setFloat32(at, value, true);
  }

  /** Fields that are encoded already, such as the `bytes` of a field that was read. */
  encoded(fields: Uint8Array): void {
    const at = this.#reserve(fields.length);
    this.#bytes.set(fields, at);
  }

  text(field: number, value: string): void {
    this.bytes(field, utf8.encode(value));
  }

  bytes(field: number, value: Uint8Array): void {
    this.#tag(field, LENGTH_DELIMITED);
    this.#varint(BigInt(value.length));
    const at = this.#reserve(value.length);
    this.#bytes.set(value, at);
  }

  /** A message in a message, written by `body`. */
  message(field: number, body: (writer: WireWriter) => void): void {
    const inner = new WireWriter();
    body(inner);
    this.bytes(field, inner.finish());
  }

  /** Repeated int64, packed; nothing when empty. */
  packedIntegers(field: number, values: readonly number[]): void {
    if (values.length === 0) return;
    const inner = new WireWriter();
    for (const value of values) inner.#varint(BigInt.asUintN(64, BigInt(value)));
    this.bytes(field, inner.finish());
  }

  #tag(field: number, type: number): void {
    this.#varint(BigInt(field * 8 + type));
  }

  #varint(value: bigint): void {
    let rest = value;
    for (; rest >= 0x80n; rest >>= 7n) this.#byte(Number(rest & 0x7fn) | 0x80);
    this.#byte(Number(rest));
  }

  #byte(value: number): void {
    const at = this.#reserve(1);
    this.#bytes[at] = value;
  }

  /** Makes room for `count` bytes and returns where they start. It may replace `#bytes`, so call it before reading that. */
  #reserve(count: number): number {
    const start = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    return start;
  }
}
