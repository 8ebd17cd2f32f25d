import fc from "fast-check";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { CheckpointError } from "../errors.ts";
import { readSafetensors } from "./safetensors.ts";
import type { ByteSource } from "./weight-file.ts";

const hostile = fileURLToPath(new URL("../../fixtures/checkpoint/hostile/", import.meta.url));

interface Expected {
  readonly kind: string;
  readonly wrong: string;
  readonly names: readonly string[];
}

const expected = JSON.parse(readFileSync(`${hostile}expected.json`, "utf8")) as Record<string, Expected>;
const cases = Object.entries(expected).filter(([name]) => name.startsWith("safetensors/"));

function memory(bytes: Uint8Array, path = "memory.safetensors"): ByteSource {
  return { path, size: bytes.length, read: (position, length) => bytes.slice(position, position + length) };
}

function headed(header: string, data = 0): Uint8Array {
  const text = Buffer.from(header);
  const bytes = Buffer.alloc(8 + text.length + data);
  bytes.writeBigUInt64LE(BigInt(text.length));
  text.copy(bytes, 8);
  return bytes;
}

function errorOf(run: () => unknown): CheckpointError {
  try {
    run();
  } catch (error) {
    if (error instanceof CheckpointError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

test.each(cases)("%s is refused for what is wrong with it, or taken if it is legal", (name, { kind, names }) => {
  const source = memory(readFileSync(hostile + name), name);
  if (kind === "none") {
    expect([...readSafetensors(source).keys()]).toEqual(names);
    return;
  }
  const error = errorOf(() => readSafetensors(source));
  expect(error.code).toBe(`checkpoint/${kind}`);
  expect(error.hint).toBeTruthy();
  for (const word of names) expect(error.message).toContain(word === "file" ? name : word);
});

test("the hostile files are there", () => {
  expect(cases.length).toBeGreaterThan(25);
  for (const [name] of cases) expect(existsSync(hostile + name)).toBe(true);
});

test("a header nested 200,000 deep is refused without a stack overflow, and says where", () => {
  const error = errorOf(() => readSafetensors(memory(headed(`{"a":${"[".repeat(200_000)}${"]".repeat(200_000)}}`))));
  expect(error.code).toBe("checkpoint/bad-json");
  expect(error.message).toContain('"a"');
});

test("a header above the limit is refused before it is read", () => {
  const source: ByteSource = {
    path: "big",
    size: 300_000_000,
    read: (_, length) => {
      if (length !== 8) throw new Error("read on the word of a header");
      return new Uint8Array(new BigUint64Array([200_000_000n]).buffer);
    },
  };
  expect(errorOf(() => readSafetensors(source)).code).toBe("checkpoint/bad-header");
});

test("a name with control characters cannot reach a terminal as such", () => {
  const name = JSON.stringify("\u001b[2J\u009b");
  const error = errorOf(() => readSafetensors(memory(headed(`{${name}:{"dtype":"X","shape":[],"data_offsets":[0,0]}}`))));
  expect(error.message).toContain("\\u001b[2J\\u009b");
  for (const control of ["\u001b", "\u009b"]) expect(error.message).not.toContain(control);
});

test("a scalar and an empty tensor are legal, and so is padding after the header", () => {
  const header = `{"s":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"e":{"dtype":"F16","shape":[0,7],"data_offsets":[4,4]}}      `;
  const tensors = readSafetensors(memory(headed(header, 4)));
  expect(tensors.get("s")).toMatchObject({ type: "F32", shape: [], bytes: 4, offset: header.length + 8 });
  expect(tensors.get("e")).toMatchObject({ shape: [0, 7], bytes: 0 });
});

const small = headed(
  `{"__metadata__":{"format":"pt"},"a.weight":{"dtype":"BF16","shape":[2,3],"data_offsets":[8,20]},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`,
  20,
);

test("with any byte of the header changed to any other the file opens or is refused as a checkpoint", () => {
  for (let at = 0; at < small.length - 20; at++) {
    for (const flip of [0x01, 0x02, 0x10, 0x20, 0x80, 0xff]) {
      const bytes = Uint8Array.from(small);
      bytes[at]! ^= flip;
      try {
        readSafetensors(memory(bytes));
      } catch (error) {
        if (!(error instanceof CheckpointError)) throw error;
      }
    }
  }
});

test("any bytes at all open or are refused as a checkpoint", () => {
  const json = fc.json({ maxDepth: 4 }).map((text) => headed(text, 8));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), json), (bytes) => {
      try {
        readSafetensors(memory(bytes));
      } catch (error) {
        if (!(error instanceof CheckpointError)) throw error;
      }
    }),
    { numRuns: 500 },
  );
});

test("a file cut anywhere is refused", () => {
  for (let length = 0; length < small.length; length++) {
    const error = errorOf(() => readSafetensors(memory(small.slice(0, length))));
    expect(error.code).toMatch(/^checkpoint\/(truncated|offsets)$/);
    expect(error.hint).toContain("fetch it again");
  }
});
