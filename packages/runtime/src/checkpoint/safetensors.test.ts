import { CheckpointError } from "../errors.ts";
import { readSafetensors } from "./safetensors.ts";
import type { ByteSource } from "./weight-file.ts";

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

test("a tensor may be called __proto__", () => {
  const tensors = readSafetensors(memory(headed(`{"__proto__":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}`, 4)));
  expect([...tensors.keys()]).toEqual(["__proto__"]);
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

test("a file cut anywhere is refused", () => {
  for (let length = 0; length < small.length; length++) {
    const error = errorOf(() => readSafetensors(memory(small.slice(0, length))));
    expect(error.code).toMatch(/^checkpoint\/(truncated|offsets)$/);
    expect(error.hint).toContain("fetch it again");
  }
});
