/** A tool that comes with the command line, and the words by which a task is matched to it. */
import type { Tool } from "@orrery/agent";

export interface BuiltinTool {
  readonly tool: Tool;
  /** Lower-case words a task for this tool may hold, besides those of its name and description; `@…` are the features of toolbox.ts. */
  readonly keywords: string;
}
