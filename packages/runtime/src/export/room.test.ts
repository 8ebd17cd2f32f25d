import { tmpdir } from "node:os";
import { availableMemory, checkDisk, checkMemory, writingMemory } from "./room.ts";

test("too little disk is refused, and the error says by how much", async () => {
  await checkDisk(tmpdir(), 1);
  const error = await checkDisk(tmpdir(), 2 ** 60).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    name: "ShortageError",
    code: "export/disk-full",
    message: expect.stringMatching(/needs \d+ bytes, \d+ are free at .*: \d+ too few/),
    needed: 2 ** 60,
  });
  const { needed, available, missing } = error as { needed: number; available: number; missing: number };
  expect(missing).toBe(needed - available);
});

test("too little memory is refused, and the error says by how much", () => {
  checkMemory(availableMemory() / 2);
  expect(() => checkMemory(1000, 400)).toThrow(
    expect.objectContaining({ code: "export/low-memory", needed: 1000, available: 400, missing: 600 }),
  );
});

test("the memory of writing does not grow with the weights, only with their scales and the writers", () => {
  const file = (data: number, scales: number): Parameters<typeof writingMemory>[0][number] => ({
    name: "w",
    bytes: data + scales,
    weights: [
      {
        spec: { name: "w", role: "matrix", shape: [1, 1], parts: [] },
        storage: { kind: "quantized", bits: 8, block: 128, bytes: { data, scales, zeroPoints: 0 } },
        stored: { kind: "float32", shape: [1, 1], data: { file: "w", offset: 0, length: 0 } },
      },
    ],
  });
  expect(writingMemory([file(1e12, 10)], 1)).toBe(writingMemory([file(1, 10)], 1));
  expect(writingMemory([file(1, 1010)], 1) - writingMemory([file(1, 10)], 1)).toBe(2000);
  expect(writingMemory([file(1, 1)], 4)).toBeGreaterThan(3 * writingMemory([file(1, 1)], 1));
});
