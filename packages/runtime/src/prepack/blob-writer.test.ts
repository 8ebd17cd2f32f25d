/** Arrays of any sizes, each on a page of its own. */
import { createHash } from "node:crypto";
import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { BlobWriter } from "./blob-writer.ts";
import { PAGE } from "./packed-weights.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "orrery-blobs-"));
});
afterAll(() => rm(directory, { recursive: true }));

test("every array lies on a page with the bytes it had, in the order it came", async () => {
  const source = Uint8Array.from({ length: 9 * 2 ** 20 + 5 }, (_, i) => ((i * 31) ^ (i >> 8) ^ (i >> 16)) & 255);
  const from = join(directory, "source.bin");
  await writeFile(from, source);
  const range = fc.record({ offset: fc.integer({ min: 0, max: 50_000 }), length: fc.integer({ min: 1, max: 30_000 }) });
  const file = await open(from);
  await fc.assert(
    fc.asyncProperty(fc.array(range, { maxLength: 8 }), fc.boolean(), async (small, whole) => {
      const path = join(directory, "blobs.bin");
      await rm(path, { force: true });
      const ranges = [...small, ...(whole ? [{ offset: 0, length: source.length }] : [])]; // more than is copied at once
      const writer = await BlobWriter.create(path);
      const copied = [];
      for (const each of ranges) copied.push(await writer.copy(file, each));
      const { bytes, sha256 } = await writer.finish();
      await writer.close();
      const made = await readFile(path);
      for (const [i, { offset, length }] of copied.entries()) {
        expect(offset % PAGE).toBe(0);
        expect(
          made.subarray(offset, offset + length).equals(source.subarray(ranges[i]!.offset, ranges[i]!.offset + ranges[i]!.length)),
        ).toBe(true);
      }
      expect([bytes, sha256]).toEqual([made.length, createHash("sha256").update(made).digest("hex")]);
      expect(made.length).toBeLessThanOrEqual(ranges.reduce((sum, { length }) => sum + length + PAGE, 0));
    }),
    { numRuns: 30 },
  );
  await file.close();
});

test("an array that is not all there is refused", async () => {
  const path = join(directory, "short.bin");
  await writeFile(path, "short");
  const file = await open(path);
  const writer = await BlobWriter.create(join(directory, "refused.bin"));
  await expect(writer.copy(file, { offset: 0, length: 6 })).rejects.toThrow("ends before byte 6");
  await Promise.all([file.close(), writer.close()]);
});
