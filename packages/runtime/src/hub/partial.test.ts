/** A file under way has one owner, also when that one was only asleep. */
import { mkdtemp, readdir, readFile, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { noise, sha256 } from "./fake-hub.test.support.ts";
import { PartialFile, partialBytes } from "./partial.ts";

const CONTENT = noise(1000);
const FILE = { path: "model.safetensors", bytes: CONTENT.length, hash: { algorithm: "sha256", value: sha256(CONTENT) } } as const;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "orrery-partial-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** The owner gives no sign of life, as a process that is stopped. */
async function asleep(): Promise<void> {
  for (const name of await readdir(folder)) await utimes(join(folder, name), new Date(0), new Date(0));
}

test("an owner that slept and was robbed writes nothing into what is no longer its own", async () => {
  const sleeper = (await PartialFile.claim(folder, FILE))!;
  await sleeper.append(CONTENT.subarray(0, 300));
  expect(await PartialFile.claim(folder, FILE)).toBeNull();
  await asleep();
  const heir = (await PartialFile.claim(folder, FILE))!;
  expect(heir.length).toBe(300);
  await expect(sleeper.append(CONTENT.subarray(300, 400))).rejects.toMatchObject({ code: "hub/taken-over" });
  await expect(sleeper.restart()).rejects.toMatchObject({ code: "hub/taken-over" });
  await sleeper.keep();
  await heir.append(CONTENT.subarray(300));
  expect(await heir.size()).toBe(CONTENT.length);
  const target = join(folder, "whole");
  await heir.finish(target);
  expect(sha256(await readFile(target))).toBe(FILE.hash.value);
});

test("what is on the disk of a file is known before it is claimed", async () => {
  expect(await partialBytes(join(folder, "none"), FILE)).toBe(0);
  const partial = (await PartialFile.claim(folder, FILE))!;
  await partial.append(CONTENT.subarray(0, 300));
  expect(await partialBytes(folder, FILE)).toBe(300);
  await partial.keep();
  expect(await partialBytes(folder, FILE)).toBe(300);
});
