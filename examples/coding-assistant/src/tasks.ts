/**
 * The assistant's tasks, for an evaluation. In: a model. Out: for each bug whether it was mended. Law: a task counts when the run answered,
 * the tests of a fresh run are green, and no test was changed.
 */
import { run } from "@orrery/agent";
import type { ChatModel } from "@orrery/chat";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { BUGS, type Bug } from "./bugs.ts";
import { createCoder } from "./coder.ts";
import { practice } from "./practice.ts";
import { openRepository } from "./repository.ts";
import { runTests } from "./run-tests.ts";

export interface TaskResult {
  readonly success: boolean;
  /** Decisions of the model. */
  readonly steps: number;
  /** Replies that were not legal moves. */
  readonly illegal: number;
  /** Is the code as it was before the bug? Tests can be green for other reasons. */
  readonly same: boolean;
}

export interface AgentTask {
  readonly name: string;
  run(model: ChatModel, options: { readonly seed: number }): Promise<TaskResult>;
}

export function tasks(): readonly AgentTask[] {
  return BUGS.map((bug) => ({ name: `coding-assistant/${bug.kind}/${bug.name}`, run: (model, { seed }) => mend(bug, model, seed) }));
}

async function mend(bug: Bug, model: ChatModel, seed: number): Promise<TaskResult> {
  await using copy = await practice(bug);
  const repository = await openRepository(copy.folder);
  const { root } = repository.workspace;
  const tests = await testTexts(root);
  const agent = createCoder(model, repository, { test: (options) => runTests(root, options), approval: "never" });
  const { status, decisions, illegal } = await run(agent, bug.task, { sampling: { seed } });
  const { failed } = await runTests(root);
  await using clean = await practice();
  const [found, right] = await Promise.all([root, clean.folder].map((folder) => readFile(join(folder, bug.file), "utf8")));
  const success = status === "answered" && failed === 0 && (await testTexts(root)) === tests;
  return { success, steps: decisions, illegal, same: found === right };
}

async function testTexts(root: string): Promise<string> {
  const names = (await readdir(join(root, "test"))).sort();
  return (await Promise.all(names.map((name) => readFile(join(root, "test", name), "utf8")))).join("\n");
}
