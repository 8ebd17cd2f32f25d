import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MANIFEST_FILE } from "../manifest.ts";
import type { ExportState } from "./state.ts";
import { Workspace } from "./workspace.ts";

const STATE: ExportState = {
  format: 1,
  key: "k",
  experts: { mode: "merged", measured: null, reason: null },
  files: [{ name: "w", bytes: 3, sha256: "" }],
};

let parent: string;
let target: string;
let partial: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "orrery-workspace-"));
  target = join(parent, "model");
  partial = join(parent, ".model.partial");
});
afterEach(() => rm(parent, { recursive: true, force: true }));

function open(overwrite = false): Promise<Workspace> {
  return Workspace.open(target, overwrite);
}

async function finish(workspace: Workspace): Promise<void> {
  await workspace.writeFile("note.txt", "new");
  await workspace.commit();
  await workspace.close({ keep: false });
}

test("nothing is at the target before commit, everything and nothing else after", async () => {
  const workspace = await open();
  await workspace.resume("k");
  await workspace.record(STATE);
  await workspace.writeFile("note.txt", "hello");
  await expect(stat(target)).rejects.toThrow("ENOENT");
  await workspace.commit();
  await workspace.close({ keep: false });
  expect(await readdir(parent)).toEqual(["model"]);
  expect(await readdir(target)).toEqual(["note.txt"]);
});

test("one at a time", async () => {
  const workspace = await open();
  await expect(open()).rejects.toMatchObject({ code: "export/busy", message: expect.stringContaining(`process ${process.pid}`) });
  await workspace.close({ keep: false });
  await (await open()).close({ keep: false });
  expect(await readdir(parent)).toEqual([]);
});

describe("the next attempt", () => {
  async function leave(): Promise<void> {
    const workspace = await open();
    await workspace.resume("k");
    await workspace.writeFile("w", "abc");
    await workspace.record(STATE);
    await workspace.close({ keep: true });
  }

  test("finds what is finished", async () => {
    await leave();
    const workspace = await open();
    expect(await workspace.resume("k")).toEqual(STATE);
    await workspace.writeFile("half", "x");
    await workspace.keepOnly(new Set(["w"]));
    expect(await readdir(workspace.files)).toEqual(["w"]);
    await workspace.close({ keep: false });
  });

  test("with another key finds nothing", async () => {
    await leave();
    const workspace = await open();
    expect(await workspace.resume("other")).toBeNull();
    expect(await readdir(workspace.files)).toEqual([]);
    await workspace.close({ keep: false });
  });

  test.each(["", "{", "null", '{"format":1,"key":"k"}', "x".repeat(2 ** 20 + 1)])(
    "with a damaged state (%#) finds nothing",
    async (text) => {
      await leave();
      await writeFile(join(partial, "state"), text);
      const workspace = await open();
      expect(await workspace.resume("k")).toBeNull();
      await workspace.close({ keep: false });
    },
  );

  test("after one that finished nothing finds an empty place", async () => {
    const workspace = await open();
    await workspace.resume("k");
    await workspace.record({ ...STATE, files: [] });
    await workspace.close({ keep: true });
    expect(await readdir(parent)).toEqual([]);
  });
});

describe("a target that exists", () => {
  async function earlier(): Promise<void> {
    await mkdir(target);
    await writeFile(join(target, MANIFEST_FILE), "{}");
  }

  test("an empty directory is used", async () => {
    await mkdir(target);
    await finish(await open());
    expect(await readdir(target)).toEqual(["note.txt"]);
  });

  test("a directory with something in it is refused, and nothing is left beside it", async () => {
    await earlier();
    await expect(open()).rejects.toMatchObject({ code: "export/exists" });
    expect(await readdir(parent)).toEqual(["model"]);
  });

  test("a directory that is no export is refused even with overwrite", async () => {
    await mkdir(target);
    await writeFile(join(target, "thesis.txt"), "years of work");
    await expect(open(true)).rejects.toMatchObject({ code: "export/exists", message: expect.stringContaining("only an earlier export") });
    expect(await readdir(target)).toEqual(["thesis.txt"]);
  });

  test("a file is refused", async () => {
    await writeFile(target, "");
    await expect(open(true)).rejects.toMatchObject({ code: "export/exists" });
  });

  test("an earlier export is replaced as a whole, at commit", async () => {
    await earlier();
    const workspace = await open(true);
    await workspace.writeFile("note.txt", "new");
    expect(await readdir(target)).toEqual([MANIFEST_FILE]);
    await workspace.commit();
    await workspace.close({ keep: false });
    expect(await readdir(target)).toEqual(["note.txt"]);
    expect(await readdir(parent)).toEqual(["model"]);
  });

  test("something that came into the target meanwhile is not removed", async () => {
    const workspace = await open();
    await workspace.writeFile("note.txt", "new");
    await mkdir(target);
    await writeFile(join(target, "other.txt"), "");
    await expect(workspace.commit()).rejects.toMatchObject({ code: "export/exists" });
    await workspace.close({ keep: false });
    expect(await readdir(target)).toEqual(["other.txt"]);
  });

  test("an earlier export that a kill left aside between the two renames comes back, whatever the next attempt does", async () => {
    await mkdir(join(partial, "old"), { recursive: true });
    await writeFile(join(partial, "old", MANIFEST_FILE), "{}");
    await expect(open(false)).rejects.toMatchObject({ code: "export/exists" });
    expect(await readFile(join(target, MANIFEST_FILE), "utf8")).toBe("{}");
    expect(await readdir(parent)).toEqual(["model"]);
  });

  test("an earlier export that was replaced but not yet removed goes", async () => {
    await earlier();
    await mkdir(join(partial, "old"), { recursive: true });
    await finish(await open(true));
    expect(await readdir(target)).toEqual(["note.txt"]);
    expect(await readdir(parent)).toEqual(["model"]);
  });
});
