/**
 * Tools for the files below one folder. Listing, reading and searching only read; writing and editing are declared as writes, so
 * that the agent asks before it runs them. {@link plannedChange} says beforehand what a write would do.
 */
import { tool } from "@orrery/agent";
import type { JsonObject } from "@orrery/chat";
import { FileError, listFolder, replaceOnce, searchFiles, type Workspace } from "@orrery/files";
import { z } from "zod";
import type { BuiltinTool } from "./builtin-tool.ts";

/** Characters of a file that go to the model: about 2,000 tokens. */
const MAX_READ = 8_000;

const writeInput = z.object({
  path: z.string().min(1).describe("File path"),
  content: z.string().describe("Full text of the file"),
});
const editInput = z.object({
  path: z.string().min(1).describe("File path"),
  old: z.string().min(1).describe("Exact text to replace"),
  new: z.string().describe("Replacement text"),
});

export function fileTools(workspace: Workspace): readonly BuiltinTool[] {
  const listFiles = tool({
    name: "list_files",
    description: "List the files in a directory.",
    input: z.object({ dir: z.string().describe("Directory path") }),
    run: ({ dir }) => listFolder(workspace, dir),
  });
  const readFile = tool({
    name: "read_file",
    description: "Return the content of a file.",
    input: z.object({ path: z.string().min(1).describe("File path") }),
    async run({ path }) {
      const content = await workspace.read(path);
      return content.length > MAX_READ
        ? { content: content.slice(0, MAX_READ).replace(/[\uD800-\uDBFF]$/, ""), truncated: true }
        : { content };
    },
  });
  const search = tool({
    name: "search_files",
    description: "Search file contents for text.",
    input: z.object({ query: z.string().min(1).describe("Text to find") }),
    run: ({ query }, { signal }) => searchFiles(workspace, query, signal),
  });
  const writeFile = tool({
    name: "write_file",
    description: "Write text to a file, replacing it.",
    input: writeInput,
    effects: "write",
    run: async ({ path, content }) => ({ bytes_written: await workspace.write(path, content) }),
  });
  const editFile = tool({
    name: "edit_file",
    description: "Edit a file: old must match exactly once.",
    input: editInput,
    effects: "write",
    async run(input) {
      await workspace.write(input.path, replaceOnce(await workspace.read(input.path), input.old, input.new));
      return { status: "ok", replaced: 1 };
    },
  });
  return [
    { tool: listFiles, keywords: "@path list files folder directory folders ls here contains what" },
    { tool: readFile, keywords: "@path read file open show content contents cat print says line set change fix replace edit raise" },
    { tool: search, keywords: "search find grep look mention mentions contains where occur occurs word files todo" },
    { tool: writeFile, keywords: "@path write create save new file text put store" },
    { tool: editFile, keywords: "@path edit replace change fix rename set raise update correct typo file misspelled" },
  ];
}

/** What a call of a write tool would change: the file as the model named it, its text before (undefined: new) and after. */
export interface PlannedChange {
  readonly path: string;
  readonly before: string | undefined;
  readonly after: string;
}

/**
 * The change a call would make now; undefined when the tool is not one of the write tools here.
 * @throws ToolError as the tool itself would
 */
export async function plannedChange(workspace: Workspace, name: string, input: JsonObject): Promise<PlannedChange | undefined> {
  if (name === "write_file") {
    const { path, content } = writeInput.parse(input);
    await workspace.writable(path);
    const before = await workspace.read(path).catch((error: unknown) => {
      if (error instanceof FileError && error.code === "tool/not-found") return undefined;
      throw error;
    });
    return { path, before, after: content };
  }
  if (name === "edit_file") {
    const edit = editInput.parse(input);
    await workspace.writable(edit.path);
    const before = await workspace.read(edit.path);
    return { path: edit.path, before, after: replaceOnce(before, edit.old, edit.new) };
  }
  return undefined;
}
