/**
 * The assistant's tools, in the words that small models are trained on. In: a repository and how its tests are run. Law: paths are
 * checked by the workspace whatever the mask allowed; what an edit replaces must occur exactly once in the file as it is on the disk.
 */
import { tool, type Tool } from "@orrery/agent";
import { FileError, replaceOnce, searchFiles } from "@orrery/files";
import { z } from "zod";
import { isProtected, MAX_READ, type Repository } from "./repository.ts";
import type { TestOptions, TestResult } from "./run-tests.ts";

const path = z.string().describe("File path");
/** Lines of a search that are told. */
const MAX_MATCHES = 8;

export function coderTools({ workspace }: Repository, test: (options: TestOptions) => Promise<TestResult>): readonly Tool[] {
  const search = tool({
    name: "search_files",
    description: "Search file contents for text.",
    trust: "untrusted",
    input: z.object({ query: z.string().min(1).max(60).describe("Text to find").meta({ copyFrom: "conversation" }) }),
    async run({ query }, { signal }) {
      const { matches } = await searchFiles(workspace, query, signal);
      return { matches: matches.slice(0, MAX_MATCHES).map(({ file, line, text }) => ({ file, line, text: text.slice(0, 80) })) };
    },
  });
  const read = tool({
    name: "read_file",
    description: "Return the content of a file.",
    trust: "untrusted",
    input: z.object({ path }),
    async run({ path: file }) {
      const content = await workspace.read(file);
      if (content.length > MAX_READ) throw new FileError("tool/too-large", `file longer than ${MAX_READ} characters`);
      return { content };
    },
  });
  const edit = tool({
    name: "edit_file",
    description: "Edit a file: old must match exactly once.",
    effects: "write",
    input: z.object({
      path,
      old: z.string().min(1).describe("Exact text to replace"),
      new: z.string().max(400).describe("Replacement text"),
    }),
    async run({ path: file, old, new: text }) {
      if (isProtected(file)) throw new FileError("tool/no-permission", `not edited: ${file}`);
      await workspace.write(file, replaceOnce(await workspace.read(file), old, text));
      return { status: "ok", replaced: 1 };
    },
  });
  const undo = tool({
    name: "undo_edit",
    description: "Take an edit back.",
    effects: "write",
    input: z.object({ path, at: z.int().nonnegative(), old: z.string(), new: z.string() }),
    async run({ path: file, at, old, new: made }) {
      const text = await workspace.read(file);
      if (!text.startsWith(made, at)) throw new FileError("tool/no-match", "the file has changed since the edit");
      await workspace.write(file, text.slice(0, at) + old + text.slice(at + made.length));
      return { status: "ok" };
    },
  });
  const runTests = tool({
    name: "run_tests",
    description: "Run the test suite.",
    trust: "untrusted",
    input: z.object({}),
    run: async (_, { signal }) => JSON.parse(JSON.stringify(await test({ signal }))),
  });
  return [search, read, edit, undo, runTests];
}
