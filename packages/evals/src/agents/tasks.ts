/**
 * Whole tasks of agents. In: modules that export `tasks()`. Out: their tasks. Law: a product says itself what its tasks are and when one
 * is done; what is measured here is how often.
 */
import { OrreryError, type ChatModel } from "@orrery/chat";
import { pathToFileURL } from "node:url";
import { resolve } from "node:path";

export interface TaskResult {
  readonly success: boolean;
  /** Decisions of the model. */
  readonly steps: number;
  /** Replies that were not legal moves. */
  readonly illegal: number;
}

export interface AgentTask {
  readonly name: string;
  run(model: ChatModel, options: { readonly seed: number }): Promise<TaskResult>;
}

/** @throws OrreryError `eval/no-tasks` for a file that cannot be loaded or has none */
export async function readTasks(file: string): Promise<readonly AgentTask[]> {
  const module: { readonly tasks?: unknown } = await import(pathToFileURL(resolve(file)).href).catch((cause: unknown) => {
    throw noTasks(file, `it cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  });
  if (typeof module.tasks !== "function") throw noTasks(file, "it exports no function `tasks`");
  const tasks: unknown = module.tasks();
  if (!Array.isArray(tasks) || tasks.length === 0 || !tasks.every(isTask)) throw noTasks(file, "`tasks()` gives no list of { name, run }");
  return tasks;
}

function isTask(value: unknown): value is AgentTask {
  return typeof value === "object" && value !== null && "name" in value && "run" in value && typeof value.run === "function";
}

function noTasks(file: string, why: string, cause?: unknown): OrreryError {
  return new OrreryError("eval/no-tasks", `${file} has no tasks: ${why}`, { hint: "name a module that exports tasks()", cause });
}
