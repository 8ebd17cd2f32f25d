import fc from "fast-check";
import { WireWriter } from "./wire.ts";

function written(body: (writer: WireWriter) => void): number[] {
  const writer = new WireWriter();
  body(writer);
  return [...writer.finish()];
}

/** Reads one varint: [value as signed 64 bits, bytes]. */
function readVarint(bytes: readonly number[]): [bigint, number] {
  let value = 0n;
  for (let at = 0; ; at++) {
    value |= BigInt(bytes[at]! & 0x7f) << BigInt(7 * at);
    if (bytes[at]! < 0x80) return [BigInt.asIntN(64, value), at + 1];
  }
}

test("the examples of the protocol-buffer documentation come out byte for byte", () => {
  expect(written((w) => w.integer(1, 150))).toEqual([0x08, 0x96, 0x01]);
  expect(written((w) => w.text(2, "testing"))).toEqual([0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67]);
  expect(written((w) => w.message(3, (inner) => inner.integer(1, 150)))).toEqual([0x1a, 0x03, 0x08, 0x96, 0x01]);
  expect(written((w) => w.packedIntegers(6, [3, 270, 86942]))).toEqual([0x32, 0x06, 0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05]);
  expect(written((w) => w.float(2, 1))).toEqual([0x15, 0, 0, 0x80, 0x3f]);
});

test("every safe integer comes back, negative ones in ten bytes", () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      const bytes = written((w) => w.integer(1, value));
      const [read, length] = readVarint(bytes.slice(1));
      expect([Number(read), length]).toEqual([value, bytes.length - 1]);
      if (value < 0) expect(length).toBe(10);
    }),
  );
});

test("an empty list writes nothing, an empty text its length", () => {
  expect(written((w) => w.packedIntegers(1, []))).toEqual([]);
  expect(written((w) => w.text(1, ""))).toEqual([0x0a, 0]);
});

test("bytes of any length follow each other whole, in order", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 700 }), { maxLength: 6 }), (chunks) => {
      let bytes = written((w) => chunks.forEach((chunk) => w.bytes(1, chunk)));
      for (const chunk of chunks) {
        const [length, taken] = readVarint(bytes.slice(1));
        expect(bytes.slice(1 + taken, 1 + taken + Number(length))).toEqual([...chunk]);
        bytes = bytes.slice(1 + taken + Number(length));
      }
      expect(bytes).toEqual([]);
    }),
  );
});
