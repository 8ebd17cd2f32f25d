import fc from "fast-check";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile, chmod } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FileError } from "./file-error.ts";
import { listFolder, searchFiles } from "./walk.ts";
import { openWorkspace, type Workspace } from "./workspace.ts";

let outer: string;
let workspace: Workspace;
const signal = new AbortController().signal;

beforeEach(async () => {
  outer = await mkdtemp(join(tmpdir(), "orrery-workspace-"));
  const root = join(outer, "root");
  await mkdir(join(root, "docs"), { recursive: true });
  await mkdir(join(outer, "root-sibling"));
  await writeFile(join(outer, "secret.txt"), "secret");
  await writeFile(join(outer, "root-sibling", "secret.txt"), "secret");
  await writeFile(join(root, "notes.txt"), "milk\nBread and milk\n");
  await writeFile(join(root, "docs", "guide.md"), "# Guide\n\nHow to milk a cow.\n");
  await writeFile(join(root, "image.bin"), new Uint8Array([1, 0, 2]));
  await symlink(join(outer, "secret.txt"), join(root, "link.txt"));
  await symlink(outer, join(root, "up"));
  await symlink(join(outer, "not-there"), join(root, "dangling"));
  await symlink("notes.txt", join(root, "inner.txt"));
  workspace = await openWorkspace(root);
});
afterEach(() => rm(outer, { recursive: true }));

const withCode = (code: string): unknown => expect.objectContaining({ code });

test("a file below the root is read, by relative, absolute and roundabout path", async () => {
  for (const path of ["notes.txt", "./notes.txt", "docs/../notes.txt", join(workspace.root, "notes.txt"), "inner.txt"])
    expect(await workspace.read(path)).toBe("milk\nBread and milk\n");
});

test.each([
  ["../secret.txt", "tool/outside"],
  ["docs/../../secret.txt", "tool/outside"],
  ["../root-sibling/secret.txt", "tool/outside"],
  ["/etc/passwd", "tool/outside"],
  ["link.txt", "tool/outside"],
  ["up/secret.txt", "tool/outside"],
  ["up/root/notes.txt/../../secret.txt", "tool/outside"],
  ["notes.txt\0.png", "tool/bad-path"],
  ["x".repeat(5000), "tool/bad-path"],
  ["missing.txt", "tool/not-found"],
  ["dangling", "tool/not-found"],
  ["docs", "tool/not-a-file"],
  ["", "tool/not-a-file"],
  ["notes.txt/deeper", "tool/not-a-folder"],
  ["image.bin", "tool/binary"],
])("reading %p is refused with %s", async (path, code) => {
  await expect(workspace.read(path)).rejects.toThrow(withCode(code) as Error);
});

test.each([
  ["../new.txt", "tool/outside"],
  ["link.txt", "tool/outside"],
  ["up/new.txt", "tool/outside"],
  ["up/fresh/new.txt", "tool/outside"],
  ["dangling", "tool/outside"],
  ["dangling/new.txt", "tool/outside"],
  ["docs", "tool/not-a-file"],
  [".", "tool/not-a-file"],
])("writing %p is refused with %s, and nothing outside changes", async (path, code) => {
  const before = await snapshot(outer);
  await expect(workspace.write(path, "overwritten")).rejects.toThrow(withCode(code) as Error);
  expect(await snapshot(outer)).toEqual(before);
});

test("a write makes folders, counts bytes, keeps the mode, leaves no temporary file", async () => {
  expect(await workspace.write("new/deep/file.txt", "grüße")).toBe(7);
  expect(await workspace.read("new/deep/file.txt")).toBe("grüße");
  await chmod(join(workspace.root, "notes.txt"), 0o640);
  await workspace.write("notes.txt", "tea\n");
  expect((await stat(join(workspace.root, "notes.txt"))).mode & 0o777).toBe(0o640);
  expect((await readdir(workspace.root)).filter((name) => name.startsWith("."))).toEqual([]);
});

test("files beyond the limit are neither read nor written", async () => {
  await writeFile(join(workspace.root, "large.txt"), "x".repeat(1_000_001));
  await expect(workspace.read("large.txt")).rejects.toThrow(withCode("tool/too-large") as Error);
  await expect(workspace.write("large2.txt", "x".repeat(1_000_001))).rejects.toThrow(withCode("tool/too-large") as Error);
});

test("whatever the path, nothing outside is read or changed", async () => {
  const pieces = fc.constantFrom(
    "..",
    ".",
    "/",
    "//",
    "up",
    "link.txt",
    "dangling",
    "docs",
    "root",
    "secret.txt",
    "root-sibling",
    "~",
    "%2e%2e",
    "..\\",
    "C:",
    "\0",
    "new",
    " ",
  );
  const paths = fc.oneof(
    fc.array(pieces, { maxLength: 7 }).map((parts) => parts.join("/")),
    fc.string({ maxLength: 20 }),
  );
  const before = {
    secret: await readFile(join(outer, "secret.txt"), "utf8"),
    names: (await readdir(outer)).sort(),
    sibling: await snapshot(join(outer, "root-sibling")),
  };
  await fc.assert(
    fc.asyncProperty(paths, async (path) => {
      for (const attempt of [() => workspace.read(path), () => workspace.write(path, "mine").then(() => "written")]) {
        const result = await attempt().catch((error: unknown) => {
          expect(error).toBeInstanceOf(FileError);
          return "refused";
        });
        expect(result).not.toContain("secret");
      }
      expect(await readFile(join(outer, "secret.txt"), "utf8")).toBe(before.secret);
      expect((await readdir(outer)).sort()).toEqual(before.names);
      expect(await snapshot(join(outer, "root-sibling"))).toEqual(before.sibling);
    }),
    { numRuns: 150 },
  );
});

test("a listing is sorted, marks folders and has a limit", async () => {
  expect(await listFolder(workspace, ".")).toEqual({
    files: ["dangling", "docs/", "image.bin", "inner.txt", "link.txt", "notes.txt", "up"],
  });
  await expect(listFolder(workspace, "up")).rejects.toThrow(withCode("tool/outside") as Error);
  await expect(listFolder(workspace, "notes.txt")).rejects.toThrow(withCode("tool/not-a-folder") as Error);
  for (let i = 0; i < 70; i++) await writeFile(join(workspace.root, "docs", `f${i}`), "");
  const many = await listFolder(workspace, "docs");
  expect(many.files).toHaveLength(60);
  expect(many.more).toBe(11);
});

test("a search finds lines in any case, follows no link and skips binary files", async () => {
  expect(await searchFiles(workspace, "MILK", signal)).toEqual({
    matches: [
      { file: "docs/guide.md", line: 3, text: "How to milk a cow." },
      { file: "notes.txt", line: 1, text: "milk" },
      { file: "notes.txt", line: 2, text: "Bread and milk" },
    ],
  });
  expect(await searchFiles(workspace, "secret", signal)).toEqual({ matches: [] });
  expect(await searchFiles(workspace, ".*", signal)).toEqual({ matches: [] });
  await expect(searchFiles(workspace, " ", signal)).rejects.toThrow(withCode("tool/bad-query") as Error);
});

test("a search ends at its limit and when it is aborted", async () => {
  await writeFile(join(workspace.root, "many.txt"), "needle\n".repeat(50));
  const found = await searchFiles(workspace, "needle", signal);
  expect(found.matches).toHaveLength(20);
  expect(found.incomplete).toBe(true);
  await expect(searchFiles(workspace, "milk", AbortSignal.abort())).rejects.toThrow("aborted");
});

async function snapshot(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    found[path] = entry.isFile() ? await readFile(path, "utf8") : entry.isDirectory() ? "folder" : "link";
  }
  return found;
}
