import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { takeLock } from "./lock.ts";

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "orrery-lock-"));
  path = join(directory, "lock");
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** Process id of a process that has ended. */
async function deadProcess(): Promise<number> {
  const child = spawn(process.execPath, ["-e", ""]);
  await once(child, "exit");
  return child.pid!;
}

function owner(facts: object): string {
  return JSON.stringify({ pid: process.pid, host: hostname(), started: null, id: "other", ...facts });
}

test("a lock is held until it is released, and leaves nothing", async () => {
  const lock = await takeLock(path);
  await expect(takeLock(path)).rejects.toMatchObject({ code: "export/busy" });
  await lock.check();
  await lock.release();
  expect(await readdir(directory)).toEqual([]);
  await (await takeLock(path)).release();
});

test("of many who ask at once one gets it, also when a dead owner's lock is there", async () => {
  for (const stale of [false, true]) {
    if (stale) await writeFile(path, owner({ pid: await deadProcess() }));
    const asked = await Promise.allSettled(Array.from({ length: 8 }, () => takeLock(path)));
    const got = asked.filter((each) => each.status === "fulfilled");
    expect(got).toHaveLength(1);
    await got[0]!.value.release();
    expect(await readdir(directory)).toEqual([]);
  }
});

test("a dead process's lock is taken over", async () => {
  await writeFile(path, owner({ pid: await deadProcess() }));
  await (await takeLock(path)).release();
});

test("a lock of a process whose number was given to another is taken over", async () => {
  await writeFile(path, owner({ started: "1" }));
  await (await takeLock(path)).release();
});

test.each(["", "{", '{"pid":-1}', "x".repeat(5000)])("a file that names no owner (%#) is taken over", async (text) => {
  await writeFile(path, text);
  await (await takeLock(path)).release();
});

test("another machine's lock is respected", async () => {
  const text = owner({ host: "elsewhere", pid: 1 });
  await writeFile(path, text);
  await expect(takeLock(path)).rejects.toMatchObject({ code: "export/busy", message: expect.stringContaining("process 1 on elsewhere") });
  expect(await readFile(path, "utf8")).toBe(text);
});

test("who was robbed notices", async () => {
  const lock = await takeLock(path);
  await writeFile(path, owner({}));
  await expect(lock.check()).rejects.toMatchObject({ code: "export/busy" });
  await expect(lock.release()).rejects.toMatchObject({ code: "export/busy" });
  expect(JSON.parse(await readFile(path, "utf8"))).toMatchObject({ id: "other" });
});
