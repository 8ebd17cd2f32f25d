import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { slicesOf, type PlacedWeight } from "../weights/storage.ts";
import type { FileRange } from "../weights/weight.ts";
import { writeDataFile } from "./data-file.ts";
import { planDataFiles, type DataFile } from "./plan.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "orrery-data-file-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** A file of two float32 weights: of `first` and of 2 numbers. */
function plan(first: number): DataFile {
  const [file] = planDataFiles(
    [first, 2].map((columns, i) => ({
      spec: { name: `w${i}`, role: "exact", shape: [1, columns], parts: [] },
      storage: { kind: "float32", bytes: 4 * columns },
    })),
  );
  return file!;
}

/** Where the one array of a float32 weight lies. */
function placeOf(weight: PlacedWeight): FileRange {
  return slicesOf(weight)[0]!.stored.data;
}

async function* chunks(bytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes; at += 1000) yield new Uint8Array(Math.min(1000, bytes - at)).fill(at / 1000 + 1);
}

test("size and hash are those of the contents, gaps included; every byte is reported with its weight", async () => {
  const file = plan(300);
  const told = new Map<string, number>();
  const entry = await writeDataFile(
    directory,
    file,
    (weight, sink) => sink.write(placeOf(weight), chunks(placeOf(weight).length)),
    (bytes, weight) => told.set(weight, (told.get(weight) ?? 0) + bytes),
  );
  const content = await readFile(join(directory, file.name));
  expect(entry).toEqual({ name: "weights-0.bin", bytes: content.length, sha256: createHash("sha256").update(content).digest("hex") });
  expect([content.length, content[0], content[1199], content[1200], content[1216]]).toEqual([1216 + 8, 1, 2, 0, 1]);
  expect([...told]).toEqual([
    ["w0", 1200],
    ["w1", 24], // with the gap before it
  ]);
});

test("what a cut-off attempt left is overwritten, and nothing of it stays", async () => {
  const file = plan(1);
  await writeFile(join(directory, file.name), new Uint8Array(5000).fill(255));
  const entry = await writeDataFile(
    directory,
    file,
    (weight, sink) => sink.write(placeOf(weight), chunks(placeOf(weight).length)),
    () => {},
  );
  expect((await readFile(join(directory, file.name))).length).toBe(entry.bytes);
});

test("an array of another length than planned is an error", async () => {
  const short = writeDataFile(
    directory,
    plan(300),
    (weight, sink) => sink.write(placeOf(weight), chunks(placeOf(weight).length - 4)),
    () => {},
  );
  await expect(short).rejects.toMatchObject({ code: "export/wrong-length" });
});
