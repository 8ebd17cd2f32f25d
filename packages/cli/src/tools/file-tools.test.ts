import type { JsonObject } from "@orrery/chat";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { builtinTools } from "./builtin.ts";
import { plannedChange } from "./file-tools.ts";
import { openWorkspace, type Workspace } from "@orrery/files";

let workspace: Workspace;
beforeEach(async () => {
  workspace = await openWorkspace(await mkdtemp(join(tmpdir(), "orrery-tools-")));
  await writeFile(join(workspace.root, "cache.yaml"), "name: web\nbatch_size: 500\nregion: eu\n");
});
afterEach(() => rm(workspace.root, { recursive: true }));

const NOW = new Date("2026-11-24T14:05:00Z");

async function call(name: string, input: JsonObject): Promise<unknown> {
  const found = builtinTools(workspace, () => NOW).find(({ tool }) => tool.name === name);
  if (!found) throw new Error(`no tool ${name}`);
  return found.tool.run(input, { signal: new AbortController().signal, callId: "1" });
}

test.each<[string, JsonObject, unknown]>([
  ["calculator", { expression: "47*24" }, { result: 1128 }],
  ["convert_units", { value: 55.6, from_unit: "feet", to_unit: "meters" }, { value: 16.9469, unit: "meters" }],
  ["convert_units", { value: 1, from_unit: "mm", to_unit: "miles" }, { value: 6.214e-7, unit: "miles" }],
  ["stats", { values: [1, 2, 3, 4], operation: "mean" }, { result: 2.5 }],
  ["days_between", { start: "2026-03-03", end: "2026-04-19" }, { days: 47 }],
  ["days_between", { start: "2026-04-19", end: "2026-03-03" }, { days: -47 }],
  ["date_add", { date: "2026-02-11", days: 45 }, { date: "2026-03-28" }],
  ["date_add", { date: "2026-03-01", days: -1 }, { date: "2026-02-28" }],
  ["get_weekday", { date: "2024-04-28" }, { weekday: "Sunday" }],
  ["get_time", { city: "Mexico City" }, { time: "08:05", date: "2026-11-24" }],
  ["list_files", { dir: "." }, { files: ["cache.yaml"] }],
  ["read_file", { path: "cache.yaml" }, { content: "name: web\nbatch_size: 500\nregion: eu\n" }],
  ["search_files", { query: "region" }, { matches: [{ file: "cache.yaml", line: 3, text: "region: eu" }] }],
  ["write_file", { path: "docs/parser.txt", content: "build q3U6Tz" }, { bytes_written: 12 }],
  ["edit_file", { path: "cache.yaml", old: "batch_size: 500", new: "batch_size: 2" }, { status: "ok", replaced: 1 }],
])("%s of %p gives %p", async (name, input, output) => expect(await call(name, input)).toEqual(output));

test("an edit changes the one place and nothing else; $ signs in it are plain text", async () => {
  await call("edit_file", { path: "cache.yaml", old: "eu", new: "$&$1" });
  expect(await readFile(join(workspace.root, "cache.yaml"), "utf8")).toBe("name: web\nbatch_size: 500\nregion: $&$1\n");
});

test.each<[string, JsonObject, string]>([
  ["edit_file", { path: "cache.yaml", old: "Batch", new: "x" }, "text not found in file"],
  ["edit_file", { path: "cache.yaml", old: "", new: "x" }, "old: must NOT have fewer than 1 characters"],
  ["edit_file", { path: "cache.yaml", old: "e", new: "x" }, "text occurs more than once in file"],
  ["edit_file", { path: "cache.yaml", old: "eu", new: "eu" }, "old and new text are the same"],
  ["edit_file", { path: "gone.txt", old: "e", new: "x" }, "file not found: gone.txt"],
  ["read_file", { path: "../x" }, "path is outside the working directory"],
  ["days_between", { start: "2026-02-30", end: "2026-03-01" }, "there is no date 2026-02-30"],
  ["calculator", { expression: "1/0" }, "division by zero"],
  ["get_time", { city: "Atlantis" }, "unknown city: Atlantis"],
  ["convert_units", { value: 1, from_unit: "kg", to_unit: "miles" }, "cannot convert kg to miles"],
])("%s of %p fails: %s", async (name, input, message) => {
  await expect(call(name, input)).rejects.toThrow(message);
  expect(await readFile(join(workspace.root, "cache.yaml"), "utf8")).toContain("batch_size: 500");
});

test("a long file is cut and says so", async () => {
  await writeFile(join(workspace.root, "long.txt"), `${"x".repeat(7_999)}😀tail`);
  expect(await call("read_file", { path: "long.txt" })).toEqual({ content: "x".repeat(7_999), truncated: true });
});

test("only the two tools that write are declared as writes", () => {
  const writes = builtinTools(workspace, () => NOW).filter(({ tool }) => tool.effects === "write");
  expect(writes.map(({ tool }) => tool.name)).toEqual(["write_file", "edit_file"]);
});

test("a planned change is what the tool then does", async () => {
  const input = { path: "cache.yaml", old: "500", new: "2" };
  const planned = await plannedChange(workspace, "edit_file", input);
  await call("edit_file", input);
  expect(planned?.after).toBe(await readFile(join(workspace.root, "cache.yaml"), "utf8"));
  expect(await plannedChange(workspace, "write_file", { path: "new.txt", content: "a" })).toEqual({
    path: "new.txt",
    before: undefined,
    after: "a",
  });
  expect(await plannedChange(workspace, "read_file", { path: "new.txt" })).toBeUndefined();
  await expect(plannedChange(workspace, "write_file", { path: "../new.txt", content: "a" })).rejects.toThrow("outside");
});
