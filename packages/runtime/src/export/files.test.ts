import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MANIFEST_FILE } from "../manifest.ts";
import { ExportDirectory } from "./files.ts";

let parent: string;
let target: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "orrery-files-"));
  target = join(parent, "model");
});
afterEach(() => rm(parent, { recursive: true, force: true }));

function create(overwrite = false): Promise<ExportDirectory> {
  return ExportDirectory.create(target, { bytes: 1000, overwrite });
}

async function* zeros(bytes: number): AsyncGenerator<Uint8Array> {
  const chunk = new Uint8Array(2 ** 22);
  for (let left = bytes; left > 0; left -= chunk.length) yield chunk.subarray(0, Math.min(left, chunk.length));
}

async function* single(...bytes: number[]): AsyncGenerator<Uint8Array> {
  yield Uint8Array.from(bytes);
}

test("nothing is at the target before commit, everything after", async () => {
  const directory = await create();
  await directory.write(3, single(1, 2, 3));
  await expect(stat(target)).rejects.toThrow("ENOENT");
  await directory.endData();
  await directory.writeFile("note.txt", "hello");
  await directory.commit();
  expect(await readdir(parent)).toEqual(["model"]);
  expect((await readdir(target)).sort()).toEqual(["note.txt", "weights-0.bin"]);
});

test("small arrays start on cache lines, large ones on pages", async () => {
  const directory = await create();
  const offsets = [];
  for (const bytes of [3, 100, 2 ** 16, 5]) offsets.push((await directory.write(bytes, zeros(bytes))).offset);
  expect(offsets).toEqual([0, 64, 4096, 4096 + 2 ** 16]);
  await directory.discard();
});

test("an array that does not fit goes whole into the next file, and one beyond the limit has its own", async () => {
  const directory = await create();
  const [medium, huge] = [50 * 2 ** 20, 91 * 2 ** 20];
  const files = [];
  for (const bytes of [medium, medium, 3, huge, 3]) files.push((await directory.write(bytes, zeros(bytes))).file);
  expect(files).toEqual(["weights-0.bin", "weights-1.bin", "weights-1.bin", "weights-2.bin", "weights-3.bin"]);
  await directory.commit();
  const sizes = directory.files.map(({ bytes }) => bytes);
  expect(sizes.filter((_, i) => i !== 2).every((bytes) => bytes <= 90 * 2 ** 20)).toBe(true);
});

test("the hash and size of every file are those of its contents", async () => {
  const directory = await create();
  await directory.write(3, single(1, 2, 3));
  await directory.write(2, single(4, 5));
  await directory.endData();
  await directory.writeFile("note.txt", "hellö");
  await directory.commit();
  for (const { name, bytes, sha256 } of directory.files) {
    const content = await readFile(join(target, name));
    expect({ bytes, sha256 }).toEqual({ bytes: content.length, sha256: createHash("sha256").update(content).digest("hex") });
  }
});

test("an array of another length than announced is an error", async () => {
  const directory = await create();
  await expect(directory.write(4, single(1, 2, 3))).rejects.toMatchObject({ code: "export/wrong-length" });
  await directory.discard();
});

test("discard leaves nothing", async () => {
  const directory = await create();
  await directory.write(3, single(1, 2, 3));
  await directory.discard();
  expect(await readdir(parent)).toEqual([]);
});

describe("a target that exists", () => {
  test("an empty directory is used", async () => {
    await mkdir(target);
    const directory = await create();
    await directory.writeFile("note.txt", "new");
    await directory.commit();
    expect(await readdir(target)).toEqual(["note.txt"]);
  });

  test("a directory with something in it is refused", async () => {
    await mkdir(target);
    await writeFile(join(target, MANIFEST_FILE), "{}");
    await expect(create()).rejects.toMatchObject({ code: "export/exists" });
  });

  test("a directory that is no export is refused even with overwrite", async () => {
    await mkdir(target);
    await writeFile(join(target, "thesis.txt"), "years of work");
    await expect(create(true)).rejects.toMatchObject({ code: "export/exists", message: expect.stringContaining("only an earlier export") });
    expect(await readdir(target)).toEqual(["thesis.txt"]);
  });

  test("a file is refused", async () => {
    await writeFile(target, "");
    await expect(create(true)).rejects.toMatchObject({ code: "export/exists" });
  });

  test("an earlier export is replaced as a whole, at commit", async () => {
    await mkdir(target);
    await writeFile(join(target, MANIFEST_FILE), "{}");
    const directory = await create(true);
    await directory.writeFile("note.txt", "new");
    expect(await readdir(target)).toEqual([MANIFEST_FILE]);
    await directory.commit();
    expect(await readdir(target)).toEqual(["note.txt"]);
    expect(await readdir(parent)).toEqual(["model"]);
  });

  test("something that came into the target meanwhile is not removed", async () => {
    const directory = await create();
    await directory.writeFile("note.txt", "new");
    await mkdir(target);
    await writeFile(join(target, "other.txt"), "");
    await expect(directory.commit()).rejects.toThrow("ENOTEMPTY");
    await directory.discard();
    expect(await readdir(target)).toEqual(["other.txt"]);
  });
});

test("a full disk is noticed before anything is written, with what is missing", async () => {
  await expect(ExportDirectory.create(target, { bytes: 2 ** 60, overwrite: false })).rejects.toMatchObject({
    code: "export/disk-full",
    message: expect.stringMatching(/needs \d+ bytes, \d+ are free at .*: \d+ too few/),
  });
  expect(await readdir(parent)).toEqual([]);
});
