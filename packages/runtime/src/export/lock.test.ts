import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, rmdir, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { takeLock, type Lock } from "./lock.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "orrery-lock-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Process id of a process that has ended. */
async function deadProcess(): Promise<number> {
  const child = spawn(process.execPath, ["-e", ""]);
  await once(child, "exit");
  return child.pid!;
}

let ids = 0;
/** Leaves a lock as another process would. */
async function leave({ pid = process.pid, started = "unknown", host = hostname() }): Promise<void> {
  const id = `00000000-0000-0000-0000-${String(ids++).padStart(12, "0")}`;
  await writeFile(join(folder, `lock.${pid}.${started}.${id}.${encodeURIComponent(host)}`), "");
}

test("a lock is held until it is released, and leaves nothing", async () => {
  const lock = await takeLock(folder);
  await expect(takeLock(folder)).rejects.toMatchObject({
    code: "export/busy",
    message: expect.stringContaining(`process ${process.pid}`),
  });
  await lock.check();
  await lock.release();
  expect(await readdir(folder)).toEqual([]);
  await (await takeLock(folder)).release();
});

test("of many who ask at once never two hold it, also when dead owners' locks are there", async () => {
  const pid = await deadProcess();
  let got = 0;
  for (let round = 0; round < 30; round++) {
    for (let dead = 0; dead < round % 3; dead++) await leave({ pid });
    let holders = 0;
    const asks = Array.from({ length: 8 }, async (): Promise<void> => {
      const lock: Lock | null = await takeLock(folder).catch(() => null);
      if (lock === null) return;
      expect(++holders).toBe(1);
      got++;
      await new Promise((resolve) => setTimeout(resolve, 2));
      await lock.check();
      holders--;
      await lock.release();
    });
    await Promise.all(asks);
    expect(await readdir(folder)).toEqual([]);
  }
  expect(got).toBeGreaterThanOrEqual(30);
});

test("a dead process's lock is taken over", async () => {
  await leave({ pid: await deadProcess() });
  await (await takeLock(folder)).release();
  expect(await readdir(folder)).toEqual([]);
});

const onLinux = process.platform === "linux" ? test : test.skip; // elsewhere nothing tells when a process started
onLinux("a lock of a process whose number was given to another is taken over", async () => {
  await leave({ started: "1" });
  await (await takeLock(folder)).release();
});

test("files that are no locks are left alone", async () => {
  const names = ["lock", "lock.1", "lock.x.1.00000000-0000-0000-0000-000000000000.h", "state"];
  for (const name of names) await writeFile(join(folder, name), "");
  await (await takeLock(folder)).release();
  expect((await readdir(folder)).sort()).toEqual(names.sort());
});

test("a folder that another removes at its end is made again", async () => {
  const asks = Array.from({ length: 8 }, async () => {
    const lock = await takeLock(folder).catch(() => null);
    await lock?.release();
    await rmdir(folder).catch(() => {});
    return lock;
  });
  expect((await Promise.all(asks)).filter((lock) => lock !== null).length).toBeGreaterThan(0);
});

test("another machine's lock is respected", async () => {
  await leave({ host: "elsewhere", pid: 1 });
  await expect(takeLock(folder)).rejects.toMatchObject({ code: "export/busy", message: expect.stringContaining("process 1 on elsewhere") });
  expect(await readdir(folder)).toHaveLength(1);
});

test("who was robbed notices", async () => {
  const lock = await takeLock(folder);
  for (const name of await readdir(folder)) await rm(join(folder, name));
  await expect(lock.check()).rejects.toMatchObject({ code: "export/busy" });
});
