/** `@orrery/example-coding-assistant`: the assistant, and its tasks for an evaluation. */
export { BUGS, type Bug } from "./bugs.ts";
export { createCoder, type CoderOptions } from "./coder.ts";
export { practice, type Practice } from "./practice.ts";
export { openRepository, type Repository } from "./repository.ts";
export { runTests, type Failure, type TestOptions, type TestResult } from "./run-tests.ts";
export { tasks, type AgentTask, type TaskResult } from "./tasks.ts";
